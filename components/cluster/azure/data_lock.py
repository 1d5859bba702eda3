"""Keeps resources that hold data from being made anew: a change that would do that is refused at preview, unless the stack unlocks it.

The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.cluster.azure.stored import Stored
from sdg.azure.made_of import KEPT, KINDS, Kind, broken, problems
from sdg.gates.waiting import say

Properties = Mapping[str, Any]


class DataLockProvider(ResourceProvider):
    """Writes down what one resource was made of, and no more."""

    serialize_as_secret_always = False

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(id_=str(props["kind"]), outs=dict(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return DiffResult(changes=olds["madeOf"] != news["madeOf"])

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(outs=dict(news))


class DataLock(Resource, module="cluster", name="DataLock"):
    """What one resource that holds data was made of. It comes after that resource: what was asked for and failed was never made."""

    def __init__(self, kind: Kind, made_of: Mapping[str, str], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(DataLockProvider(), f"{kind}-lock", {"kind": kind, "madeOf": dict(made_of)}, opts)


@dataclass(frozen=True, slots=True)
class Lock:
    """What an update may do to one resource.

    Attributes:
        made_of: what it is to be made of.
        anew: whether it is to be made anew where that changes it.
    """

    kind: Kind
    made_of: Mapping[str, str]
    anew: bool = False

    @property
    def held(self) -> pulumi.ResourceOptions:
        """Options of the resource. Its name stays the same, so the old one goes first."""
        return pulumi.ResourceOptions(replace_on_changes=["*"] if self.anew else None, delete_before_replace=True)

    def closed(self, resource: pulumi.Resource, parent: pulumi.Resource) -> DataLock:
        """Writes down what the resource was made of, once it is. What lies in the resource comes after that: so the lock is among the
        last that a destroy forgets, and one that was refused on the way has forgotten none.
        """
        return DataLock(self.kind, self.made_of, pulumi.ResourceOptions(parent=parent, depends_on=[resource]))


def locks(made_of: Mapping[Kind, Mapping[str, str]], unlock: Iterable[Kind], before: Stored) -> dict[Kind, Lock]:
    """The locks of what the stack makes, by kind.

    Args:
        made_of: what is asked for.
        unlock: what may be made anew, or given up, although it holds data.
        before: what the state says.

    Raises:
        pulumi.RunError: something that holds data would be lost; nothing has been done yet.
    """
    unlocked = frozenset(unlock)
    found = [
        problem for kind, facts in before.made_of.items() for problem in problems(kind, facts, made_of.get(kind), unlocked=kind in unlocked)
    ]
    if found:
        raise pulumi.RunError("\n".join(found))
    anew = {kind for kind in made_of if broken(kind, before.made_of.get(kind, {}), made_of[kind])}
    for kind in KINDS:
        if kind in unlocked - anew and (kind in made_of or kind not in before.made_of):
            say(f"sdg:cluster.unlock still names {kind}, and nothing needs it: take it out, so that the next change asks again")
    for kind in before.unfinished & made_of.keys():
        say(f"Azure never finished {KEPT[kind].what}: nothing is in it, and a change makes it anew")
    for kind, urn in before.open.items():
        # it may have been imported, with data in it
        say(
            f"no update has finished {KEPT[kind].what} yet: where Azure refuses a change of it, `pulumi up --replace '{urn}'` makes it anew"
        )
    return {kind: Lock(kind, facts, anew=kind in anew | before.unfinished) for kind, facts in made_of.items()}
