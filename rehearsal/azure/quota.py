"""vCPU quotas: how many cores of each family a subscription may use in a region, and what its node pools use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.azure.errors import ArmError
from rehearsal.azure.offers import Offers
from rehearsal.azure.regions import SPOT, TOTAL, regions
from rehearsal.azure.resources import Resource
from rehearsal.azure.values import location as normalized
from rehearsal.faults import Faults
from sdg.catalog.vm_sizes import vm_sizes

CLUSTER = "Microsoft.ContainerService/managedClusters"
POOL = f"{CLUSTER}/agentPools"
BAD_REQUEST = 400
_REQUEST = "Surge nodes would also consume vcpu quota. To request an increase, follow https://learn.microsoft.com/azure/quotas."
Resources = Callable[[str | None], list[Resource]]


@dataclass(frozen=True)
class Machines:
    """Machines of one size in one region."""

    size: str
    count: int
    location: str
    spot: bool


class Quota:
    """The subscription's quota over what there is.

    Args:
        resources: returns the resources of a type.
        faults: `azure.quota` sets other limits.
    """

    def __init__(self, resources: Resources, faults: Faults) -> None:
        self._resources, self._offers = resources, Offers(faults)

    def used(self, location: str) -> Mapping[str, int]:
        """Cores in use in a region by the names of usages: those of others in the subscription, and those of node pools here."""
        region = self._offers.region(location)
        here = [machines for type_ in (CLUSTER, POOL) for one in self._resources(type_) for machines in machines_of(one, self._resources)]
        return Counter(region.used if region else {}) + _cores(here, normalized(location))

    def limit(self, location: str, usage: str) -> int:
        """Cores that may be used; none in a region that Azure doesn't have."""
        region = self._offers.region(location)
        return region.limits.get(usage, 0) if region else 0

    def check(self, machines: Iterable[Machines], instead: Iterable[Machines] = ()) -> None:
        """Refuse machines that do not fit.

        Args:
            machines: what there shall be.
            instead: what there is now and would be replaced by them.

        Raises:
            ArmError: names family, what is asked for and what is left.
        """
        wanted, present = list(machines), list(instead)
        for location in {one.location for one in wanted}:
            have, used = _cores(present, location), self.used(location)
            for usage, cores in _cores(wanted, location).items():
                more, left = cores - have[usage], max(self.limit(location, usage) - used.get(usage, 0), 0)
                if more > left:
                    sentence = f"Insufficient vcpu quota requested {more}, remaining {left} for family {usage} for region {location}."
                    raise ArmError(BAD_REQUEST, "ErrCode_InsufficientVCPUQuota", f"{sentence} {_REQUEST}")


def machines_of(resource: Resource, resources: Resources, said: Mapping[str, Any] | None = None) -> list[Machines]:
    """The machines of a cluster's own pools, or of a pool; none of anything else.

    Args:
        resource: what there is.
        resources: returns the resources of a type.
        said: what it shall be instead of what it is.
    """
    fields = resource.outputs if said is None else said
    if resource.type.lower() == CLUSTER.lower():
        where = normalized(str(resource.outputs.get("location", "")))
        return [_machines(pool, where) for pool in fields.get("agentPoolProfiles") or []]
    if resource.type.lower() == POOL.lower():
        owner = resource.id.lower().rpartition("/agentpools/")[0]
        where = next((str(one.outputs.get("location", "")) for one in resources(CLUSTER) if one.id.lower() == owner), "")
        return [_machines(fields, normalized(where))]
    return []


def _machines(pool: Mapping[str, Any], location: str) -> Machines:
    spot = str(pool.get("scaleSetPriority", "")).lower() == "spot"
    return Machines(str(pool.get("vmSize", "")), int(pool.get("count") or 0), location, spot)


def _cores(machines: Iterable[Machines], location: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in machines:
        family, size = regions().family(one.size), vm_sizes().get(one.size)
        if one.location != location or family is None or size is None:
            continue
        cores = size.vcpus * one.count
        if one.spot:
            # spot machines count in one bucket of the region, and in no family's
            found[SPOT] += cores
        else:
            found[TOTAL] += cores
            found[regions().usage(family)] += cores
    return found
