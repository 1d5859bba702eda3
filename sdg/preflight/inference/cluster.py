"""Have NIMs and the workload places in the cluster, and can its storage be shared? One that exists is asked for what it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sdg.catalog import storage_provisioners
from sdg.catalog.fit import Pool
from sdg.inference.fitting import Running, judge
from sdg.inference.model import InferencePlan
from sdg.inference.pools import Host, found_pools, gpus_of, planned_pools
from sdg.kube.api import KubernetesApi, KubernetesReader, items
from sdg.kube.connection import Connection
from sdg.kube.errors import KubeError
from sdg.preflight.model import Finding
from sdg.settings.cluster import Cluster
from sdg.settings.inference import Inference, nim_operator_of
from sdg.settings.smoke import Smoke
from sdg.workload.model import PlannedWorkload

NODES: Final = "/api/v1/nodes"
PODS: Final = "/api/v1/pods"
CLASSES: Final = "/apis/storage.k8s.io/v1/storageclasses"
_IS_DEFAULT: Final = "storageclass.kubernetes.io/is-default-class"
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a cluster that exists said.

    Attributes:
        pools: its usable nodes, with what is free there.
        gpus: that these nodes have, free or not.
        classes: its storage classes.
        failure: why it said nothing; empty when it did.
    """

    pools: tuple[Pool, ...] = ()
    gpus: int = 0
    classes: tuple[Json, ...] = ()
    failure: str = ""


def look(kubeconfig: str) -> Seen:
    """Asks a cluster, in bounded time."""
    try:
        return read(KubernetesApi.connect(Connection(kubeconfig)))
    except KubeError as error:
        return Seen(failure=str(error))


def read(api: KubernetesReader) -> Seen:
    """What its API says.

    Raises:
        KubeError: it does not answer, or not to this user.
    """
    nodes = items(api, NODES)
    return Seen(found_pools(nodes, items(api, PODS)), gpus_of(found_pools(nodes, ())), tuple(items(api, CLASSES)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What needs a place."""

    cluster: Cluster
    inference: Inference
    plan: InferencePlan
    workload: PlannedWorkload | None = None
    smoke: Smoke = field(default_factory=Smoke)

    def __bool__(self) -> bool:
        return bool(self.plan.of("nim-operator")) or self.workload is not None


def places(wanted: Wanted, seen: Seen | None = None, host: Host | None = None) -> Iterator[Finding]:
    """Whether everything fits.

    Args:
        seen: what the cluster said; None for one that the stack makes.
        host: what the machine of a MicroK8s said.
    """
    if not wanted:
        return
    pools, unsure = _pools(wanted.cluster, seen, host)
    found = judge(Running(wanted.cluster, wanted.inference, wanted.plan, wanted.workload, wanted.smoke), pools)
    for misfit in found.misfits:
        yield Finding("inference-fit", misfit.reason, misfit.remedy)
    notes = (*unsure, *found.gave_up, *found.not_judged, *([found.risk] if found.risk else []))
    if notes:
        yield Finding("inference-fit-open", " ".join(_sentence(note) for note in notes))


def _pools(cluster: Cluster, seen: Seen | None, host: Host | None) -> tuple[tuple[Pool, ...], Sequence[str]]:
    """The nodes that there are, where they are all there already; else those that the settings speak of."""
    planned = planned_pools(cluster, host)
    if seen is None:
        return planned, ()
    if seen.failure:
        return planned, (f"the cluster's nodes could not be read ({seen.failure}), so those of the settings count",)
    if seen.gpus < cluster.gpus:
        planned_gpus = f"{seen.gpus} of the {cluster.gpus} GPUs that sdg:cluster.gpus plans"
        return planned, (f"the cluster's nodes offer {planned_gpus}, so those of the settings count",)
    return seen.pools, ()


def storage(stack: Wanted, seen: Seen) -> Iterator[Finding]:
    """Whether the class of the NIMs' volumes is there, and can give what many pods write to."""
    settings = nim_operator_of(stack.inference)
    if settings is None or not stack.plan.of("nim-operator") or seen.failure:
        return
    wanted = settings.storage_class or stack.cluster.storage_class
    key = "sdg:inference.storageClass" if settings.storage_class else "sdg:cluster.storageClass"
    names = [str(each["metadata"]["name"]) for each in seen.classes]
    chosen = next((each for each in seen.classes if (each["metadata"]["name"] == wanted if wanted else _is_default(each))), None)
    if chosen is None:
        lacks = f"{key}: the cluster has no StorageClass {wanted}" if wanted else "The cluster has no default StorageClass"
        yield Finding("inference-storage", f"{lacks}, and the NIMs' volumes need one; it has {', '.join(names) or 'none'}.", _NAME)
    elif refusal := storage_provisioners.refusal(str(chosen["metadata"]["name"]), str(chosen.get("provisioner"))):
        yield Finding("inference-storage", f"The NIMs' volumes need ReadWriteMany. {refusal}", _NAME)


_NAME: Final = "Name one that gives ReadWriteMany with sdg:inference.storageClass."


def _is_default(storage_class: Json) -> bool:
    return (storage_class["metadata"].get("annotations") or {}).get(_IS_DEFAULT) == "true"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."
