"""At what a NIM's pod is: waiting for a node, pulling its image, loading its model, or ending again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sdg.gates.probes.elapsed import since
from sdg.gates.probes.pods import Trouble, trouble
from sdg.kube.api import Json


class Phase(StrEnum):
    """What a NIM is at, in the words that lines and evidence use."""

    ABSENT = "not there"
    ACCEPTED = "accepted"
    PENDING = "waiting for a node"
    STARTING = "starting"
    PULLING = "pulling its image"
    LOADING = "loading its model"
    CRASHING = "ending again and again"
    ANSWERING = "being asked by the operator"
    READY = "ready"


_PULL = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"})
_CRASH = frozenset({"CrashLoopBackOff", "OOMKilled", "Error", "StartError", "RunContainerError"})
# what a pod says of itself while its model loads: its probes fail until it is there
_LOADING = frozenset({"Running", "Unhealthy"})


@dataclass(frozen=True, slots=True)
class AtWork:
    """One pod.

    Attributes:
        trouble: what it says is wrong; None when it is ready.
        minutes: since it was made; None where it doesn't say.
    """

    pod: Json
    phase: Phase
    trouble: Trouble | None
    minutes: float | None

    @property
    def stuck(self) -> bool:
        """Whether something is in the way, as opposed to work that goes on."""
        return self.trouble is not None and not self.trouble.quiet and self.phase is not Phase.LOADING


def at_work(pods: Sequence[Json], events: Sequence[Json]) -> AtWork | None:
    """The pod that a NIM is waited for with: the one that is stuck if any is, else the newest that is not ready. None without any."""
    found = [_look(pod, events) for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    unready = sorted((each for each in found if each.phase is not Phase.READY), key=lambda each: (not each.stuck, each.minutes or 0.0))
    return next(iter([*unready, *found]), None)


def _look(pod: Json, events: Sequence[Json]) -> AtWork:
    said = trouble(pod, events)
    minutes = since(str((pod.get("status") or {}).get("startTime") or pod["metadata"].get("creationTimestamp") or ""))
    return AtWork(pod, _phase(pod, said), said, minutes)


def _phase(pod: Json, said: Trouble | None) -> Phase:
    if said is None:
        return Phase.READY
    if said.reason in _PULL:
        return Phase.PULLING
    if said.reason in _CRASH:
        return Phase.CRASHING
    if not placed(pod):
        return Phase.PENDING
    running = any((state.get("state") or {}).get("running") for state in _containers(pod))
    if running and said.reason in _LOADING:
        return Phase.CRASHING if ended_before(pod) else Phase.LOADING
    return Phase.STARTING


def placed(pod: Json) -> bool:
    """Whether it has a node."""
    return bool((pod.get("spec") or {}).get("nodeName"))


def ended_before(pod: Json) -> bool:
    """Whether a container of it has ended and was started again."""
    return any(int(state.get("restartCount") or 0) for state in _containers(pod))


def last_end(pod: Json) -> str:
    """How the last try of its container ended, in the cluster's words; empty for none."""
    ends = [(state.get("lastState") or {}).get("terminated") or {} for state in _containers(pod)]
    words = [(f"exit code {end.get('exitCode')}", end.get("reason"), end.get("message")) for end in ends if end]
    return "; ".join(": ".join(str(word) for word in each if word) for each in words)


def _containers(pod: Json) -> list[dict[str, Any]]:
    return list((pod.get("status") or {}).get("containerStatuses") or [])
