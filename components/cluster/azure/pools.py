"""Node pools: the one that AKS is made with, and those that come after it, each with what its nodes are from the start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
from pulumi_azure_native.containerservice import (
    AgentPool,
    AgentPoolUpgradeSettingsArgs,
    GPUProfileArgs,
    ManagedCluster,
    ManagedClusterAgentPoolProfileArgs,
)

from components.cluster.azure.base import NetworkHandle, with_cluster
from components.cluster.base import PoolPlan
from sdg.azure.network import SURGE
from sdg.catalog.gpu_driver import DriverOwner, agent_pool_driver
from sdg.platform import layout
from sdg.settings import azure as settings_of
from sdg.settings.azure_versions import SELF_UPGRADING

GPU_TAINT: Final = f"{layout.GPU_TAINT}=present:NoSchedule"
GPU_LABEL: Final = {layout.GPU_NODE_LABEL: "true"}
# AKS adds both to spot nodes by itself; what is not declared would be drift at every refresh
SPOT_TAINT: Final = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"
SPOT_LABEL: Final = {"kubernetes.azure.com/scalesetpriority": "spot"}
# what the state says of pools, in Azure's words, by name
Before = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class NodePool:
    """A node pool before it is made.

    Attributes:
        subnet: id of the subnet that its nodes lie in.
        gpus: of one node.
        driver: who owns the GPU driver; None without GPUs.
        labels, taints: that nodes have from the start.
        before: what the state says of it, in Azure's words; None where it is not there yet.
    """

    name: str
    mode: str
    pool: settings_of.Pool
    subnet: pulumi.Output[str]
    before: Mapping[str, Any] | None
    gpus: int = 0
    driver: DriverOwner | None = None
    spot: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[str, ...] = ()

    @property
    def plan(self) -> PoolPlan:
        """What the cluster's gate checks of it."""
        return PoolPlan(self.name, self.pool.min, self.pool.max, self.gpus, self.labels, self.taints)

    @property
    def count(self) -> int:
        """How many nodes it is asked for: those that it had when it was last looked at, within its bounds.

        That is the autoscaler's business, but AKS wants a number in every request that makes or changes a pool, and refuses one that is out
        of bounds: of a pool whose minimum is raised, the number that it was made with would be.
        """
        return min(max(int((self.before or {}).get("count") or 0), self.pool.min), self.pool.max)

    def stays(self, upgrades: settings_of.Upgrades, kubernetes: str) -> bool:
        """Whether the state has it as it is wanted, so that an update leaves it alone."""
        said = self.before
        if said is None or said.get("provisioningState") == "Failed" or int(said.get("count") or 0) != self.count:
            return False
        version = str(said.get("orchestratorVersion") or "")
        kept = upgrades.channel in SELF_UPGRADING or version == kubernetes or version.startswith(f"{kubernetes}.")
        wanted = {
            "vmSize": self.pool.size,
            "minCount": self.pool.min,
            "maxCount": self.pool.max,
            "maxPods": self.pool.max_pods,
            "osDiskSizeGB": self.pool.os_disk_gib,
            "availabilityZones": list(self.pool.zones),
            "nodeLabels": self.labels,
            "nodeTaints": list(self.taints),
        }
        spot = str(said.get("scaleSetPriority") or "Regular").lower() == "spot"
        driver = (said.get("gpuProfile") or {}).get("driver") if self.driver else None
        same = all((said.get(key) or None) == (value or None) for key, value in wanted.items())
        return kept and same and spot == self.spot and driver == (agent_pool_driver(self.driver) if self.driver else None)

    def arguments(self, settings: settings_of.Azure) -> dict[str, Any]:
        """What the inline pool and every other one are made of. Pools without a version would stay behind when the cluster goes on."""
        itself = settings.upgrades.channel in SELF_UPGRADING
        return {
            "mode": self.mode,
            "type": "VirtualMachineScaleSets",
            "os_type": "Linux",
            "os_sku": "Ubuntu",
            "orchestrator_version": (self.before or {}).get("orchestratorVersion") or settings.kubernetes
            if itself
            else settings.kubernetes,
            "vm_size": self.pool.size,
            "vnet_subnet_id": self.subnet,
            "count": self.count,
            "enable_auto_scaling": True,
            "min_count": self.pool.min,
            "max_count": self.pool.max,
            "max_pods": self.pool.max_pods,
            "os_disk_size_gb": self.pool.os_disk_gib,
            # left out, AKS takes the machine's own disk where it is large enough, and the size is another one
            "os_disk_type": "Managed",
            "availability_zones": list(self.pool.zones) or None,
            "node_labels": self.labels or None,
            "node_taints": list(self.taints) or None,
            # what quotas and subnets are reckoned with; spot nodes are upgraded in place
            "upgrade_settings": None if self.spot else AgentPoolUpgradeSettingsArgs(max_surge=f"{100 // SURGE}%"),
        }


