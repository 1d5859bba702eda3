"""Whether items have places on nodes, and whether they find them whoever chooses: exact searches over whole numbers.

Nodes of a pool are alike, so what has happened is told by how many are untouched and what the others have left. A search remembers what it
has seen, and gives up after a number of steps rather than to take minutes: then nothing is said either way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

Amount = tuple[int, ...]
"""GPUs, thousandths of cores, MiB of memory, MiB of disk."""
PLENTY: Final = 10**12  # of what is not known, so that nothing is refused for it
STEPS: Final = 60_000  # about a second
MOST_ITEMS: Final = 300


class GaveUp(Exception):
    """A search took too many steps; nothing is known."""


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


@dataclass
class Search:
    """Looks for places on pools.

    Attributes:
        nodes: each pool's.
        steps: that are left; every state that is looked at takes one.
    """

    nodes: Sequence[Nodes]
    steps: int = STEPS
    _possible: dict[tuple[Items, State], bool] = field(default_factory=dict)

    def placed(self, lasting: Items, passing: Sequence[Items] = ()) -> State | None:
        """What is left when the lasting items have places that leave room for each of the passing sets in turn.

        Returns:
            None when no such places exist.

        Raises:
            GaveUp: too many steps.
        """
        start = tuple((pool.count, ()) for pool in self.nodes)
        sets = tuple(biggest_first(each) for each in passing)
        _bounded(lasting, *passing)
        return self._place(biggest_first(lasting), 0, start, sets, {})

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
        _bounded([item for wave in waves for item in wave], *passing)
        return self._strand([Counter(wave) for wave in waves], [Counter(each) for each in passing], start, set())

    def _place(
        self, items: Items, done: int, state: State, passing: Sequence[Items], known: dict[tuple[int, State], State | None]
    ) -> State | None:
        if done == len(items):
            return state if all(self._has_room(each, state) for each in passing) else None
        key = (done, state)
        if key in known:
            return known[key]
        self._step()
        found = None
        if not self._too_much(items[done:], state):
            for following in self._choices(items[done], state):
                found = self._place(items, done + 1, following, passing, known)
                if found is not None:
                    break
        known[key] = found
        return found

    def _has_room(self, items: Items, state: State) -> bool:
        key = (items, state)
        if key not in self._possible:
            self._possible[key] = self._place(items, 0, state, (), {}) is not None
        return self._possible[key]

    def _strand(self, waves: Sequence[Counter[Item]], passing: Sequence[Counter[Item]], state: State, seen: set[Seen]) -> Item | None:
        if not waves:
            return next((item for each in passing if (item := self._strand([each], (), state, seen)) is not None), None)
        first, later = waves[0], waves[1:]
        key = (len(waves), bool(passing), frozenset(first.items()), state)
        if key in seen:
            return None
        seen.add(key)
        self._step()
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

    def _choices(self, item: Item, state: State) -> Iterator[State]:
        """What may be when the item has a place: the fullest nodes that can take it first, an untouched one last."""
        for number in item.pools:
            untouched, touched = state[number]
            for index, left in enumerate(touched):
                if (index == 0 or touched[index - 1] != left) and _covers(left, item.amount):
                    after = (*touched[:index], *touched[index + 1 :], _less(left, item.amount))
                    yield (*state[:number], (untouched, tuple(sorted(after))), *state[number + 1 :])
            whole = self.nodes[number].amount
            if untouched and _covers(whole, item.amount):
                after = (*touched, _less(whole, item.amount))
                yield (*state[:number], (untouched - 1, tuple(sorted(after))), *state[number + 1 :])

    def _too_much(self, items: Items, state: State) -> bool:
        """Whether items want more of something than all nodes that they may use have together."""
        for pools in {item.pools for item in items}:
            if not pools:
                return True
            within = set(pools)
            wanted = _sum(item.amount for item in items if within.issuperset(item.pools))
            there = _sum(self._left(number, state) for number in pools)
            if not _covers(there, wanted):
                return True
        return False

    def _left(self, number: int, state: State) -> Amount:
        untouched, touched = state[number]
        whole = tuple(untouched * each for each in self.nodes[number].amount)
        return _sum((whole, *touched))

    def _step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise GaveUp


def _bounded(lasting: Sequence[Item], *passing: Sequence[Item]) -> None:
    """Searches go one call deeper for each item.

    Raises:
        GaveUp: there are too many.
    """
    if len(lasting) + max((len(each) for each in passing), default=0) > MOST_ITEMS:
        raise GaveUp


def _covers(there: Amount, wanted: Amount) -> bool:
    return all(has >= wants for has, wants in zip(there, wanted, strict=True))


def _less(there: Amount, taken: Amount) -> Amount:
    return tuple(has - takes for has, takes in zip(there, taken, strict=True))


def _sum(amounts: Iterable[Amount]) -> Amount:
    return tuple(map(sum, zip(*amounts, strict=True)))
