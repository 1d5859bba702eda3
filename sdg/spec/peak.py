"""What a spec's groups ask for at once: groups that don't wait for each other can run together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Final

from sdg.spec.tasks import GIB, Amounts, Task, items, mapping, scalar

# beyond these, which no pool of a usual size takes, exactness would cost minutes
MOST_GROUPS: Final = 1000
MOST_GROUPS_IN_SETS: Final = 150
MOST_SETS: Final = 1000
_TRIES_FOR_A_SET: Final = 50


@dataclass(frozen=True, slots=True)
class Peak:
    """The most that can run together, each resource maximised on its own: they need not come from the same groups.

    Attributes:
        gpu: devices.
        cpu: cores.
        memory_gi: GiB.
        storage_gi: GiB of nodes' disks.
    """

    gpu: int = 0
    cpu: int = 0
    memory_gi: float = 0
    storage_gi: float = 0


@dataclass(frozen=True, slots=True)
class Together:
    """Sets of tasks that can run at the same time.

    Attributes:
        sets: none is part of another; of sets that ask for the same, one stands for all.
        complete: False where there are more groups or sets than are worth listing: then they are not all of them, or one of everything.
    """

    sets: tuple[tuple[Task, ...], ...] = ()
    complete: bool = True


class Order:
    """Which groups wait for which: a group starts when all groups whose tasks its own tasks name as inputs have ended.

    Groups are numbers from 0; sets of groups are bits of an integer. Groups that wait for each other in a circle, which the platform
    refuses, count as independent.
    """

    def __init__(self, waits_for: Sequence[int]) -> None:
        count = len(waits_for)
        before = list(waits_for)
        for middle in range(count):
            reached = before[middle]
            for group in range(count):
                if before[group] >> middle & 1:
                    before[group] |= reached
        self.count = count
        self.before = [sum(1 << other for other in bits(before[group]) if not before[other] >> group & 1) for group in range(count)]
        after = [0] * count
        for group in range(count):
            for other in bits(self.before[group]):
                after[other] |= 1 << group
        self.after = after

    @classmethod
    def of(cls, tasks: Iterable[Task]) -> Order:
        """The order of the groups of a spec's tasks, numbered by their `group_index`."""
        known = list(tasks)
        group_of = {task.name: task.group_index for task in known}
        waits_for = [0] * (max(group_of.values(), default=-1) + 1)
        for task in known:
            for entry in items(task.body.get("inputs")):
                other = group_of.get(scalar(mapping(entry).get("task")), task.group_index)
                if other != task.group_index:
                    waits_for[task.group_index] |= 1 << other
        return cls(waits_for)

    def heaviest(self, weights: Sequence[int]) -> int:
        """The greatest sum over groups that don't wait for each other.

        By Dilworth's theorem that is the sum over all groups less the greatest flow from each group's weight, along "is before", into
        each group's weight.
        """
        supply, demand = list(weights), list(weights)
        flows: list[dict[int, int]] = [{} for _ in weights]  # into a group: from which one, how much
        while path := self._augmenting(supply, demand, flows):
            amount = min(supply[path[0][0]], demand[path[-1][1]], *(flows[into][source] for _, into, source in _returned(path)))
            supply[path[0][0]] -= amount
            demand[path[-1][1]] -= amount
            for source, into in path:
                flows[into][source] = flows[into].get(source, 0) + amount
            for _, into, source in _returned(path):
                flows[into][source] -= amount
                if not flows[into][source]:
                    del flows[into][source]
        return sum(demand)

    def _augmenting(self, supply: Sequence[int], demand: Sequence[int], flows: Sequence[dict[int, int]]) -> list[tuple[int, int]]:
        """A shortest way to more flow, as (source, into) pairs: between two, flow into the first goes back to the second's source."""
        sources = [group for group in range(self.count) if supply[group]]
        reached_by: dict[int, int] = {}
        returned_by: dict[int, int] = dict.fromkeys(sources, -1)
        open_ = sum(1 << group for group in range(self.count))
        for source in sources:  # it grows while it is walked
            fresh = self.after[source] & open_
            open_ &= ~fresh
            for into in bits(fresh):
                reached_by[into] = source
                if demand[into]:
                    return _way(into, reached_by, returned_by)
                for back in flows[into]:
                    if back not in returned_by:
                        returned_by[back] = into
                        sources.append(back)
        return []

    def antichains(self, alike: Callable[[int], Hashable] = lambda group: group, most: int = MOST_SETS) -> tuple[list[int], bool]:
        """Every greatest set of groups that don't wait for each other, and whether that is all of them.

        Args:
            alike: groups for which it says the same are interchangeable: of sets that differ in nothing else, one is kept.
            most: sets to list.
        """
        return _Antichains(self, alike, most).within((1 << self.count) - 1)


