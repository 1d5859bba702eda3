"""Statuses of workflows, groups and tasks, and how the smaller make the larger."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class WorkflowStatus(StrEnum):
    """In the order in which the service lists them."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    FAILED_SUBMISSION = "FAILED_SUBMISSION"
    FAILED_SERVER_ERROR = "FAILED_SERVER_ERROR"
    FAILED_EXEC_TIMEOUT = "FAILED_EXEC_TIMEOUT"
    FAILED_QUEUE_TIMEOUT = "FAILED_QUEUE_TIMEOUT"
    FAILED_CANCELED = "FAILED_CANCELED"
    FAILED_BACKEND_ERROR = "FAILED_BACKEND_ERROR"
    FAILED_IMAGE_PULL = "FAILED_IMAGE_PULL"
    FAILED_EVICTED = "FAILED_EVICTED"
    FAILED_START_ERROR = "FAILED_START_ERROR"
    FAILED_START_TIMEOUT = "FAILED_START_TIMEOUT"
    FAILED_PREEMPTED = "FAILED_PREEMPTED"

    @property
    def terminal(self) -> bool:
        return self not in (WorkflowStatus.PENDING, WorkflowStatus.RUNNING, WorkflowStatus.WAITING)

    @property
    def failed(self) -> bool:
        return self.terminal and self is not WorkflowStatus.COMPLETED


class TaskStatus(StrEnum):
    """Of tasks and of groups."""

    SUBMITTING = "SUBMITTING"
    WAITING = "WAITING"
    PROCESSING = "PROCESSING"
    SCHEDULING = "SCHEDULING"
    INITIALIZING = "INITIALIZING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    RESCHEDULED = "RESCHEDULED"
    FAILED = "FAILED"
    FAILED_CANCELED = "FAILED_CANCELED"
    FAILED_SERVER_ERROR = "FAILED_SERVER_ERROR"
    FAILED_BACKEND_ERROR = "FAILED_BACKEND_ERROR"
    FAILED_EXEC_TIMEOUT = "FAILED_EXEC_TIMEOUT"
    FAILED_QUEUE_TIMEOUT = "FAILED_QUEUE_TIMEOUT"
    FAILED_IMAGE_PULL = "FAILED_IMAGE_PULL"
    FAILED_UPSTREAM = "FAILED_UPSTREAM"
    FAILED_EVICTED = "FAILED_EVICTED"
    FAILED_START_ERROR = "FAILED_START_ERROR"
    FAILED_START_TIMEOUT = "FAILED_START_TIMEOUT"
    FAILED_PREEMPTED = "FAILED_PREEMPTED"

    @property
    def terminal(self) -> bool:
        return self is TaskStatus.COMPLETED or self.failed

    @property
    def failed(self) -> bool:
        return self.startswith("FAILED")


EXIT_CODES: dict[TaskStatus, int] = {
    TaskStatus.FAILED_UPSTREAM: 3000,
    TaskStatus.FAILED_BACKEND_ERROR: 3001,
    TaskStatus.FAILED_SERVER_ERROR: 3002,
    TaskStatus.FAILED_START_ERROR: 3003,
    TaskStatus.FAILED_EVICTED: 3004,
    TaskStatus.FAILED_START_TIMEOUT: 3005,
    TaskStatus.FAILED_PREEMPTED: 3006,
}
"""Exit codes that the service itself gives; they never come from a container."""

_FIRST = (TaskStatus.FAILED_CANCELED, TaskStatus.FAILED_SERVER_ERROR, TaskStatus.FAILED_EXEC_TIMEOUT, TaskStatus.FAILED_QUEUE_TIMEOUT)


def workflow_status(groups: Iterable[TaskStatus]) -> WorkflowStatus:
    """A workflow is pending until its first group runs, then runs until all are finished, and fails as its groups agree."""
    statuses = list(groups)
    if any(not status.terminal for status in statuses):
        # recorded: between two groups it runs, too
        started = any(status is TaskStatus.RUNNING or status.terminal for status in statuses)
        return WorkflowStatus.RUNNING if started else WorkflowStatus.PENDING
    failures = {status for status in statuses if status.failed and status is not TaskStatus.FAILED_UPSTREAM}
    for status in _FIRST:
        if status in failures:
            return WorkflowStatus(status.value)
    if not failures:
        return WorkflowStatus.COMPLETED
    return WorkflowStatus(failures.pop().value) if len(failures) == 1 else WorkflowStatus.FAILED
