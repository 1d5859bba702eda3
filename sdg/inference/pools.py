"""The nodes that NIMs and workflows may run on, as the fit check takes them: from settings, or from what a cluster says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sdg.catalog.fit import Pool
from sdg.catalog.fit_model import GPU, GPU_TAINT
from sdg.catalog.quantities import gib, number
from sdg.catalog.vm_sizes import UnknownSize, vm_sizes
from sdg.osmo.layout import WORKFLOWS_NAMESPACE
from sdg.platform.layout import GPU_NODE_LABEL, NIM_NAMESPACE
from sdg.settings import azure
from sdg.settings.cluster import Cluster, ExistingCluster, MicroK8s

# what AKS gives spot nodes by itself
SPOT: Final = "kubernetes.azure.com/scalesetpriority"
_NIMS: Final = ("app.kubernetes.io/part-of", "nim-service")
_GPU_MEMORY: Final = "nvidia.com/gpu.memory"  # MiB, of GPU feature discovery
_INSTANCE: Final = "node.kubernetes.io/instance-type"
_COUNTED: Final = (GPU, "cpu")
_RESOURCES: Final = (*_COUNTED, "memory", "ephemeral-storage")
_ENDED: Final = ("Succeeded", "Failed")
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Host:
    """What one machine has; None for what it did not say.

    Attributes:
        gpus: whole devices.
        cores: hardware threads.
        memory_gib: GiB.
    """

    gpus: int | None = None
    cores: int | None = None
    memory_gib: float | None = None


def planned_pools(cluster: Cluster, host: Host | None = None) -> tuple[Pool, ...]:
    """The pools that a stack's settings speak of; what they leave open is not known, and so not judged.

    Args:
        host: what the machine of a MicroK8s said of itself, where it was asked.
    """
    if isinstance(cluster, azure.Azure):
        return tuple(_of_azure(cluster))
    if isinstance(cluster, MicroK8s) and cluster.min_nodes == 1:
        said = host or Host()
        gpus = cluster.gpus if said.gpus is None else max(said.gpus, 0)
        return (Pool(cluster.name, 1, 1, gpus, cpu=said.cores, memory_gib=said.memory_gib),)
    return tuple(_of_numbers(cluster))


def _of_azure(cluster: azure.Azure) -> Iterator[Pool]:
    yield from _sized(azure.SYSTEM_POOL, cluster.system_pool)
    if cpu := cluster.cpu_pool:
        yield from _sized(azure.CPU_POOL, cpu, spot=cpu.spot)
    for gpu in cluster.gpu_pools:
        yield from _sized(gpu.name, gpu, spot=gpu.spot, labels={GPU_NODE_LABEL: "true"}, taints=(GPU_TAINT,))


def _sized(
    name: str, pool: azure.Pool, *, spot: bool = False, labels: Mapping[str, str] | None = None, taints: tuple[str, ...] = ()
) -> Iterator[Pool]:
    marks = {**(labels or {}), **({SPOT: "spot"} if spot else {})}
    kept = (*taints, *((f"{SPOT}=spot:NoSchedule",) if spot else ()))
    try:
        yield Pool.of_size(
            name, pool.size, pool.min, pool.max, labels=marks, taints=kept, os_disk_gib=pool.os_disk_gib, max_pods=pool.max_pods
        )
    except UnknownSize:  # refused by a rule of its own
        return


def _of_numbers(cluster: ExistingCluster | MicroK8s) -> Iterator[Pool]:
    """Nodes with as many GPUs as the settings say that one has; where they don't say, one node has all of them."""
    each = cluster.gpus_per_node or cluster.gpus
    whole, rest = divmod(cluster.gpus, each) if each else (0, 0)
    taints = (GPU_TAINT,) if cluster.dedicated_gpu_nodes else ()
    if whole:
        yield Pool("nodes with GPUs", whole, whole, each, taints=taints)
    if rest:
        yield Pool("a node with fewer GPUs", 1, 1, rest, taints=taints)
    others = cluster.min_nodes - whole - bool(rest)
    if others > 0 or not cluster.gpus:
        yield Pool("nodes without GPUs", max(others, 1), max(others, 1))