def _returned(path: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    for (_, into), (source, _) in pairwise(path):
        yield source, into, source


def _way(into: int, reached_by: dict[int, int], returned_by: dict[int, int]) -> list[tuple[int, int]]:
    path: list[tuple[int, int]] = []
    while into != -1:
        source = reached_by[into]
        path.append((source, into))
        into = returned_by[source]
    return path[::-1]


class _Antichains:
    """Lists greatest antichains: of parts that nothing connects, every combination; of parts that all wait for another, those of each."""

    def __init__(self, order: Order, alike: Callable[[int], Hashable], most: int) -> None:
        self.related = [order.before[group] | order.after[group] for group in range(order.count)]
        self.alike = alike
        self.most = most
        self.complete = True

    def within(self, groups: int) -> tuple[list[int], bool]:
        return self._of(groups) if groups else [], self.complete

    def _of(self, groups: int) -> list[int]:
        if groups & (groups - 1) == 0:
            return [groups]
        apart = _components(groups, lambda group: self.related[group])
        if len(apart) > 1:
            found = [0]
            for part in apart:
                found = self._distinct(one | other for one, other in product(found, self._of(part)))
            return found
        ordered = _components(groups, lambda group: ~self.related[group])
        if len(ordered) > 1:
            return self._distinct(found for part in ordered for found in self._of(part))
        return self._distinct(self._cliques(0, groups, 0))

    def _cliques(self, chosen: int, open_: int, done: int) -> Iterator[int]:
        """Bron and Kerbosch's search, with a pivot, for greatest sets in which nobody is related."""
        if not open_ | done:
            yield chosen
            return
        pivot = max(bits(open_ | done), key=lambda group: (open_ & ~self.related[group] & ~(1 << group)).bit_count())
        for group in list(bits(open_ & (self.related[pivot] | 1 << pivot))):
            free = ~self.related[group] & ~(1 << group)
            yield from self._cliques(chosen | 1 << group, open_ & free, done & free)
            open_ &= ~(1 << group)
            done |= 1 << group

    def _distinct(self, found: Iterable[int]) -> list[int]:
        kept: dict[Hashable, int] = {}
        for tried, each in enumerate(found):
            kept.setdefault(self._shape(each), each)
            if len(kept) > self.most or tried > self.most * _TRIES_FOR_A_SET:
                self.complete = False
                break
        return list(kept.values())[: self.most]

    def _shape(self, groups: int) -> Hashable:
        counted: dict[Hashable, int] = {}
        for group in bits(groups):
            key = self.alike(group)
            counted[key] = counted.get(key, 0) + 1
        return frozenset(counted.items())


def _components(groups: int, neighbours: Callable[[int], int]) -> list[int]:
    parts: list[int] = []
    while groups:
        part, edge = 0, groups & -groups
        while edge:
            part |= edge
            groups &= ~edge
            edge = groups & _union(neighbours(group) for group in bits(edge))
        parts.append(part)
    return parts


def _union(sets: Iterable[int]) -> int:
    union = 0
    for each in sets:
        union |= each
    return union


def bits(number: int) -> Iterator[int]:
    """Positions of the bits that are set."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def peak_of(tasks: Sequence[Task]) -> Peak:
    """The peak of a spec's tasks; the sum of all where there are more than MOST_GROUPS groups, which is never less."""
    totals = _totals(tasks)
    if len(totals) > MOST_GROUPS:
        most = sum(totals, Amounts())
    else:
        order = Order.of(tasks)
        most = Amounts(*(order.heaviest([getattr(total, name) for total in totals]) for name in Amounts.__slots__))
    return Peak(most.gpu, most.cpu, _gi(most.memory), _gi(most.storage))


def together_of(tasks: Sequence[Task]) -> Together:
    """The sets of a spec's tasks that can run at the same time."""
    count = len(_totals(tasks))
    if count > MOST_GROUPS_IN_SETS:
        return Together((tuple(tasks),), complete=False)
    members: list[list[Task]] = [[] for _ in range(count)]
    for task in tasks:
        members[task.group_index].append(task)
    shapes = [frozenset(_counted((task.amounts, task.platform) for task in group).items()) for group in members]
    sets, complete = Order.of(tasks).antichains(lambda group: shapes[group])
    return Together(tuple(tuple(task for group in bits(each) for task in members[group]) for each in sets), complete)


def _totals(tasks: Iterable[Task]) -> list[Amounts]:
    known = list(tasks)
    totals = [Amounts()] * (max((task.group_index for task in known), default=-1) + 1)
    for task in known:
        totals[task.group_index] += task.amounts
    return totals


def _counted(shapes: Iterable[Hashable]) -> dict[Hashable, int]:
    counted: dict[Hashable, int] = {}
    for shape in shapes:
        counted[shape] = counted.get(shape, 0) + 1
    return counted


def _gi(size: int) -> float:
    """Bytes in GiB, whole numbers as such."""
    return size // GIB if size % GIB == 0 else round(size / GIB, 3)