def system_pool(settings: settings_of.Azure, network: NetworkHandle, before: Before) -> NodePool:
    """The pool that AKS is made with. OSMO runs on it too, so it keeps nothing off."""
    name = settings_of.SYSTEM_POOL
    return NodePool(name, "System", settings.system_pool, network.subnets.nodes, before.get(name))


def further_pools(settings: settings_of.Azure, network: NetworkHandle, driver: DriverOwner, before: Before) -> Iterator[NodePool]:
    """Those that come after the cluster, in the order in which they are made."""
    if cpu := settings.cpu_pool:
        name, spot = settings_of.CPU_POOL, _spot(cpu.spot)
        yield NodePool(name, "User", cpu, network.subnets.nodes, before.get(name), spot=cpu.spot, labels=spot[0], taints=spot[1])
    for gpu in settings.gpu_pools:
        labels, taints = _spot(gpu.spot)
        yield NodePool(
            gpu.name,
            "User",
            gpu,
            network.subnets.gpu_nodes,
            before.get(gpu.name),
            gpus=settings_of.gpus_of(gpu),
            driver=driver,
            spot=gpu.spot,
            labels={**GPU_LABEL, **labels},
            taints=(GPU_TAINT, *taints),
        )


def inline(pool: NodePool, settings: settings_of.Azure) -> ManagedClusterAgentPoolProfileArgs:
    """The system pool as a part of its cluster; its tags are the cluster's."""
    return ManagedClusterAgentPoolProfileArgs(name=pool.name, **pool.arguments(settings))


def all_stay(settings: settings_of.Azure, pools: Sequence[NodePool], before: Before) -> bool:
    """Whether an update leaves every pool alone, and the cluster is not made anew."""
    same = before.keys() == {pool.name for pool in pools} and "cluster" not in settings.unlock
    return same and all(pool.stays(settings.upgrades, settings.kubernetes) for pool in pools)


def made(network: NetworkHandle, settings: settings_of.Azure, cluster: ManagedCluster, pools: Sequence[NodePool]) -> list[AgentPool]:
    """Makes the pools one by one: AKS refuses to work at two of one cluster at a time."""
    done: list[AgentPool] = []
    for pool in pools:
        done.append(_made(network, settings, cluster, pool, done[-1:]))
    return done


def _made(
    network: NetworkHandle, settings: settings_of.Azure, cluster: ManagedCluster, pool: NodePool, after: Sequence[pulumi.Resource]
) -> AgentPool:
    # how many nodes there are is the autoscaler's business; a request that changes the pool says how many it had last
    drifting = ["count"] if pool.stays(settings.upgrades, settings.kubernetes) else []
    if settings.upgrades.channel in SELF_UPGRADING:
        drifting += ["orchestratorVersion"]
    lifecycle = pulumi.ResourceOptions.merge(with_cluster(cluster), pulumi.ResourceOptions(ignore_changes=drifting))
    return AgentPool(
        f"pool-{pool.name}",
        agent_pool_name=pool.name,
        resource_name_=network.names.cluster,
        resource_group_name=network.resource_group_name,
        gpu_profile=GPUProfileArgs(driver=agent_pool_driver(pool.driver)) if pool.driver else None,
        scale_set_priority="Spot" if pool.spot else "Regular",
        # refused for other machines than spot ones
        scale_set_eviction_policy="Delete" if pool.spot else None,
        spot_max_price=-1 if pool.spot else None,
        **pool.arguments(settings),
        opts=network.options(cluster, *after, more=lifecycle),
    )


def revision(settings: settings_of.Azure, pools: Sequence[NodePool]) -> str:
    """What an update can change of the cluster, so that its gate looks again: the version, and every pool."""
    return ", ".join([settings.kubernetes, *(_kind(each) for each in pools)])


def _kind(pool: NodePool) -> str:
    of = pool.pool
    zones = f" zones {'+'.join(of.zones)}" if of.zones else ""
    further = f"{zones}{f' driver {pool.driver}' if pool.driver else ''}{' spot' if pool.spot else ''}"
    return f"{pool.name} {of.size} {of.os_disk_gib}GiB {of.max_pods} pods {of.min}..{of.max}{further}"


def _spot(spot: bool) -> tuple[dict[str, str], tuple[str, ...]]:
    return (dict(SPOT_LABEL), (SPOT_TAINT,)) if spot else ({}, ())