def found_pools(nodes: Iterable[Json], pods: Iterable[Json]) -> tuple[Pool, ...]:
    """Each usable node of a cluster that exists, as a pool of one, with what is free there.

    What the stack's own NIMs hold counts as free, since they are among what has to fit; so does what workflows hold, since they end.

    Args:
        nodes, pods: all of them, as the API lists them.
    """
    taken: dict[str, list[Json]] = {}
    for pod in pods:
        if _stays(pod):
            taken.setdefault(str((pod.get("spec") or {}).get("nodeName") or ""), []).append(pod)
    return tuple(_node(node, taken.get(str(node["metadata"]["name"]), [])) for node in nodes if _usable(node))


def gpus_of(pools: Iterable[Pool]) -> int:
    """GPUs of all nodes, when every pool has grown to its maximum."""
    return sum(pool.gpus * pool.maximum for pool in pools)


def _stays(pod: Json) -> bool:
    metadata, status = pod.get("metadata") or {}, pod.get("status") or {}
    if status.get("phase") in _ENDED or metadata.get("namespace") == WORKFLOWS_NAMESPACE:
        return False
    return metadata.get("namespace") != NIM_NAMESPACE or (metadata.get("labels") or {}).get(_NIMS[0]) != _NIMS[1]


def _usable(node: Json) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or []
    ready = any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)
    return ready and not (node.get("spec") or {}).get("unschedulable")


def _node(node: Json, pods: list[Json]) -> Pool:
    name, there = str(node["metadata"]["name"]), (node.get("status") or {}).get("allocatable") or {}
    labels = dict(node["metadata"].get("labels") or {})
    requests = [_requests(pod) for pod in pods]

    def free(resource: str) -> float:
        return max(0.0, _amount(resource, str(there.get(resource) or "0")) - sum(each[resource] for each in requests))

    return Pool(
        name,
        1,
        1,
        int(free(GPU)),
        _vram(labels),
        free("cpu"),
        free("memory"),
        free("ephemeral-storage") if "ephemeral-storage" in there else None,
        labels,
        tuple(_taints(node)),
    )


def _taints(node: Json) -> Iterator[str]:
    for taint in (node.get("spec") or {}).get("taints") or []:
        yield f"{taint['key']}={taint.get('value') or ''}:{taint['effect']}"


def _vram(labels: Mapping[str, str]) -> float | None:
    """Memory of one GPU of a node, in GiB, by its labels; None where they don't say."""
    said = labels.get(_GPU_MEMORY, "")
    if said.isdigit():
        return int(said) / 1024
    size = vm_sizes().get(labels.get(_INSTANCE, ""))
    return float(size.gpu.memory_gib) if size and size.gpu else None


def _requests(pod: Json) -> dict[str, float]:
    """What the scheduler counts for a pod: the sum of its containers, or its largest init container where that is more."""
    spec = pod.get("spec") or {}
    first = spec.get("initContainers") or []
    lasting = [*(spec.get("containers") or []), *(each for each in first if each.get("restartPolicy") == "Always")]
    passing = [each for each in first if each.get("restartPolicy") != "Always"]
    found: dict[str, float] = {}
    for resource in _RESOURCES:
        total = sum(_request(each, resource) for each in lasting)
        largest = max((_request(each, resource) for each in passing), default=0.0)
        found[resource] = max(total, largest) + _amount(resource, str((spec.get("overhead") or {}).get(resource) or "0"))
    return found


def _request(container: Json, resource: str) -> float:
    resources = container.get("resources") or {}
    said = (resources.get("requests") or {}).get(resource) or (resources.get("limits") or {}).get(resource)
    return _amount(resource, str(said or "0"))


def _amount(resource: str, quantity: str) -> float:
    """Devices, cores or GiB."""
    return float(number(quantity)) if resource in _COUNTED else gib(quantity)
