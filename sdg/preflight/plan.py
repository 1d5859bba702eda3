"""What an update is going to do: its stages in order, what each creates, and how long that may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from sdg.azure.names import Names
from sdg.catalog.gpu_driver import DriverOwner
from sdg.catalog.preflight import stage_minutes
from sdg.catalog.versions import versions
from sdg.inference.model import InferencePlan, ProviderName
from sdg.osmo import layout
from sdg.platform.layout import NIM_NAMESPACE
from sdg.settings.azure import Azure, Pool
from sdg.settings.cluster import ExistingCluster, MicroK8s
from sdg.settings.gpu_operator import gpu_operator_plan
from sdg.settings.model import StackSettings
from sdg.settings.osmo import ExternalDatabase, ExternalRedis, ManagedDatabase, ManagedRedis
from sdg.settings.platform import ManagedStore, MinioStore
from sdg.spec import VERIFY_GPU, VERIFY_HELLO

NOTHING: Final = InferencePlan()


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of an update.

    Attributes:
        name: its name in `stages.yaml`.
        creates: what it creates or proves.
        lane: stages in a row with lanes run lane beside lane, those of one lane one after the other; without a lane, alone.
    """

    name: str
    creates: str
    lane: str = ""

    @property
    def minutes(self) -> tuple[float, float]:
        """Least and most."""
        return stage_minutes()[self.name]


def stages(settings: StackSettings, inference: InferencePlan = NOTHING) -> list[Stage]:
    """The stages of a first update, in order; a later one skips what is there. Endpoints come beside OSMO.

    Args:
        inference: the endpoints that the stack serves.
    """
    served = list(_inference(inference))
    osmo = [replace(stage, lane="osmo") if served else stage for stage in _osmo(settings)]
    return [*_cluster(settings), *_platform(settings), *osmo, *served, *_proof(settings)]


def total(planned: list[Stage]) -> tuple[float, float]:
    """Minutes of all stages together, least and most; of stages side by side the slowest lane counts."""
    least = most = 0.0
    for side_by_side, group in groupby(planned, lambda stage: bool(stage.lane)):
        lanes: dict[str, list[Stage]] = {}
        for number, stage in enumerate(group):
            lanes.setdefault(stage.lane if side_by_side else str(number), []).append(stage)
        sums = [[sum(stage.minutes[bound] for stage in lane) for lane in lanes.values()] for bound in (0, 1)]
        together = max if side_by_side else sum
        least, most = least + together(sums[0]), most + together(sums[1])
    return least, most


def _cluster(settings: StackSettings) -> Iterator[Stage]:
    cluster = settings.cluster
    pins = versions().microk8s
    match cluster:
        case MicroK8s(adopt=True):
            yield Stage("adopted", f"nothing: MicroK8s stays as it is, with the addons {', '.join(pins.addons)}; {_context(cluster)}")
        case MicroK8s():
            host = cluster.host.address if cluster.host else "this machine"
            channel = cluster.channel or pins.channel
            yield Stage("microk8s", f"MicroK8s {channel} on {host}, with the addons {', '.join(pins.addons)}; {_context(cluster)}")
        case Azure():
            yield from _azure(cluster, settings)
    if isinstance(cluster, ExistingCluster | MicroK8s | Azure):
        gpus = f", GPUs: {cluster.gpus}" if cluster.gpus else ""
        yield Stage("cluster", f"nothing: the gate checks version, StorageClass, usable nodes: {cluster.min_nodes}{gpus}")


def _azure(cluster: Azure, settings: StackSettings) -> Iterator[Stage]:
    network, seen, aks = cluster.network, cluster.observability, "aks"
    group = Names.of(cluster, owner="", subscription="").resource_group
    egress = "a NAT gateway" if network.egress == "nat-gateway" else "AKS' load balancer"
    yield Stage("azure-network", f"the resource group {group} in {cluster.location}, the network {network.range}, egress through {egress}")
    yield Stage("azure-aks", f"AKS {cluster.kubernetes}, tier {cluster.tier}, {_pool('system', cluster.system_pool)}", aks)
    pools = [*([("cpu", cluster.cpu_pool)] if cluster.cpu_pool else []), *((pool.name, pool) for pool in cluster.gpu_pools)]
    if pools:
        yield Stage("azure-pools", ", ".join(_pool(name, pool) for name, pool in pools), aks)
    if isinstance(settings.osmo.database, ManagedDatabase):
        database = cluster.database
        ha = "" if database.high_availability == "none" else f", standby: {database.high_availability}"
        yield Stage(
            "azure-database", f"meanwhile: PostgreSQL {database.version}, {database.size}, {database.storage_gib} GiB{ha}", "database"
        )
    if isinstance(settings.osmo.redis, ManagedRedis):
        replica = ", with a replica" if cluster.redis.high_availability else ""
        yield Stage("azure-redis", f"meanwhile: Azure Managed Redis {cluster.redis.size}{replica}", "redis")
    if isinstance(settings.platform.object_store, ManagedStore):
        vault = ", and a key vault" if cluster.key_vault.enabled else ""
        yield Stage("azure-storage", f"meanwhile: Blob storage, {cluster.storage.redundancy}{vault}", "storage")
    watching = {"logs": seen.logs, "metrics": seen.metrics, "Grafana": seen.grafana}
    if any(watching.values()):
        yield Stage("azure-observability", f"meanwhile: {', '.join(what for what, on in watching.items() if on)}", "observability")


