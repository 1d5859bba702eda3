"""What has to fit, and where: pods, groups of pods that run together, and pools of nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from sdg.catalog.allocatable import MAX_PODS, OS_DISK_GIB, allocatable, reservations
from sdg.catalog.fit_search import PLENTY, Amount
from sdg.catalog.nims import Nim
from sdg.catalog.vm_sizes import LOCAL, vm_size

GPU: Final = "nvidia.com/gpu"
GPU_TAINT: Final = f"{GPU}=present:NoSchedule"
KEEPS_AWAY: Final = ("NoSchedule", "NoExecute")


@dataclass(frozen=True, slots=True)
class Toleration:
    """As in a pod's spec; an empty key tolerates every taint, an empty effect every effect."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def tolerates(self, taint: str) -> bool:
        """Whether it lets a pod onto nodes with a taint, `key=value:Effect`."""
        assigned, _, effect = taint.rpartition(":")
        key, _, value = assigned.partition("=")
        if self.effect not in ("", effect):
            return False
        if self.operator == "Exists":
            return self.key in ("", key)
        return (self.key, self.value) == (key, value)

    def facts(self) -> dict[str, str]:
        """As plain data."""
        said = {"key": self.key, "operator": self.operator, "value": self.value, "effect": self.effect}
        return {name: value for name, value in said.items() if value}


ON_GPU_NODES: Final = Toleration(key=GPU, operator="Exists", effect="NoSchedule")


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod, or several that are alike.

    Attributes:
        gpus: devices, all of one node.
        cpu: cores that it requests.
        memory_gib: GiB that it requests.
        vram_gib: memory that each of its GPUs needs, in GiB; None when nobody says.
        storage_gib: of the node's disk, in GiB.
        node_selector: labels that its node must have.
        count: how many there are.
    """

    name: str
    gpus: int = 0
    cpu: float = 0
    memory_gib: float = 0
    vram_gib: float | None = None
    storage_gib: float = 0
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    count: int = 1

    @classmethod
    def of_nim(
        cls, name: str, nim: Nim, count: int = 1, node_selector: Mapping[str, str] | None = None, tolerations: tuple[Toleration, ...] = ()
    ) -> Self:
        """The pods of a NIM. They tolerate the taint of nodes with GPUs.

        Args:
            tolerations: further ones.
        """
        return cls(
            name,
            nim.gpus,
            0,
            nim.memory_gib,
            nim.vram_gib,
            nim.ephemeral_storage_gib,
            node_selector or {},
            (ON_GPU_NODES, *tolerations),
            count,
        )

    @classmethod
    def of_task(
        cls,
        name: str,
        *,
        gpus: int,
        cpu: float,
        memory_gib: float,
        storage_gib: float,
        node_selector: Mapping[str, str] | None = None,
        tolerations: tuple[Toleration, ...] = (ON_GPU_NODES,),
    ) -> Self:
        """The pod of a workflow's task: what it asks for, and OSMO's sidecar."""
        extra = reservations().sidecar
        amounts = cpu + extra.cores, memory_gib + extra.memory_gib, None, storage_gib + extra.storage_gib
        return cls(name, gpus, *amounts, node_selector or {}, tolerations)

    @property
    def amount(self) -> Amount:
        """What it takes of a node."""
        return self.gpus, math.ceil(self.cpu * 1000), math.ceil(self.memory_gib * 1024), math.ceil(self.storage_gib * 1024)

    def facts(self) -> dict[str, Any]:
        """As plain data: an input of a component, for policies."""
        amounts = {
            "gpus": self.gpus,
            "cpu": self.cpu,
            "memoryGiB": self.memory_gib,
            "vramGiB": self.vram_gib,
            "storageGiB": self.storage_gib,
        }
        where = {"nodeSelector": dict(self.node_selector), "tolerations": [each.facts() for each in self.tolerations]}
        return {"name": self.name, **amounts, **where, "count": self.count}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self:
        """What `facts` gave; numbers may have become floats."""
        return cls(
            str(facts["name"]),
            int(facts["gpus"]),
            facts.get("cpu") or 0,
            facts.get("memoryGiB") or 0,
            facts.get("vramGiB"),
            facts.get("storageGiB") or 0,
            dict(facts.get("nodeSelector") or {}),
            tuple(Toleration(**each) for each in facts.get("tolerations") or ()),
            int(facts.get("count", 1)),
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Pods that run at the same time for a while, and then leave.

    Attributes:
        without: how the stack does without them, as the end of "It would do to"; empty when it cannot.
    """

    name: str
    pods: tuple[Pod, ...]
    without: str = ""

    def facts(self) -> dict[str, Any]:
        """As plain data."""
        return {"name": self.name, "pods": [pod.facts() for pod in self.pods], **({"without": self.without} if self.without else {})}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self:
        """What `facts` gave."""
        return cls(str(facts["name"]), tuple(Pod.of(each) for each in facts["pods"]), str(facts.get("without") or ""))


