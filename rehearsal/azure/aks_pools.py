"""Node pools of AKS as virtual nodes: names, labels and taints as AKS gives them, the rest from the table of machine sizes."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from rehearsal.api import Object
from rehearsal.nodes import AKS_RUNTIME, DRIVER, GPU, NodeGroup, node
from sdg.catalog.vm_sizes import vm_size

POOL_LABEL: Final = "kubernetes.azure.com/agentpool"
SPOT: Final = "kubernetes.azure.com/scalesetpriority"
# what AKS does when a pool does not say (its documentation, "max pods" for overlay networks, and "OS disk sizing")
MAX_PODS, OS_DISK_GIB = 250, 128
_DIGITS: Final = string.digits + string.ascii_lowercase
_INDEX_LENGTH: Final = 6


@dataclass(frozen=True, slots=True)
class NodePool:
    """A node pool, from what ARM was told of it.

    Attributes:
        scale_set: name of its virtual machine scale set, which is also the prefix of its nodes' names.
        region: Azure region.
        count: machines that there are, or that were ordered.
        autoscaled: minimum and maximum; None for a pool whose size people choose.
        brings_driver: whether its image comes with the GPU driver.
    """

    name: str
    scale_set: str
    region: str
    size: str
    count: int
    mode: str = "User"
    autoscaled: tuple[int, int] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    spot: bool = False
    max_pods: int = MAX_PODS
    os_disk_gib: int = OS_DISK_GIB
    os_sku: str = "Ubuntu"
    brings_driver: bool = True
    node_resource_group: str = ""
    subscription: str = ""

    @property
    def gpus(self) -> int:
        """GPUs of one node."""
        gpu = vm_size(self.size).gpu
        return gpu.count if gpu else 0

    def with_count(self, count: int) -> NodePool:
        """The same pool with another number of machines."""
        return replace(self, count=count)


@dataclass(frozen=True, slots=True)
class Owner:
    """The cluster that pools belong to, as far as their nodes show it."""

    cluster_id: str
    region: str
    node_resource_group: str

    @property
    def subscription(self) -> str:
        """Id of the subscription."""
        parts = self.cluster_id.split("/")
        return parts[2] if len(parts) > 2 else ""  # noqa: PLR2004 -- /subscriptions/ID/…

    @property
    def number(self) -> str:
        """Eight digits that all of a cluster's scale sets have in their names."""
        return f"{int(hashlib.sha256(self.cluster_id.lower().encode()).hexdigest(), 16) % 10**8:08d}"


def pool_of(name: str, said: Mapping[str, Any], owner: Owner) -> NodePool:
    """A pool from the properties of an agent pool, or of a cluster's `agentPoolProfiles` entry; the two are alike."""
    limits = (int(said.get("minCount") or 0), int(said.get("maxCount") or 0)) if said.get("enableAutoScaling") else None
    gpu_profile: Mapping[str, Any] = said.get("gpuProfile") or {}
    return NodePool(
        name=name,
        scale_set=f"aks-{name}-{owner.number}-vmss",
        region=owner.region,
        size=str(said["vmSize"]),
        count=int(said.get("count", 1)),
        mode=str(said.get("mode") or "User"),
        autoscaled=limits,
        labels=dict(said.get("nodeLabels") or {}),
        taints=tuple(said.get("nodeTaints") or ()),
        zones=tuple(said.get("availabilityZones") or ()),
        spot=said.get("scaleSetPriority") == "Spot",
        max_pods=int(said.get("maxPods") or MAX_PODS),
        os_disk_gib=int(said.get("osDiskSizeGB") or OS_DISK_GIB),
        os_sku=str(said.get("osSKU") or "Ubuntu"),
        brings_driver=gpu_profile.get("driver") != "None",
        node_resource_group=owner.node_resource_group,
        subscription=owner.subscription,
    )


def node_name(pool: NodePool, index: int) -> str:
    """Name of a scale set's instance: its number in base 36, six digits."""
    text = ""
    while index:
        index, digit = divmod(index, len(_DIGITS))
        text = _DIGITS[digit] + text
    return f"{pool.scale_set}{text.rjust(_INDEX_LENGTH, '0')}"


def index_of(pool: NodePool, name: str) -> int:
    """The instance's number of a node's name."""
    return int(name.removeprefix(pool.scale_set), len(_DIGITS))


