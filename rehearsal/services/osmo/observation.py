"""What a task's Pod says about the task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rehearsal.api import Object
from rehearsal.services.osmo.states import EXIT_CODES, TaskStatus


class Phase(Enum):
    """How far the pod is, as the service sees it."""

    SCHEDULING = 1
    INITIALIZING = 2
    RUNNING = 3
    SUCCEEDED = 4
    FAILED = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """How a task ended badly."""

    status: TaskStatus
    message: str
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class Observation:
    phase: Phase
    node: str | None = None
    ip: str | None = None
    failure: Failure | None = None


_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_START = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_EVICTIONS = frozenset({"DeletionByTaintManager", "EvictionByEvictionAPI", "TerminationByKubelet"})


def observe(pod: Object, *, gone: bool = False) -> Observation:
    """The pod's phase, and its failure when there is one; `gone` means that somebody else removed it."""
    status = pod.get("status") or {}
    failure = _container_failure(status) or _phase_failure(status)
    if failure is None and (gone or pod["metadata"].get("deletionTimestamp")):
        failure = _removal(status)
    return Observation(
        phase=Phase.FAILED if failure else _phase(status, pod["spec"]),
        node=pod["spec"].get("nodeName"),
        ip=status.get("podIP"),
        failure=failure,
    )


def lost_node(node: str) -> Failure:
    return Failure(TaskStatus.FAILED_BACKEND_ERROR, f"Node {node} is gone", EXIT_CODES[TaskStatus.FAILED_BACKEND_ERROR])


def removed() -> Observation:
    """A pod that somebody else removed while nobody looked."""
    return Observation(Phase.FAILED, failure=_removal({}))


def refused(message: str) -> Failure:
    """The API server would not create the pod."""
    return Failure(TaskStatus.FAILED_BACKEND_ERROR, f"Could not create the pod: {message}", EXIT_CODES[TaskStatus.FAILED_BACKEND_ERROR])


def _phase(status: Mapping[str, Any], spec: Mapping[str, Any]) -> Phase:
    if status.get("phase") == "Succeeded":
        return Phase.SUCCEEDED
    if status.get("phase") == "Running":
        return Phase.RUNNING
    return Phase.INITIALIZING if spec.get("nodeName") else Phase.SCHEDULING


def _container_failure(status: Mapping[str, Any]) -> Failure | None:
    for state, last in _states(status):
        reason = (state.get("waiting") or {}).get("reason")
        if reason in _IMAGE:
            return Failure(TaskStatus.FAILED_IMAGE_PULL, "ErrImagePull" if reason == "ImagePullBackOff" else str(reason), None)
        if reason in _START:
            message = state["waiting"].get("message") or reason
            return Failure(TaskStatus.FAILED_START_ERROR, str(message), EXIT_CODES[TaskStatus.FAILED_START_ERROR])
        ended = state.get("terminated") or (last.get("terminated") if reason == "CrashLoopBackOff" else None)
        if ended and ended.get("exitCode"):
            return _exited(int(ended["exitCode"]))
        if reason == "CrashLoopBackOff":
            return _exited(1)
    return None


def _states(status: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        yield container.get("state") or {}, container.get("lastState") or {}


def _phase_failure(status: Mapping[str, Any]) -> Failure | None:
    if status.get("phase") != "Failed":
        return None
    if status.get("reason") == "Evicted":
        return _of(TaskStatus.FAILED_EVICTED, status.get("message") or "Pod was evicted")
    return _removal(status) if _disruption(status) else _exited(1)


def _removal(status: Mapping[str, Any]) -> Failure:
    disruption = _disruption(status)
    reason = (disruption or {}).get("reason")
    if reason == "PreemptionByScheduler":
        return _of(TaskStatus.FAILED_PREEMPTED, str((disruption or {}).get("message") or "Pod was preempted"))
    if reason in _EVICTIONS:
        return _of(TaskStatus.FAILED_EVICTED, str((disruption or {}).get("message") or "Pod was evicted"))
    return _of(TaskStatus.FAILED_BACKEND_ERROR, str((disruption or {}).get("message") or "Pod was deleted"))


def _disruption(status: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((condition for condition in status.get("conditions") or [] if condition["type"] == "DisruptionTarget"), None)


def _of(status: TaskStatus, message: str) -> Failure:
    return Failure(status, message, EXIT_CODES.get(status))


def _exited(code: int) -> Failure:
    return Failure(TaskStatus.FAILED, f"Exited with code {code}", code)
