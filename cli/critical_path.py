"""How long an update must take at least, by what depends on what, and where it took longer: its critical path. Pure.

An update is never faster than its longest chain: the start of engine and program, then each resource after one that it depends on. What
the wall time has above that is time in which a resource could have been worked on and was not: its registration, policies, a check by its
provider, the boot of a plugin, a worker that was not free.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Final

Edges = Mapping[str, Collection[str]]
"""What each resource depends on, by URN."""
Timed = tuple[float, Mapping[str, Any]]
"""An event of the engine, and when it was seen, in seconds of any clock."""

_BEGIN: Final = "resourcePreEvent"
_END: Final = ("resOutputsEvent", "resOpFailedEvent")
# an update deletes once all else is done, or as part of a replacement
_DELETES: Final = frozenset({"delete", "delete-replaced", "discard", "discard-replaced"})


@dataclass(frozen=True, slots=True)
class Step:
    """Work on one resource.

    Attributes:
        begin: seconds of the clock of the events.
        end: not before it.
    """

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Update:
    """An update as it ran.

    Attributes:
        began: when the engine was started.
        ended: when it had ended.
        steps: by URN.
        edges: what each of them depends on, among them.
    """

    began: float
    ended: float
    steps: Mapping[str, Step]
    edges: Edges

    @property
    def wall(self) -> float:
        return self.ended - self.began

    @property
    def start(self) -> float:
        """Seconds until the first resource: nothing could be worked on before."""
        return min((step.begin for step in self.steps.values()), default=self.ended) - self.began


@dataclass(frozen=True, slots=True)
class Gap:
    """Time in which a resource could have been worked on and was not.

    Attributes:
        urn: the resource; None for the end of the update, after the last resource.
    """

    urn: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class CriticalPath:
    """The longest chain of an update, and what it had above that.

    Attributes:
        chain: URNs, in the order in which they depend on each other.
        seconds: of the chain, the start of engine and program included.
        wall: of the update.
        gaps: those that the update's end waited for, longest first. They are not those of the chain where something else was later.
    """

    chain: tuple[str, ...]
    seconds: float
    wall: float
    gaps: tuple[Gap, ...]

    @property
    def excess(self) -> float:
        """Part of the chain that the wall time is above it: 0.1 is 10 %."""
        return self.wall / self.seconds - 1


def read_update(events: Iterable[Timed], state: Mapping[str, Any], began: float, ended: float) -> Update:
    """An update from what the engine said while it ran.

    Args:
        events: in their order.
        state: exported after it.
    """
    steps = _steps(events, _components(state))
    edges = {urn: dependencies & steps.keys() for urn, dependencies in edges_of(state).items() if urn in steps}
    return Update(began, ended, steps, edges)


def edges_of(state: Mapping[str, Any]) -> dict[str, set[str]]:
    """What each resource of a state waits for before it is worked on."""
    return {str(resource["urn"]): set(_dependencies(resource)) for resource in _resources(state)}


def critical_path(update: Update) -> CriticalPath:
    """The longest chain of an update, and its gaps."""
    chain = longest_chain({urn: step.seconds for urn, step in update.steps.items()}, update.edges)
    seconds = update.start + sum(update.steps[urn].seconds for urn in chain)
    return CriticalPath(tuple(chain), seconds, update.wall, tuple(sorted(_gaps(update), key=lambda gap: -gap.seconds)))


def longest_chain(seconds: Mapping[str, float], edges: Edges) -> list[str]:
    """The chain of dependencies that takes longest, first things first; empty where there is nothing.

    Args:
        seconds: of each thing; not negative.
        edges: what each depends on. What has no seconds is not looked at.

    Raises:
        graphlib.CycleError: things depend on each other.
    """
    total: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for thing in TopologicalSorter({name: [other for other in edges.get(name, ()) if other in seconds] for name in seconds}).static_order():
        last = max((other for other in edges.get(thing, ()) if other in seconds), key=lambda other: (total[other], other), default=None)
        before[thing] = last
        total[thing] = seconds[thing] + (total[last] if last is not None else 0)
    found: list[str] = []
    here = max(total, key=lambda name: (total[name], name), default=None)
    while here is not None:
        found.append(here)
        here = before[here]
    return found[::-1]


def of_types(steps: Mapping[str, Step], types: str | tuple[str, ...]) -> list[str]:
    """URNs of the resources whose type, or that of a component around them, begins so, or so; the components themselves take no time."""
    return [urn for urn in steps if any(part.startswith(types) for part in urn.split("::")[2].split("$"))]


def overlap(steps: Mapping[str, Step], first: Collection[str], second: Collection[str]) -> float:
    """Seconds in which resources of both groups were worked on; 0 when the groups took turns."""
    ours, theirs = (_busy([steps[urn] for urn in group if urn in steps]) for group in (first, second))
    return sum(max(0.0, min(one.end, other.end) - max(one.begin, other.begin)) for one in ours for other in theirs)


def _busy(steps: Iterable[Step]) -> list[Step]:
    """Spans in which at least one of the steps ran; they don't touch."""
    spans: list[Step] = []
    for step in sorted(steps, key=lambda step: step.begin):
        if spans and step.begin <= spans[-1].end:
            spans[-1] = Step(spans[-1].begin, max(spans[-1].end, step.end))
        else:
            spans.append(step)
    return spans


def _gaps(update: Update) -> Iterable[Gap]:
    """From the update's end back to its start: what was waited for last, and how long after that the next began."""
    steps = update.steps
    here = max(steps, key=lambda urn: (steps[urn].end, urn), default=None)
    if here is None:
        return
    yield Gap(None, update.ended - steps[here].end)
    while here is not None:
        before = max(update.edges.get(here, ()), key=lambda urn: (steps[urn].end, urn), default=None)
        ready = steps[before].end if before is not None else update.began + update.start
        yield Gap(here, max(0.0, steps[here].begin - ready))
        here = before


def _steps(events: Iterable[Timed], components: Collection[str]) -> dict[str, Step]:
    begins: dict[str, float] = {}
    ends: dict[str, float] = {}
    for at, event in events:
        if (urn := _forward(event.get(_BEGIN))) is not None:
            begins.setdefault(urn, at)
        for kind in _END:
            if (urn := _forward(event.get(kind))) is not None and urn in begins:
                ends[urn] = at
    # a component is only noted down; its end is said when the program has come to the end of it
    return {urn: Step(begin, begin if urn in components else ends.get(urn, begin)) for urn, begin in begins.items()}


def _forward(event: Mapping[str, Any] | None) -> str | None:
    metadata = (event or {}).get("metadata") or {}
    return None if metadata.get("op") in _DELETES else metadata.get("urn")


def _components(state: Mapping[str, Any]) -> set[str]:
    return {str(resource["urn"]) for resource in _resources(state) if not resource.get("custom")}


def _resources(state: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    # what is to be deleted still has the URN of what replaced it
    found = (state.get("deployment") or {}).get("resources") or []
    return [resource for resource in found if not resource.get("delete")]


def _dependencies(resource: Mapping[str, Any]) -> Iterable[str]:
    yield from resource.get("dependencies") or ()
    for urns in (resource.get("propertyDependencies") or {}).values():
        yield from urns or ()
    if parent := resource.get("parent"):
        yield parent
    if provider := resource.get("provider"):
        yield provider.rpartition("::")[0]  # what follows is its id
