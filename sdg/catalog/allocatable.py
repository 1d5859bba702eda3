"""What a node has for pods (`allocatable.yaml`): less than its machine has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from pydantic import NonNegativeInt, PositiveInt

from sdg.catalog.documents import CatalogModel, read
from sdg.catalog.quantities import gib, number
from sdg.catalog.vm_sizes import VmSize

MAX_PODS: Final = 110  # the kubelet's default, and AKS' with most networks
OS_DISK_GIB: Final = 128


@dataclass(frozen=True, slots=True)
class Allocatable:
    """What pods can have of one node.

    Attributes:
        cpu_millis: thousandths of a core.
        memory_mib: MiB.
        storage_mib: of the disk that holds images, logs and emptyDir volumes, in MiB.
    """

    cpu_millis: int
    memory_mib: int
    storage_mib: int


class Requests(CatalogModel):
    """What pods request, as Kubernetes writes it."""

    cpu: str
    memory: str
    storage: str

    @property
    def cores(self) -> float:
        return float(number(self.cpu))

    @property
    def memory_gib(self) -> float:
        return gib(self.memory)

    @property
    def storage_gib(self) -> float:
        return gib(self.storage)


class _Memory(CatalogModel):
    pod_mib: NonNegativeInt
    base_mib: NonNegativeInt
    eviction_mib: NonNegativeInt


class Reservations(CatalogModel):
    """All of `allocatable.yaml`; its comments say what each key means."""

    cpu_reserved: Mapping[PositiveInt, NonNegativeInt]
    memory: _Memory
    disk_percent: PositiveInt
    daemons: Requests
    sidecar: Requests


@cache
def reservations() -> Reservations:
    """What is reserved.

    Raises:
        pydantic.ValidationError: `allocatable.yaml` breaks its schema.
    """
    return read("allocatable.yaml", Reservations)


def allocatable(size: VmSize, os_disk_gib: int = OS_DISK_GIB, max_pods: int = MAX_PODS) -> Allocatable:
    """What pods can have of a machine of this size that AKS set up.

    Args:
        os_disk_gib: managed disk that it starts from.
        max_pods: pods that the node may have.
    """
    rules = reservations()
    cpu, memory, disk = size.vcpus * 1000, size.memory_gib * 1024, os_disk_gib * 1024
    cpu -= next(kept for vcpus, kept in sorted(rules.cpu_reserved.items(), reverse=True) if size.vcpus >= vcpus)
    memory -= min(rules.memory.pod_mib * max_pods + rules.memory.base_mib, memory // 4) + rules.memory.eviction_mib
    return Allocatable(cpu, memory, disk * rules.disk_percent // 100)
