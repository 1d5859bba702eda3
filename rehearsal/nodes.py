"""Virtual nodes, shaped from the same table of machine sizes as the real pools."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rehearsal.api import NODES, RUNTIME_CLASSES, Api, ApiError, Object
from rehearsal.families import family
from rehearsal.state import HOST
from sdg.catalog.allocatable import allocatable
from sdg.catalog.vm_sizes import LOCAL, Gpu, VmSize, vm_size

GPU = "nvidia.com/gpu"
GROUP_LABEL = "rehearsal.sdg/group"
UNPLUGGED = "rehearsal.sdg/gpus"
"""Annotation of a node whose GPUs no device plugin offers yet: how many it has."""
DRIVER = "rehearsal.sdg/driver"
"""Annotation of a node with GPUs: `none` where an operator has to bring their driver; without it, the driver is there."""
FILES = "rehearsal.sdg/files"
"""Annotation of a node: the files that pods can mount from it, separated by commas; a virtual node has no others."""
RUNTIME_CLASS = "nvidia"  # and its handler
AKS_RUNTIME = "nvidia-container-runtime"  # the handler of AKS' nodes whose image brings the driver, and the toolkit with it
NOT_READY = "node.kubernetes.io/not-ready"
CONFLICT = 409
WRITERS = 8  # threads that create nodes


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """Nodes of one shape.

    Attributes:
        name: prefix of the nodes' names.
        size: machine size, a key of `vm_sizes.yaml`.
        count: number of nodes.
        labels: added to those that follow from the size.
        taints: `key=value:Effect`.
        max_pods: pods that fit a node, as the kubelet counts them.
        os_disk_gib: disk that holds images, logs and emptyDir volumes, in GiB.
        plugged: whether a device plugin offers the machines' GPUs already; without one a node has GPUs and doesn't know it.
        files: of machines with GPUs, whose driver brought them.
    """

    name: str
    size: str
    count: int = 1
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[str, ...] = ()
    max_pods: int = 110
    os_disk_gib: int = 128
    plugged: bool = True
    files: tuple[str, ...] = ()


# one node for the platform and one that GPU workflows must ask for, tainted as the Azure pool is
DEFAULT_PROFILE: tuple[NodeGroup, ...] = (
    NodeGroup("system", "Standard_D16ds_v5"),
    NodeGroup("gpu", "Standard_NC40ads_H100_v5", taints=(f"{GPU}=present:NoSchedule",), os_disk_gib=256),
)


def of_sizes(
    sizes: Mapping[str, int], labels: tuple[tuple[str, str], ...] = (), *, plugged: bool = True, files: tuple[str, ...] = ()
) -> tuple[NodeGroup, ...]:
    """A group for each machine size, named after it.

    Raises:
        UnknownSize: a size is not in the table.
    """
    for size in sizes:
        vm_size(size)
    return tuple(NodeGroup(_group_name(size), size, count, labels, plugged=plugged, files=files) for size, count in sizes.items())


def _group_name(size: str) -> str:
    return size.removeprefix(LOCAL).removeprefix("Standard_").lower().replace("_", "-")


def node_names(group: NodeGroup) -> list[str]:
    """Names of a group's nodes, in order."""
    return [f"{group.name}-{index}" for index in range(group.count)]


def node(group: NodeGroup, name: str, kubelet_port: int, now: dt.datetime | None = None) -> Object:
    """One Node object as its kubelet would have registered it, Ready.

    Raises:
        UnknownSize: the group's machine size is not in the table.
    """
    size = vm_size(group.size)
    since = (now or dt.datetime.now(dt.UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {**_labels(group, size, name), **dict(group.labels)},
            "annotations": _annotations(group, size),
        },
        "spec": {"taints": [_taint(text) for text in group.taints]},
        "status": {
            "capacity": _resources(size, group, reserved=False),
            "allocatable": _resources(size, group, reserved=True),
            # Ready from the start: else the node controller may add a NoExecute taint that it takes back only 5 s later
            "conditions": [_condition(kind, status, reason, since) for kind, status, reason in _CONDITIONS],
            "addresses": [{"type": "InternalIP", "address": HOST}, {"type": "Hostname", "address": name}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet_port}},
            "nodeInfo": _info(size),
            "runtimeHandlers": [{"name": handler} for handler in _handlers(gpus=size.gpu is not None and group.plugged)],
        },
    }


def create_missing(api: Api, profile: Iterable[NodeGroup], kubelet_port: int) -> int:
    """Creates the profile's nodes that don't exist; returns how many that were."""
    existing = {item["metadata"]["name"] for item in api.list(NODES)["items"]}
    missing = [(group, name) for group in profile for name in node_names(group) if name not in existing]

    def create(item: tuple[NodeGroup, str]) -> None:
        try:
            api.create(NODES, node(*item, kubelet_port))
        except ApiError as error:
            if error.code != CONFLICT:
                raise

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(create, missing))
    return len(missing)