def is_of(pool: NodePool, item: Object) -> bool:
    """Whether a node is one of the pool's."""
    return bool(item["metadata"]["name"].startswith(pool.scale_set))


def virtual_node(pool: NodePool, index: int, kubelet_port: int) -> Object:
    """A node of the pool as its kubelet and AKS register it; it has GPUs and doesn't know of them until a device plugin says so."""
    name = node_name(pool, index)
    found = node(_group(pool, index), name, kubelet_port)
    if pool.gpus and not pool.brings_driver:
        found["metadata"]["annotations"][DRIVER] = "none"
    elif pool.gpus:
        found["status"]["runtimeHandlers"].append({"name": AKS_RUNTIME})
    found["spec"]["providerID"] = (
        f"azure:///subscriptions/{pool.subscription}/resourceGroups/{pool.node_resource_group.lower()}/providers/Microsoft.Compute"
        f"/virtualMachineScaleSets/{pool.scale_set}/virtualMachines/{index}"
    )
    return found


def template(pool: NodePool, existing: Iterable[Object] = ()) -> Object:
    """A node as the autoscaler expects the next one of a pool: like those that are there, else by what AKS says of the pool.

    A pool without nodes has the labels that AKS gives, and none that something in the cluster would add later.
    """
    fresh = virtual_node(pool, 0, 0)
    like = next((item for item in existing if is_ready(item) and offers_its_gpus(item)), None)
    if like:
        fresh["metadata"]["labels"] = {**like["metadata"]["labels"], "kubernetes.io/hostname": "template-node"}
    if pool.gpus:
        fresh["status"]["allocatable"][GPU] = str(pool.gpus)
    return fresh


def is_ready(item: Object) -> bool:
    """Whether a node's kubelet says that it is ready."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in item.get("status", {}).get("conditions") or [])


def offers_its_gpus(item: Object) -> bool:
    """Whether a node offers GPUs, or has none. One that has and doesn't is still starting, for the autoscaler."""
    size = vm_size(item["metadata"]["labels"]["node.kubernetes.io/instance-type"])
    return not size.gpu or int(item["status"].get("allocatable", {}).get(GPU, 0)) > 0


def _group(pool: NodePool, index: int) -> NodeGroup:
    return NodeGroup(
        name=pool.name,
        size=pool.size,
        labels=tuple({**_labels(pool, index), **pool.labels}.items()),
        taints=tuple(dict.fromkeys([*pool.taints, *([f"{SPOT}=spot:NoSchedule"] if pool.spot else [])])),
        max_pods=pool.max_pods,
        os_disk_gib=pool.os_disk_gib,
        plugged=False,
    )


def _labels(pool: NodePool, index: int) -> dict[str, str]:
    """What AKS and its cloud controller say of a node. Source: AKS documentation, "Use labels in an AKS cluster"."""
    zone = f"{pool.region}-{pool.zones[index % len(pool.zones)]}" if pool.zones else str(index % 5)
    mode = pool.mode.lower()
    return {
        "agentpool": pool.name,
        POOL_LABEL: pool.name,
        "beta.kubernetes.io/arch": vm_size(pool.size).architecture,
        "beta.kubernetes.io/instance-type": pool.size,
        "beta.kubernetes.io/os": "linux",
        "failure-domain.beta.kubernetes.io/region": pool.region,
        "failure-domain.beta.kubernetes.io/zone": zone,
        "kubernetes.azure.com/cluster": pool.node_resource_group,
        "kubernetes.azure.com/mode": mode,
        "kubernetes.azure.com/nodepool-type": "VirtualMachineScaleSets",
        "kubernetes.azure.com/os-sku": pool.os_sku,
        "kubernetes.azure.com/role": "agent",
        "kubernetes.azure.com/storageprofile": "managed",
        "storageprofile": "managed",
        "topology.disk.csi.azure.com/zone": zone if pool.zones else "",
        "topology.kubernetes.io/region": pool.region,
        "topology.kubernetes.io/zone": zone,
        **({SPOT: "spot"} if pool.spot else {}),
        **({"accelerator": "nvidia", "kubernetes.azure.com/accelerator": "nvidia"} if pool.gpus else {}),
    }
