"""Keeps resources that hold data from being made anew: a change that would do that is refused at preview, unless the stack unlocks it.

The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from sdg.azure.made_of import KINDS, Kind, broken, problems
from sdg.gates.waiting import say

Properties = Mapping[str, Any]


class DataLockProvider(ResourceProvider):
    """Remembers what one resource was made of. Where a change is unlocked, the lock is replaced, and the resource with it."""

    serialize_as_secret_always = False

    def check(self, olds: Properties, news: Properties) -> CheckResult:
        before, now, kind = olds.get("madeOf"), news["madeOf"], news["kind"]
        if not before:
            return CheckResult(dict(news), [])
        if news["unlocked"] and not broken(kind, before, now):
            say(f"sdg:cluster.unlock still names {kind}, and nothing needs it: take it out, so that the next change asks again")
        found = problems(kind, before, now, unlocked=news["unlocked"])
        return CheckResult(dict(news), [CheckFailure("madeOf", problem) for problem in found])

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(id_=str(props["kind"]), outs=dict(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        anew = [key for key in broken(news["kind"], olds["madeOf"], news["madeOf"]) if key != "made"]
        # whether it is unlocked is for one update, and nothing to remember
        return DiffResult(changes=olds["madeOf"] != news["madeOf"], replaces=["madeOf"] if anew else [])

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(outs=dict(news))


class DataLock(Resource, module="cluster", name="DataLock"):
    """What one resource that holds data was made of."""

    def __init__(self, kind: Kind, made_of: Mapping[str, str], *, unlocked: bool, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(DataLockProvider(), f"{kind}-lock", {"kind": kind, "madeOf": dict(made_of), "unlocked": unlocked}, opts)

    @property
    def held(self) -> pulumi.ResourceOptions:
        """Options of the resource: nothing is done to it before the lock agrees, and it is made anew when the lock is. Its name stays
        the same, so the old one goes first."""
        return pulumi.ResourceOptions(depends_on=[self], replace_with=[self], delete_before_replace=True)


def data_locks(
    made_of: Mapping[Kind, Mapping[str, str]], unlock: Iterable[Kind], opts: pulumi.ResourceOptions | None = None
) -> Mapping[Kind, DataLock]:
    """A lock for each kind, also for one that the stack doesn't have now: it may have had one."""
    unlocked = frozenset(unlock)
    return {kind: DataLock(kind, made_of[kind], unlocked=kind in unlocked, opts=opts) for kind in KINDS}