def create_runtime_class(api: Api, profile: Iterable[NodeGroup]) -> None:
    """Creates the RuntimeClass that a GPU operator makes, when the profile has GPUs; one that exists stays as it is."""
    if not any(vm_size(group.size).gpu and group.plugged for group in profile):
        return
    labels = {"app.kubernetes.io/component": "gpu-operator"}
    try:
        api.create(RUNTIME_CLASSES, {"metadata": {"name": RUNTIME_CLASS, "labels": labels}, "handler": RUNTIME_CLASS})
    except ApiError as error:
        if error.code != CONFLICT:
            raise


def unschedulable(api: Api, profile: Sequence[NodeGroup]) -> list[str]:
    """Names of the profile's nodes that the scheduler does not use yet: a node counts when its not-ready taint is gone."""
    found = {item["metadata"]["name"]: item for item in api.list(NODES)["items"]}
    return [name for group in profile for name in node_names(group) if name not in found or not _usable(found[name])]


def _usable(item: Object) -> bool:
    tainted = any(taint["key"] == NOT_READY for taint in item["spec"].get("taints", []))
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in item["status"].get("conditions", []))
    return ready and not tainted


_CONDITIONS = (
    ("Ready", "True", "KubeletReady"),
    ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID"),
    ("NetworkUnavailable", "False", "RouteCreated"),
)


def _condition(kind: str, status: str, reason: str, since: str) -> Object:
    return {"type": kind, "status": status, "reason": reason, "lastHeartbeatTime": since, "lastTransitionTime": since}


def _labels(group: NodeGroup, size: VmSize, name: str) -> dict[str, str]:
    labels = {
        "kubernetes.io/arch": size.architecture,
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": name,
        "node.kubernetes.io/instance-type": group.size,
        GROUP_LABEL: group.name,
    }
    if not group.size.startswith(LOCAL):
        labels["kubernetes.azure.com/agentpool"] = group.name
    return labels | (gpu_labels(size.gpu) if size.gpu and group.plugged else {})


def _annotations(group: NodeGroup, size: VmSize) -> dict[str, str]:
    if not size.gpu:
        return {}
    files = {FILES: ",".join(group.files)} if group.files else {}
    return files | ({} if group.plugged else {UNPLUGGED: str(size.gpu.count)})


def gpu_labels(gpu: Gpu) -> dict[str, str]:
    """What GPU feature discovery says about a node."""
    return {
        f"{GPU}.present": "true",
        f"{GPU}.count": str(gpu.count),
        f"{GPU}.product": gpu.product,
        f"{GPU}.family": gpu.family,
        f"{GPU}.memory": str(gpu.memory_gib * 1024),  # MiB
    }


def plugged_status(gpus: int, handlers: Collection[str] = ()) -> Object:
    """What changes in a node's status once its runtime knows GPUs and the device plugin offers them.

    Args:
        handlers: runtime handlers that it had; where NVIDIA's is among them, no toolkit configures another.
    """
    offered = {GPU: str(gpus)}
    known = tuple(handlers) if AKS_RUNTIME in handlers else _handlers(gpus=True)
    return {"capacity": offered, "allocatable": offered, "runtimeHandlers": [{"name": handler} for handler in known]}


def _taint(text: str) -> Object:
    assigned, _, effect = text.rpartition(":")
    key, _, value = assigned.partition("=")
    return {"key": key, "value": value, "effect": effect} if value else {"key": key, "effect": effect}


def _resources(size: VmSize, group: NodeGroup, *, reserved: bool) -> dict[str, str]:
    """Capacity, or what of it pods can get."""
    cpu, memory, disk = size.vcpus * 1000, size.memory_gib * 1024, group.os_disk_gib * 1024
    if reserved:
        left = allocatable(size, group.os_disk_gib, group.max_pods)
        cpu, memory, disk = left.cpu_millis, left.memory_mib, left.storage_mib
    found = {"cpu": f"{cpu}m", "memory": f"{memory}Mi", "ephemeral-storage": f"{disk}Mi", "pods": str(group.max_pods), "hugepages-2Mi": "0"}
    return found | ({GPU: str(size.gpu.count)} if size.gpu and group.plugged else {})


def _handlers(*, gpus: bool) -> tuple[str, ...]:
    """Runtime handlers of the node: GPU nodes look as the GPU operator's toolkit leaves them."""
    return ("", "runc", RUNTIME_CLASS) if gpus else ("", "runc")


def _info(size: VmSize) -> dict[str, str]:
    return {
        "architecture": size.architecture,
        "operatingSystem": "linux",
        "osImage": "Virtual node",
        "kernelVersion": "virtual",
        "containerRuntimeVersion": "containerd://virtual",
        "kubeletVersion": family("kubernetes").version,
        "kubeProxyVersion": "",
        "bootID": "",
        "machineID": "",
        "systemUUID": "",
    }
