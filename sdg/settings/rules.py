"""What settings of different sections ask of each other. The facts behind it are the catalog's, which the policies read as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypedDict

from sdg.catalog.compatibility import matrix
from sdg.catalog.versions import versions
from sdg.settings.azure import Azure
from sdg.settings.azure_rules import azure_problems
from sdg.settings.budget import Budget
from sdg.settings.cluster import Cluster, ExistingCluster, MicroK8s
from sdg.settings.errors import it_is, one_of
from sdg.settings.forward import Forward
from sdg.settings.gpu_operator import gpu_operator_plan
from sdg.settings.inference import Inference
from sdg.settings.mirror import Mirror
from sdg.settings.osmo import ExternalDatabase, ExternalRedis, InClusterDatabase, ManagedDatabase, ManagedRedis, Osmo
from sdg.settings.platform import AzureBlobStore, GpuOperator, ManagedStore, MinioStore, Platform, S3Store
from sdg.settings.secrets import SECRET_KEYS, SecretName, chart_password_problem
from sdg.settings.smoke import Smoke
from sdg.settings.workload import Workload


class Sections(TypedDict, total=False):
    """The sections that could be read; a rule that misses one has nothing to say."""

    cluster: Cluster
    platform: Platform
    forward: Forward
    inference: Inference
    mirror: Mirror
    osmo: Osmo
    smoke: Smoke
    workload: Workload
    data: str
    budget: Budget


def cross_field_problems(sections: Sections) -> Iterator[str]:
    """Every combination that cannot work, one sentence or two each."""
    yield from _cluster_and_inference(sections)
    cluster = sections.get("cluster")
    if "osmo" in sections:
        yield from _release(sections["osmo"])
        yield from _scaling(sections["osmo"])
    if isinstance(cluster, (ExistingCluster, MicroK8s)):
        yield from _gpus(cluster, sections.get("smoke"))
        if "platform" in sections:
            yield from _gpu_operator(cluster, sections["platform"])
    if isinstance(cluster, MicroK8s):
        yield from _channel(cluster, sections.get("platform"))
    if isinstance(cluster, Azure):
        yield from azure_problems(cluster, sections.get("platform"), sections.get("smoke"))
        yield from _retained(sections)
    elif cluster is not None:
        yield from _managed(cluster, sections)
    if "platform" in sections:
        yield from _object_store(sections["platform"])
    if "forward" in sections:
        yield from _ports(sections["forward"])


def secret_problems(sections: Sections, given: Mapping[SecretName, str]) -> Iterator[str]:
    """Secrets that a stack's choices need and that nobody gave, or that do not fit them; no value is shown.

    Args:
        given: the secrets that have a value.
    """
    osmo, platform = sections.get("osmo"), sections.get("platform")
    needs: list[tuple[SecretName, str]] = []
    if osmo and isinstance(osmo.database, ExternalDatabase):
        needs.append(("databasePassword", "sdg:osmo.database.kind is external"))
    if osmo and isinstance(osmo.redis, ExternalRedis):
        needs.append(("redisPassword", "sdg:osmo.redis.kind is external"))
    if osmo and osmo.images.credentials == "ngc":
        needs.append(("ngcApiKey", "sdg:osmo.images.credentials is ngc"))
    match platform.object_store if platform else None:
        case S3Store():
            needs += [("storageAccessKeyId", _STORE_IS.format("s3")), ("storageAccessKey", _STORE_IS.format("s3"))]
        case AzureBlobStore(auth="key"):
            needs.append(("storageAccountKey", f"{_STORE_IS.format('azure-blob')} with auth key"))
    for key, reason in needs:
        if key not in given:
            how = f"set it with `pulumi config set --secret sdg:{key}`, or set {SECRET_KEYS[key].variable}"
            yield f"sdg:{key} is required, because {reason}: {how}."
    password = given.get("databasePassword")
    if osmo and isinstance(osmo.database, InClusterDatabase) and password and (wrong := chart_password_problem(password)):
        yield wrong


_STORE_IS = "sdg:platform.objectStore.provider is {}"


def _cluster_and_inference(sections: Sections) -> Iterator[str]:
    known = matrix()
    kind = sections["cluster"].kind if "cluster" in sections else None
    provider = sections["inference"].provider if "inference" in sections else None
    # what can never be is refused as that, and not as something to wait for
    if kind and provider and (refusal := known.refusal(kind, provider)):
        yield f"sdg:inference.provider: {refusal}"
        return
    if kind and not known.clusters[kind].deployable:
        yield f'sdg:cluster.kind: "{kind}" is not available yet; use {one_of(known.deployable_clusters())}.'
    if provider and not known.providers[provider].deployable:
        yield f'sdg:inference.provider: "{provider}" is not available yet; use {one_of(known.deployable_providers())}.'


def _release(osmo: Osmo) -> Iterator[str]:
    profile = versions().profiles.get(osmo.profile)
    if profile is None:
        yield f"sdg:osmo.profile must be {one_of(versions().profiles)}{it_is(osmo.profile)}."
    elif profile.release(osmo.chart_version) is None:
        legal = f"a chart version that OSMO profile {osmo.profile} is known to work with, {one_of(profile.chart_versions)}"
        yield f"sdg:osmo.chartVersion must be {legal}{it_is(osmo.chart_version)}."


def _scaling(osmo: Osmo) -> Iterator[str]:
    for name in type(osmo.scaling).model_fields:
        bounds = getattr(osmo.scaling, name)
        if bounds.min > bounds.max:
            yield f"sdg:osmo.scaling.{name}.min must be at most its max, which is {bounds.max}; it is {bounds.min}."


def _gpus(cluster: ExistingCluster | MicroK8s, smoke: Smoke | None) -> Iterator[str]:
    if cluster.gpus_per_node > cluster.gpus:
        yield f"sdg:cluster.gpusPerNode must be at most sdg:cluster.gpus, which is {cluster.gpus}; it is {cluster.gpus_per_node}."
    if cluster.dedicated_gpu_nodes and cluster.gpus == 0:
        yield "sdg:cluster.dedicatedGpuNodes: true needs GPUs, and sdg:cluster.gpus is 0; plan GPUs, or leave it off."
    if cluster.dedicated_gpu_nodes and cluster.gpus and cluster.min_nodes == 1:
        yield (
            "sdg:cluster.dedicatedGpuNodes: true keeps GPU nodes free of other work, so sdg:cluster.minNodes must be at least 2; it is 1. "
            "On a single machine, leave it off."
        )
    if smoke and smoke.gpu == "always" and cluster.gpus == 0:
        yield "sdg:smoke.gpu: \"always\" needs GPUs, and sdg:cluster.gpus is 0; plan GPUs, or use 'auto' or 'never'."


def _gpu_operator(cluster: ExistingCluster | MicroK8s, platform: Platform) -> Iterator[str]:
    operator = platform.gpu_operator
    if operator.install and cluster.gpus == 0:
        yield "sdg:platform.gpuOperator.install: true needs GPUs, and sdg:cluster.gpus is 0; plan GPUs, or leave it unset."
    if operator.driver and not gpu_operator_plan(operator, cluster=cluster.kind, gpus=cluster.gpus).install:
        yield (
            f'sdg:platform.gpuOperator.driver: "{operator.driver}" says who installs the driver, and the stack installs no GPU operator; '
            "plan GPUs and set sdg:platform.gpuOperator.install to true, or leave the driver unset."
        )


def _managed(cluster: ExistingCluster | MicroK8s, sections: Sections) -> Iterator[str]:
    """What only comes with a cluster of a cloud."""
    osmo, platform = sections.get("osmo"), sections.get("platform")
    refused = f"is what a cluster on Azure brings along, and this one is {cluster.kind}"
    if osmo and isinstance(osmo.database, ManagedDatabase):
        yield f"sdg:osmo.database.kind: \"managed\" {refused}; use one of 'in-cluster', 'external'."
    if osmo and isinstance(osmo.redis, ManagedRedis):
        yield f"sdg:osmo.redis.kind: \"managed\" {refused}; use one of 'in-cluster', 'external'."
    if platform and isinstance(platform.object_store, ManagedStore):
        yield f"sdg:platform.objectStore.provider: \"managed\" {refused}; use one of 'minio', 's3', 'azure-blob'."
    if platform and platform.gpu_operator.driver == "azure":
        yield f"sdg:platform.gpuOperator.driver: \"azure\" {refused}; use one of 'host', 'operator'."


def _retained(sections: Sections) -> Iterator[str]:
    """What is to stay, and would go with a cluster of a cloud."""
    osmo, platform = sections.get("osmo"), sections.get("platform")
    if sections.get("data") != "retain":
        return
    goes = 'sdg:data: "retain" cannot keep {}: its disk goes with AKS; set {} to "managed", or sdg:data to delete.'
    if osmo and isinstance(osmo.database, InClusterDatabase):
        yield goes.format("a database in the cluster", "sdg:osmo.database.kind")
    if platform and isinstance(platform.object_store, MinioStore):
        yield goes.format("MinIO", "sdg:platform.objectStore.provider")


def _channel(cluster: MicroK8s, platform: Platform | None) -> Iterator[str]:
    if cluster.channel is None:
        return
    if cluster.adopt:
        yield "sdg:cluster.channel is for a MicroK8s that the stack installs; with sdg:cluster.adopt true, leave it out."
    operator = platform.gpu_operator if platform else GpuOperator()
    if "-strict/" in cluster.channel and gpu_operator_plan(operator, cluster=cluster.kind, gpus=cluster.gpus).install:
        classic = cluster.channel.replace("-strict/", "/")
        yield (
            f'sdg:cluster.channel: "{cluster.channel}" is strictly confined, and the addon that brings the GPU operator needs a classic '
            f"snap; use {classic}, or set sdg:platform.gpuOperator.install to false and bring the operator yourself."
        )


def _object_store(platform: Platform) -> Iterator[str]:
    match platform.object_store:
        case AzureBlobStore(auth="workload-identity", client_id=None):
            yield "sdg:platform.objectStore.clientId is required: client id of the identity that OSMO's pods log in as."
        case AzureBlobStore(auth="key", client_id=str()):
            yield "sdg:platform.objectStore.clientId is for auth 'workload-identity' only; with auth 'key', leave it out."
        case MinioStore() | S3Store() | AzureBlobStore() | ManagedStore():
            return


def _ports(forward: Forward) -> Iterator[str]:
    if forward.port == forward.ui_port:
        yield f"sdg:forward.uiPort must be another port than sdg:forward.port; both are {forward.port}."
