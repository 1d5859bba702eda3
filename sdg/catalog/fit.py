"""Whether pods that stay, and each group of pods that come and go, have places on a cluster's pools. Per node: sums mean nothing.

Exact: every way to place them is considered, within a bound that is told when it is reached. What is not known is not judged, and told too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Final

from sdg.catalog.fit_advice import advice
from sdg.catalog.fit_model import Fit, Group, Misfit, Pod, Pool, Toleration
from sdg.catalog.fit_search import STEPS, Budget, GaveUp, Item, Items, Nodes, Search, order
from sdg.catalog.fit_words import gpus, lonely, refusal, unknowns

__all__ = ["Fit", "Group", "Misfit", "Pod", "Pool", "Toleration", "fit"]

STEADINESS_STEPS: Final = STEPS // 2
# for what only explains an answer: all of it together, and one proposal among many
EXPLAINING_STEPS: Final = STEPS
PROPOSAL_STEPS: Final = STEPS // 40
_RESOURCES: Final = ("GPUs", "CPU", "memory", "disk")
_MOST_NAMES: Final = 8

Singles = tuple[tuple[Item, Pod], ...]
"""One entry for each pod, with the item that stands for it; the biggest first."""


def fit(permanent: Sequence[Pod], groups: Sequence[Group], pools: Sequence[Pool]) -> Fit:
    """Judges pods that stay for as long as the cluster does, beside each of the groups that come and go.

    Args:
        permanent: such as those of NIMs, which keep their GPUs.
        groups: each by itself beside `permanent`: no two of them run at the same time.
        pools: with as many nodes as they may grow to.
    """
    return _Question(tuple(permanent), tuple(groups), tuple(pools)).answer()


@dataclass(frozen=True)
class _Question:
    """What is to be judged."""

    permanent: tuple[Pod, ...]
    groups: tuple[Group, ...]
    pools: tuple[Pool, ...]

    def answer(self) -> Fit:
        unknown = unknowns(self.permanent, self.groups, self.pools)
        alone = tuple(self._alone())
        if alone:
            return Fit(alone, not_judged=unknown)
        try:
            left = self._search(Budget()).placed(_items(self._lasting), self._passing)
        except GaveUp:
            return Fit(not_judged=unknown, gave_up=("whether every pod has a node was not decided: there are too many ways to place them",))
        if left is None:
            return Fit((self._crowded(),), not_judged=unknown)
        used = {pool.name: pool.maximum - untouched for pool, (untouched, _) in zip(self.pools, left, strict=True)}
        return self._steadiness(Fit(nodes=used, not_judged=unknown))

    @cached_property
    def _purse(self) -> Budget:
        """For what explains an answer."""
        return Budget(EXPLAINING_STEPS)

    @cached_property
    def _lasting(self) -> Singles:
        return self._singles(self.permanent)

    @cached_property
    def _passing(self) -> tuple[Items, ...]:
        return tuple(dict.fromkeys(_items(self._singles(group.pods)) for group in self.groups))

    def _singles(self, pods: Sequence[Pod]) -> Singles:
        made: list[tuple[Item, Pod]] = []
        for pod in pods:
            suited = tuple(number for number, pool in enumerate(self.pools) if refusal(pod, pool) is None)
            made += [(Item(pod.amount, suited), pod)] * pod.count
        return tuple(sorted(made, key=lambda single: order(single[0]), reverse=True))

    def _search(self, budget: Budget) -> Search:
        return Search([Nodes(pool.maximum, pool.amount) for pool in self.pools], budget)

    def _alone(self) -> Iterator[Misfit]:
        """Pods that no node could take even if nothing else ran there."""
        for name, pods in (("", self.permanent), *((group.name, group.pods) for group in self.groups)):
            for pod in pods:
                if self._is_alone(pod):
                    # beside those that have places: of the others, each is told what it needs by itself
                    yield Misfit((pod.name,), lonely(pod, self.pools), self._with(pod)._advice(pod), name)

    def _is_alone(self, pod: Pod) -> bool:
        return all(refusal(pod, pool) for pool in self.pools)

    def _with(self, pod: Pod) -> _Question:
        """The question without those that no node could take, but for one."""

        def some(pods: Sequence[Pod]) -> tuple[Pod, ...]:
            return tuple(each for each in pods if each is pod or not self._is_alone(each))

        return replace(self, permanent=some(self.permanent), groups=tuple(replace(group, pods=some(group.pods)) for group in self.groups))

    def _crowded(self) -> Misfit:
        """The first pod, the biggest first, that has no place beside those before it."""
        try:
            if lost := self._first_lost(self._lasting, ()):
                return self._misfit(lost, "", "")
            for group in self.groups:
                if lost := self._first_lost(self._lasting, self._singles(group.pods)):
                    return self._misfit(lost, group.name, " while it runs")
        except GaveUp:
            pass
        names = _listed(pod.name for pod in self.permanent), " and ".join(group.name for group in self.groups)
        reason = "There is no way to place {} that leaves room for each of {}, one after the other.".format(*names)
        largest = max((*self.permanent, *(pod for group in self.groups for pod in group.pods)), key=lambda pod: pod.amount)
        return Misfit((largest.name,), reason, self._advice(largest))

    def _first_lost(self, lasting: Singles, passing: Singles) -> Singles:
        """The shortest beginning of the pods that has no place; empty when all of them have one.

        Raises:
            GaveUp: that takes too long to find.
        """
        varied = passing or lasting
        for count in range(1, len(varied) + 1):
            some = varied[:count]
            search = self._search(self._purse)
            left = search.placed(_items(lasting), [_items(some)]) if passing else search.placed(_items(some))
            if left is None:
                return (*lasting, *some) if passing else some
        return ()

    def _misfit(self, lost: Singles, group: str, when: str) -> Misfit:
        _, pod = lost[-1]
        others = [other.name for _, other in lost[:-1]]
        short = self._short_of(lost)
        want = f" for want of {short}" if short else ""
        reason = f"{pod.name} has no place beside {_listed(others)}{when}{want}: {self._totals(lost)}."
        return Misfit((pod.name, *dict.fromkeys(others)), reason, self._advice(pod), group)

    def _short_of(self, lost: Singles) -> str:
        """What alone would do if there were plenty of it; empty when no single thing would."""
        for place, name in enumerate(_RESOURCES):
            spared = tuple(Item((*item.amount[:place], 0, *item.amount[place + 1 :]), item.pools) for item, _ in lost)
            try:
                if self._search(self._purse).placed(spared) is not None:
                    return name
            except GaveUp:
                return ""
        return ""

    def _totals(self, lost: Singles) -> str:
        wanted = sum(pod.gpus for _, pod in lost)
        there = [f"{pool.maximum} with {gpus(pool.gpus)} each (pool {pool.name})" for pool in self.pools if pool.gpus and pool.maximum]
        return f"together they need {gpus(wanted)}, and of nodes with GPUs there are {' and '.join(there) or 'none'}"

    def _advice(self, pod: Pod) -> str:
        return advice(pod, self.pools, self._would_do, tuple(self._dispensable()))

    def _dispensable(self) -> Iterator[str]:
        """How to do without a group where all the rest has a place then."""
        for group in self.groups:
            if group.without and self._would_do(self.pools, tuple(each for each in self.groups if each is not group)):
                yield group.without

    def _would_do(self, pools: Sequence[Pool], groups: tuple[Group, ...] | None = None) -> bool:
        asked = replace(self, pools=tuple(pools), groups=self.groups if groups is None else groups)
        budget = Budget(min(PROPOSAL_STEPS, self._purse.steps))
        had = budget.steps
        try:
            return asked._search(budget).placed(_items(asked._lasting), asked._passing) is not None
        except GaveUp:
            return False
        finally:
            self._purse.steps -= had - budget.steps

    def _steadiness(self, found: Fit) -> Fit:
        """Says whether it depends on what the scheduler picks."""
        lasting = self._lasting
        waves = tuple(_items(tuple(same)) for _, same in groupby(lasting, key=lambda single: single[1].gpus))
        try:
            lost = self._search(Budget(STEADINESS_STEPS)).stranded(waves, self._passing)
            if lost:
                return replace(found, holds=False, holds_in_any_order=False, risk=self._risk(lost, in_order=True))
            found = replace(found, holds=True)
            lost = self._search(Budget(STEADINESS_STEPS)).stranded((_items(lasting),), self._passing)
        except GaveUp:
            return found
        return replace(found, holds_in_any_order=lost is None, risk=self._risk(lost, in_order=False) if lost else "")

    def _risk(self, item: Item, *, in_order: bool) -> str:
        every = (*self._lasting, *(single for group in self.groups for single in self._singles(group.pods)))
        name = next(pod.name for each, pod in every if each == item)
        if in_order:
            return f"{name} has a place only if the scheduler puts the others together where it may also spread them."
        return f"{name} has a place only if it is placed before the smaller ones, or if the scheduler puts these together."


def _items(singles: Singles) -> Items:
    return tuple(item for item, _ in singles)


def _listed(names: Iterable[str]) -> str:
    each = [f"{name} ({count} times)" if count > 1 else name for name, count in Counter(names).items()]
    more = f" and {len(each) - _MOST_NAMES} more" if len(each) > _MOST_NAMES else ""
    return (", ".join(each[:_MOST_NAMES]) + more) or "nothing"
