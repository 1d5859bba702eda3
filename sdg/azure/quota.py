"""vCPU quotas: what pools may take at most, against what a region still has. Pure: usages and sizes come in.

Azure counts the vCPUs of regular machines twice, against the quota of their family and against the region's total, and those of spot
machines once, against one bucket of the region that all families share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sdg.azure.network import SURGE

TOTAL: Final = "cores"  # all regular machines of a region
SPOT: Final = "lowPriorityCores"  # all spot machines of a region


@dataclass(frozen=True, slots=True)
class PoolNodes:
    """Nodes of a pool, as quotas count them.

    Attributes:
        pool: its name.
        family: of their size, as the list of SKUs spells it.
        vcpus: of one node.
        most: nodes that the autoscaler makes at most.
        spot: whether they are spare capacity, which an upgrade adds no node to (AKS replaces them in place).
    """

    pool: str
    family: str
    vcpus: int
    most: int
    spot: bool = False

    @property
    def needs(self) -> int:
        """vCPUs at most, but for upgrades."""
        return self.vcpus * self.most

    @property
    def surge(self) -> int:
        """vCPUs of the nodes that an upgrade adds for a while."""
        return 0 if self.spot else self.vcpus * -(-self.most // SURGE)


@dataclass(frozen=True, slots=True)
class Usage:
    """A quota of a region.

    Attributes:
        name: as the region's usages spell it.
        used: vCPUs that run, whoever's they are.
        limit: vCPUs that may run; below 0 when nothing limits them.
    """

    name: str
    used: int
    limit: int

    @property
    def free(self) -> int:
        """vCPUs that are left; never below 0, although a limit may have been lowered since."""
        return max(0, self.limit - self.used)

    @classmethod
    def of_arm(cls, entry: Mapping[str, Any]) -> Usage:
        """From an entry of `Microsoft.Compute/locations/usages`.

        Raises:
            KeyError: it is none.
        """
        return cls(str(entry["name"]["value"]), int(entry["currentValue"]), int(entry["limit"]))


@dataclass(frozen=True, slots=True)
class Need:
    """What pools need of one quota.

    Attributes:
        quota: its name.
        vcpus: at most, of all of them together.
        surge: vCPUs that upgrades of all of them add to that for a while.
        pools: their names, in the order given.
    """

    quota: str
    vcpus: int
    surge: int
    pools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shortage:
    """A quota that is too small."""

    need: Need
    usage: Usage

    @property
    def missing(self) -> int:
        """vCPUs that the limit has to grow by for the pools at their most, while everything that runs goes on running."""
        return max(0, self.need.vcpus - self.usage.free)

    @property
    def missing_for_upgrades(self) -> int:
        """The same, with the nodes that upgrades add."""
        return self.need.vcpus + self.need.surge - self.usage.free

    @property
    def certain(self) -> bool:
        """Whether it is too small for the pools at their most even if nothing else ran."""
        return self.need.vcpus > self.usage.limit


def folded(name: str) -> str:
    """A quota's or family's name as it can be compared: the two lists differ in letter case and in spaces."""
    return name.replace(" ", "").casefold()


def needs(pools: Iterable[PoolNodes]) -> list[Need]:
    """What the pools need of each quota that counts them, families first, in the order of the pools; pools without nodes need nothing."""
    spelled: dict[str, str] = {}
    vcpus: defaultdict[str, int] = defaultdict(int)
    surge: defaultdict[str, int] = defaultdict(int)
    names: defaultdict[str, list[str]] = defaultdict(list)
    for pool in pools:
        if not pool.needs:
            continue
        for quota in [SPOT] if pool.spot else [pool.family, TOTAL]:
            key = folded(quota)
            spelled.setdefault(key, quota)
            vcpus[key] += pool.needs
            surge[key] += pool.surge
            names[key].append(pool.pool)
    regional = [folded(TOTAL), folded(SPOT)]
    order = sorted(spelled, key=lambda key: regional.index(key) if key in regional else -1)
    return [Need(spelled[key], vcpus[key], surge[key], tuple(names[key])) for key in order]


def shortages(pools: Iterable[PoolNodes], usages: Iterable[Usage]) -> Iterator[Shortage]:
    """Every quota that is too small for the pools at their most and being upgraded. A quota that the region doesn't name is one of 0."""
    known = {folded(usage.name): usage for usage in usages}
    for need in needs(pools):
        usage = known.get(folded(need.quota), Usage(need.quota, 0, 0))
        if usage.limit >= 0 and need.vcpus + need.surge > usage.free:
            yield Shortage(need, usage)
