"""Status of NIMServices and NIMCaches: conditions, and what a Deployment's rollout means. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rehearsal.api import Object

READY, NOT_READY, FAILED = "Ready", "NotReady", "Failed"
DEADLINE: Final = "ProgressDeadlineExceeded"


@dataclass(frozen=True, slots=True)
class Rollout:
    """What a Deployment has come to.

    Attributes:
        done: whether every wanted pod is of the last template and available.
        message: in the manager's words.
    """

    done: bool
    message: str


def rollout(deployment: Object | None) -> Rollout:
    """How far a Deployment's rollout is."""
    if deployment is None:
        return Rollout(done=False, message="")
    name, status = deployment["metadata"]["name"], deployment.get("status") or {}
    wanted, updated = deployment["spec"].get("replicas", 1), status.get("updatedReplicas", 0)
    there, available = status.get("replicas", 0), status.get("availableReplicas", 0)
    waiting = f'Waiting for deployment "{name}" rollout to finish: '
    if any(one["type"] == "Progressing" and one.get("reason") == DEADLINE for one in status.get("conditions") or []):
        return Rollout(done=False, message=f'deployment "{name}" exceeded its progress deadline')
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        updated = 0
    if wanted == 0 or updated < wanted:
        return Rollout(done=False, message=f"{waiting}{updated} out of {wanted} new replicas have been updated...\n")
    if there > updated:
        return Rollout(done=False, message=f"{waiting}{there - updated} old replicas are pending termination...\n")
    if available < updated:
        return Rollout(done=False, message=f"{waiting}{available} of {updated} updated replicas are available...\n")
    return Rollout(done=True, message=f'deployment "{name}" successfully rolled out\n')


def ready(status: Object, message: str, now: str) -> Object:
    """The status of a NIMService that is rolled out and answered."""
    pair = [_condition(READY, "True", READY, message), _condition(FAILED, "False", READY, "")]
    return {"state": READY, "conditions": merged(status, pair, now)}


def not_ready(status: Object, reason: str, message: str, now: str) -> Object:
    """The status of a NIMService that waits."""
    pair = [_condition(READY, "False", reason, message), _condition(FAILED, "False", READY, message)]
    return {"state": NOT_READY, "conditions": merged(status, pair, now)}


def failed(status: Object, reason: str, message: str, now: str) -> Object:
    """The status of a NIMService that the manager cannot make what it wants of."""
    pair = [_condition(READY, "False", FAILED, ""), _condition(FAILED, "True", reason, message)]
    return {"state": FAILED, "conditions": merged(status, pair, now)}


def merged(status: Object, conditions: Sequence[Object], now: str) -> list[Object]:
    """All conditions: the new ones in place of those of their types. A time changes with a status alone; no generation is named."""
    before = {one["type"]: one for one in status.get("conditions") or []}
    for one in conditions:
        old = before.get(one["type"], {})
        since = old["lastTransitionTime"] if old.get("status") == one["status"] else now
        before[one["type"]] = {**one, "lastTransitionTime": since}
    return list(before.values())


def condition(kind: str, holds: bool, reason: str, message: str) -> Object:
    """One condition."""
    return _condition(kind, "True" if holds else "False", reason, message)


def _condition(kind: str, status: str, reason: str, message: str) -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message}
