"""The fault switch `osmo.outcome`: a named workflow ends as the switch says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rehearsal.services.osmo.observation import Failure, Phase
from rehearsal.services.osmo.records import TaskRecord, WorkflowRecord
from rehearsal.services.osmo.states import EXIT_CODES, TaskStatus

SWITCH = "osmo.outcome"
SUBMISSION = "FAILED_SUBMISSION"


class Faults(Protocol):
    """The rehearsal's fault switches: name → fields while set."""

    def get(self, name: str) -> dict[str, Any] | None: ...


_MESSAGES = {
    TaskStatus.FAILED_CANCELED: "Task was canceled by user: admin. ",
    TaskStatus.FAILED_SERVER_ERROR: "Internal server error",
    TaskStatus.FAILED_BACKEND_ERROR: "Backend error",
    TaskStatus.FAILED_EXEC_TIMEOUT: "Task ran longer than the set timeout",
    TaskStatus.FAILED_QUEUE_TIMEOUT: "Task queued longer than the set timeout",
    TaskStatus.FAILED_IMAGE_PULL: "ErrImagePull",
    TaskStatus.FAILED_EVICTED: "Pod was evicted",
    TaskStatus.FAILED_START_ERROR: "CreateContainerError",
    TaskStatus.FAILED_START_TIMEOUT: "Task took too long to start",
    TaskStatus.FAILED_PREEMPTED: "Pod was preempted",
}
_STRIKES_AT = {
    TaskStatus.FAILED_QUEUE_TIMEOUT: Phase.SCHEDULING,
    TaskStatus.FAILED_BACKEND_ERROR: Phase.SCHEDULING,
    TaskStatus.FAILED_SERVER_ERROR: Phase.SCHEDULING,
    TaskStatus.FAILED_IMAGE_PULL: Phase.INITIALIZING,
    TaskStatus.FAILED_START_ERROR: Phase.INITIALIZING,
    TaskStatus.FAILED_START_TIMEOUT: Phase.INITIALIZING,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task is made to end.

    Attributes:
        strikes_at: the phase from which on it happens; the others happen to a running task.
        seconds: how long the task runs first.
    """

    failure: Failure | None
    log: list[str] = field(default_factory=list)
    seconds: float | None = None

    @property
    def strikes_at(self) -> Phase:
        return _STRIKES_AT.get(self.failure.status, Phase.RUNNING) if self.failure else Phase.RUNNING


def outcome_of(faults: Faults, workflow: WorkflowRecord, task: TaskRecord) -> Outcome | None:
    """What the switch says about this task; None when it does not name it."""
    switch = faults.get(SWITCH)
    if not switch or not names(switch, workflow.spec_name, workflow.name) or switch.get("task") not in (None, task.name):
        return None
    if switch.get("status", "FAILED") not in set(TaskStatus):
        return None  # a failed submission, which never gets as far as a task
    status = TaskStatus(switch.get("status", "FAILED"))
    log, seconds = [str(line) for line in switch.get("log") or []], switch.get("seconds")
    if status is TaskStatus.COMPLETED:
        return Outcome(None, log, seconds)
    code = switch.get("exitCode", EXIT_CODES.get(status, 1 if status is TaskStatus.FAILED else None))
    message = switch.get("message") or _MESSAGES.get(status) or f"Exited with code {code}"
    return Outcome(Failure(status, str(message), code), log, seconds)


def refuses_submission(faults: Faults, spec_name: str) -> str | None:
    """The message with which the switch makes a submission fail."""
    switch = faults.get(SWITCH)
    if not switch or switch.get("status") != SUBMISSION or not names(switch, spec_name):
        return None
    lines = [str(line) for line in switch.get("log") or []]
    return "\n".join([str(switch.get("message") or f"Simulated: workflow {spec_name} ends as {SUBMISSION}"), *lines])


def names(switch: Mapping[str, Any], *candidates: str) -> bool:
    """Whether the switch is meant for a workflow of one of these names; without a name it is meant for all."""
    return switch.get("workflow") in (None, *candidates)