def _pool(name: str, pool: Pool) -> str:
    spot = " spot" if getattr(pool, "spot", False) else ""
    return f"pool {name}: {pool.min} to {pool.max}{spot} nodes of {pool.size}"


def _context(cluster: MicroK8s) -> str:
    return f"the context {cluster.name} in {cluster.kubeconfig}"


_OWNERS: Final[Mapping[DriverOwner, str]] = {"operator": "the operator's", "host": "the host's", "azure": "the one that AKS installs"}


def _platform(settings: StackSettings) -> Iterator[Stage]:
    platform, charts = settings.platform, versions().charts
    gpus = getattr(settings.cluster, "gpus", 0)
    plan = gpu_operator_plan(platform.gpu_operator, cluster=settings.cluster.kind, gpus=gpus)
    if plan.install:
        yield Stage("gpu-operator", f"NVIDIA's GPU operator {charts['gpu-operator'].version}; the GPU driver is {_OWNERS[plan.driver]}")
    if platform.kai_scheduler.install:
        yield Stage("kai-scheduler", f"the KAI scheduler {charts['kai-scheduler'].version}, and its kinds")
    if isinstance(platform.object_store, MinioStore):
        store = platform.object_store
        yield Stage("object-store", f"MinIO with a volume of {store.size} and the bucket {store.bucket}")


def _osmo(settings: StackSettings) -> Iterator[Stage]:
    osmo = settings.osmo
    release = versions().profiles[osmo.profile].release(osmo.chart_version)
    if release is None:  # the loader refuses it
        return
    database = f"PostgreSQL on {osmo.database.host}" if isinstance(osmo.database, ExternalDatabase) else "PostgreSQL"
    redis = f"Redis on {osmo.redis.host}" if isinstance(osmo.redis, ExternalRedis) else "Redis"
    yield Stage(
        "osmo-service",
        f"namespace {layout.SERVICE_NAMESPACE}: keys, credentials, OSMO {release.tag} (chart {release.chart}) with {database} and {redis}",
    )
    yield Stage("osmo-operator", f"namespaces {layout.OPERATOR_NAMESPACE} and {layout.WORKFLOWS_NAMESPACE}: the operator and its token")


_SERVED: Final[Mapping[ProviderName, tuple[str, str]]] = {
    "nim-operator": ("inference-nims", f"namespace {NIM_NAMESPACE}: NIMs, with their volumes and downloads"),
    "nvcf": ("inference-functions", "nothing is made, the gate asks functions that run already"),
    "foundry": ("inference-foundry", "models of Azure AI Foundry"),
    "external": ("inference-elsewhere", "nothing is made, the gate asks endpoints that somebody else runs"),
}


def _inference(plan: InferencePlan) -> Iterator[Stage]:
    for provider, (name, creates) in _SERVED.items():
        if endpoints := plan.of(provider):
            yield Stage(name, f"meanwhile: {creates}: {', '.join(endpoint.name for endpoint in endpoints)}", provider)


def _proof(settings: StackSettings) -> Iterator[Stage]:
    yield Stage("smoke-hello", f"the workflow {VERIFY_HELLO}, which must complete")
    if settings.smoke.runs_gpu(getattr(settings.cluster, "gpus", 0)):
        yield Stage("smoke-gpu", f"the workflow {VERIFY_GPU}, which must complete")
    if settings.forward.enabled:
        yield Stage(
            "forward", f"OSMO's API on localhost:{settings.forward.port}, its user interface on localhost:{settings.forward.ui_port}"
        )