@dataclass(frozen=True, slots=True)
class Pool:
    """Nodes that are alike.

    Attributes:
        minimum, maximum: nodes; the autoscaler adds and removes those between.
        gpus: of one node.
        vram_gib: memory of one GPU, in GiB.
        cpu: cores of one node that pods can get; with all further ones, None when it is not known, and then not judged.
        memory_gib: GiB of one node that pods can get.
        storage_gib: of one node's disk, in GiB, that pods can get.
        labels: of every node.
        taints: of every node, as `key=value:Effect`.
        size: its machine size; None when that is not known.
    """

    name: str
    minimum: int
    maximum: int
    gpus: int = 0
    vram_gib: float | None = None
    cpu: float | None = None
    memory_gib: float | None = None
    storage_gib: float | None = None
    labels: Mapping[str, str] | None = None
    taints: tuple[str, ...] = ()
    size: str | None = None

    @classmethod
    def of_size(
        cls,
        name: str,
        size: str,
        minimum: int,
        maximum: int,
        *,
        labels: Mapping[str, str] | None = None,
        taints: tuple[str, ...] = (),
        os_disk_gib: int = OS_DISK_GIB,
        max_pods: int = MAX_PODS,
        daemons: bool = True,
    ) -> Self:
        """Machines of a size, as AKS sets them up.

        Args:
            labels: beside those that follow from the size.
            daemons: whether room is left for the pods that each node has of its own.

        Raises:
            UnknownSize: the size is not in the table.
        """
        machine, extra = vm_size(size), reservations().daemons
        left = allocatable(machine, os_disk_gib, max_pods)
        share = (extra.cores, extra.memory_gib, extra.storage_gib) if daemons else (0, 0, 0)
        room = (left.cpu_millis / 1000, left.memory_mib / 1024, left.storage_mib / 1024)
        cpu, memory, storage = (max(0.0, there - kept) for there, kept in zip(room, share, strict=True))
        gpu = machine.gpu
        vram = gpu.memory_gib if gpu else None
        known = {**_labels(name, size), **(labels or {})}
        return cls(name, minimum, maximum, gpu.count if gpu else 0, vram, cpu, memory, storage, known, taints, size)

    @property
    def amount(self) -> Amount:
        """What one node has; plenty of what is not known."""
        known = (self.cpu, 1000), (self.memory_gib, 1024), (self.storage_gib, 1024)
        # a thousandth is forgiven: what was a whole number of MiB may have become a little less as GiB
        return self.gpus, *(PLENTY if there is None else math.floor(there * unit + 0.001) for there, unit in known)

    def facts(self) -> dict[str, Any]:
        """As plain data: an input of a component, for policies."""
        bounds = {"name": self.name, "minimum": self.minimum, "maximum": self.maximum, "gpus": self.gpus, "vramGiB": self.vram_gib}
        amounts = {"cpu": self.cpu, "memoryGiB": self.memory_gib, "storageGiB": self.storage_gib}
        labels = None if self.labels is None else dict(self.labels)
        return {**bounds, **amounts, "labels": labels, "taints": list(self.taints), "size": self.size}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self:
        """What `facts` gave; numbers may have become floats."""
        labels = facts.get("labels")
        return cls(
            str(facts["name"]),
            int(facts["minimum"]),
            int(facts["maximum"]),
            int(facts.get("gpus") or 0),
            facts.get("vramGiB"),
            facts.get("cpu"),
            facts.get("memoryGiB"),
            facts.get("storageGiB"),
            None if labels is None else dict(labels),
            tuple(facts.get("taints") or ()),
            facts.get("size"),
        )


def _labels(pool: str, size: str) -> dict[str, str]:
    """Labels that nodes of a size get by themselves, from the kubelet, AKS and GPU feature discovery."""
    machine = vm_size(size)
    found = {"kubernetes.io/arch": machine.architecture, "kubernetes.io/os": "linux", "node.kubernetes.io/instance-type": size}
    if not size.startswith(LOCAL):
        found |= {"agentpool": pool, "kubernetes.azure.com/agentpool": pool}
    if machine.gpu:
        gpu = machine.gpu
        found |= {f"{GPU}.present": "true", f"{GPU}.product": gpu.product, f"{GPU}.family": gpu.family, f"{GPU}.count": str(gpu.count)}
    return found


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something that has no place.

    Attributes:
        pods: names of those that it is about, the one without a place first.
        group: that they run in; empty for those that stay.
        reason: in one sentence.
        remedy: what would do, in one sentence; empty when nothing known does.
    """

    pods: tuple[str, ...]
    reason: str
    remedy: str
    group: str = ""

    def __str__(self) -> str:
        return f"{self.reason} {self.remedy}".rstrip()


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether everything has a place.

    Attributes:
        misfits: what has none.
        nodes: that each pool has in use at least when all that stays is placed, as far as nothing has to move; empty when nothing is known.
        holds: whether it all finds its places whatever nodes the scheduler picks, if pods with more GPUs come first; None when not known.
        holds_in_any_order: the same in any order, as after nodes were lost; None when not known.
        risk: the pod that might stay without a node, and why, in one sentence; empty when `holds_in_any_order`.
        not_judged: what is not known, in a sentence each.
        gave_up: what took too long to decide, in a sentence each; then neither yes nor no is said of it.
    """

    misfits: tuple[Misfit, ...] = ()
    nodes: Mapping[str, int] = field(default_factory=dict)
    holds: bool | None = None
    holds_in_any_order: bool | None = None
    risk: str = ""
    not_judged: tuple[str, ...] = ()
    gave_up: tuple[str, ...] = ()

    @property
    def placed(self) -> bool:
        """Whether places for all of it exist, as far as could be judged and decided."""
        return not self.misfits and not self.gave_up

    @property
    def impossible(self) -> bool:
        """Whether it is certain that something has no place."""
        return bool(self.misfits)
