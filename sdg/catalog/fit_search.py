"""Whether items have places on nodes, and whether they find them whoever chooses: exact searches over whole numbers.

Nodes of a pool are alike, so what has happened is told by how many are untouched and what the others have left. A search remembers what it
has seen, and gives up after a number of steps rather than to take minutes: then nothing is said either way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import ge, sub
from typing import Final

Amount = tuple[int, ...]
"""GPUs, thousandths of cores, MiB of memory, MiB of disk."""
PLENTY: Final = 10**12  # of what is not known, so that nothing is refused for it
STEPS: Final = 40_000  # about a second
MOST_ITEMS: Final = 300


class GaveUp(Exception):
    """A search took too many steps; nothing is known."""


@dataclass
class Budget:
    """How much searching is left: every state that is looked at, and every place that is tried, takes a step."""

    steps: int = STEPS

    def take(self, steps: int = 1) -> None:
        """Takes steps.

        Raises:
            GaveUp: none are left.
        """
        self.steps -= steps
        if self.steps < 0:
            raise GaveUp


@dataclass(frozen=True, slots=True)
class Item:
    """Something that takes part of one node.

    Attributes:
        amount: of each resource.
        pools: numbers of the pools whose nodes may take it.
    """

    amount: Amount
    pools: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nodes:
    """Nodes that are alike: how many, and what each of them has."""

    count: int
    amount: Amount


# of each pool: untouched nodes, and what the others have left, in order
State = tuple[tuple[int, tuple[Amount, ...]], ...]
Items = tuple[Item, ...]
# how many waves are left, whether sets come after them, what is left of the first one, and where
Seen = tuple[int, bool, frozenset[tuple[Item, int]], State]


def order(item: Item) -> tuple[Amount, int, tuple[int, ...]]:
    """How hard it is to find a place: what comes last has the hardest time."""
    return item.amount, -len(item.pools), item.pools


def biggest_first(items: Iterable[Item]) -> Items:
    """In the order in which places are looked for."""
    return tuple(sorted(items, key=order, reverse=True))


@dataclass(frozen=True, slots=True)
class _Line:
    """Items in the order in which they get their places.

    Attributes:
        wants: for each item, what it and those after it want together of each set of pools that they have to share.
    """

    items: Items
    wants: tuple[tuple[tuple[tuple[int, ...], Amount], ...], ...]

    @classmethod
    def of(cls, items: Iterable[Item]) -> _Line:
        ordered = biggest_first(items)
        return cls(ordered, tuple(tuple(_shares(ordered[done:])) for done in range(len(ordered))))


@dataclass
class Search:
    """Looks for places on pools.

    Attributes:
        nodes: each pool's.
        budget: of all its searches together.
    """

    nodes: Sequence[Nodes]
    budget: Budget = field(default_factory=Budget)
    _possible: dict[tuple[int, State], bool] = field(default_factory=dict)

    def placed(self, lasting: Items, passing: Sequence[Items] = ()) -> State | None:
        """What is left when the lasting items have places that leave room for each of the passing sets in turn.

        Returns:
            None when no such places exist.

        Raises:
            GaveUp: too many steps.
        """
        _bounded(lasting, *passing)
        start = tuple((pool.count, ()) for pool in self.nodes)
        self._possible.clear()
        return self._place(_Line.of(lasting), 0, start, [_Line.of(each) for each in passing], {})

    def stranded(self, waves: Sequence[Items], passing: Sequence[Items] = ()) -> Item | None:
        """An item that may find no place any more if others choose any nodes that have room for them.

        Args:
            waves: lasting items; those of one come in any order, after all of those before.
            passing: sets that come after all of them, one set or another, in any order.

        Returns:
            None when every item always finds a place.

        Raises:
            GaveUp: too many steps.
        """
        start: State = tuple((pool.count, ()) for pool in self.nodes)
        lasting = [item for wave in waves for item in wave]
        _bounded(lasting, *passing)
        if self._never_strands(waves) and all(self._never_strands(((*lasting, *each),)) for each in passing):
            return None
        return self._strand([Counter(wave) for wave in waves], [Counter(each) for each in passing], start, set())

    def _place(
        self, line: _Line, done: int, state: State, passing: Sequence[_Line], known: dict[tuple[int, State], State | None]
    ) -> State | None:
        if done == len(line.items):
            return state if all(self._has_room(number, each, state) for number, each in enumerate(passing)) else None
        key = (done, state)
        if key in known:
            return known[key]
        self.budget.take()
        found = None
        if self._is_enough(line.wants[done], state):
            for following in self._choices(line.items[done], state):
                found = self._place(line, done + 1, following, passing, known)
                if found is not None:
                    break
        known[key] = found
        return found

    def _has_room(self, number: int, line: _Line, state: State) -> bool:
        key = (number, state)
        if key not in self._possible:
            self._possible[key] = self._place(line, 0, state, (), {}) is not None
        return self._possible[key]

    def _strand(self, waves: Sequence[Counter[Item]], passing: Sequence[Counter[Item]], state: State, seen: set[Seen]) -> Item | None:
        if not waves:
            return next((item for each in passing if (item := self._strand([each], (), state, seen)) is not None), None)
        first, later = waves[0], waves[1:]
        key = (len(waves), bool(passing), frozenset(first.items()), state)
        if key in seen:
            return None
        seen.add(key)
        self.budget.take()
        if not first:
            return self._strand(later, passing, state, seen) if later or passing else None
        choices = {item: tuple(self._choices(item, state)) for item in first}
        if lost := next((item for item, places in choices.items() if not places), None):
            return lost
        for item, places in choices.items():
            rest = first - Counter([item])
            for following in places:
                if (found := self._strand([rest, *later], passing, following, seen)) is not None:
                    return found
        return None

    def _never_strands(self, waves: Sequence[Sequence[Item]]) -> bool:
        """Whether all that may come before an item is too little to fill every node that may take it; when not, nothing is known."""
        before: list[Item] = []
        for wave in waves:
            before += wave
            total = _sum([*(item.amount for item in before)]) if before else ()
            if not all(self._is_left_a_node(item, _less(total, item.amount)) for item in set(wave)):
                return False
        return True

    def _is_left_a_node(self, item: Item, others: Amount) -> bool:
        """Whether others cannot fill all nodes that may take an item. To fill one, they must leave less of some resource than it needs."""
        usable = [self.nodes[number] for number in item.pools if _covers(self.nodes[number].amount, item.amount)]
        filled = 0
        for place, left in enumerate(others):
            for least, count in sorted((pool.amount[place] - item.amount[place] + 1, pool.count) for pool in usable):
                full = min(count, left // least)
                left -= full * least  # noqa: PLW2901 - what others have is used up, node by node
                filled += full
        return sum(pool.count for pool in usable) > filled

    def _choices(self, item: Item, state: State) -> Iterator[State]:
        """What may be when the item has a place: the fullest nodes that can take it first, an untouched one last."""
        for number in item.pools:
            untouched, touched = state[number]
            before: Amount | None = None
            for index, left in enumerate(touched):
                if left != before and _covers(left, item.amount):
                    self.budget.take()
                    after = (*touched[:index], *touched[index + 1 :], _less(left, item.amount))
                    yield (*state[:number], (untouched, tuple(sorted(after))), *state[number + 1 :])
                before = left
            whole = self.nodes[number].amount
            if untouched and _covers(whole, item.amount):
                self.budget.take()
                after = (*touched, _less(whole, item.amount))
                yield (*state[:number], (untouched - 1, tuple(sorted(after))), *state[number + 1 :])

    def _is_enough(self, wants: Iterable[tuple[tuple[int, ...], Amount]], state: State) -> bool:
        """Whether nodes have together what items want together; else no way to place them is worth looking for."""
        left = [self._left(number, state) for number in range(len(state))]
        return all(_covers(_sum(left[number] for number in pools), wanted) for pools, wanted in wants)

    def _left(self, number: int, state: State) -> Amount:
        untouched, touched = state[number]
        whole = tuple(untouched * each for each in self.nodes[number].amount)
        return _sum((whole, *touched))


def _shares(items: Items) -> Iterator[tuple[tuple[int, ...], Amount]]:
    for pools in {item.pools for item in items}:
        within = set(pools)
        yield pools, _sum(item.amount for item in items if within.issuperset(item.pools))


def _bounded(lasting: Sequence[Item], *passing: Sequence[Item]) -> None:
    """Searches go one call deeper for each item.

    Raises:
        GaveUp: there are too many.
    """
    if len(lasting) + max((len(each) for each in passing), default=0) > MOST_ITEMS:
        raise GaveUp


def _covers(there: Amount, wanted: Amount) -> bool:
    return all(map(ge, there, wanted))


def _less(there: Amount, taken: Amount) -> Amount:
    return tuple(map(sub, there, taken))


def _sum(amounts: Iterable[Amount]) -> Amount:
    return tuple(map(sum, zip(*amounts, strict=True)))
