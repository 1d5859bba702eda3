"""How a workflow moves on: one step, from what is stored and what its pods say. No threads here, and no waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from rehearsal.services.osmo import task_logs
from rehearsal.services.osmo.clock import now
from rehearsal.services.osmo.observation import Failure, Observation, Phase
from rehearsal.services.osmo.outcomes import Outcome
from rehearsal.services.osmo.records import GroupRecord, LogLine, TaskRecord, WorkflowRecord
from rehearsal.services.osmo.states import EXIT_CODES, TaskStatus, workflow_status

RUN_SECONDS = 0.2
"""How long a simulated container runs."""

_NOT_CREATED = (TaskStatus.SUBMITTING, TaskStatus.WAITING, TaskStatus.PROCESSING)
_REACHED = {Phase.INITIALIZING: TaskStatus.INITIALIZING, Phase.RUNNING: TaskStatus.RUNNING}


class Backend(Protocol):
    """What a step may ask of the cluster, and do there."""

    def online(self) -> bool:
        """Whether an operator would take the work."""
        ...

    def create(self, workflow: WorkflowRecord, group: GroupRecord) -> Failure | None:
        """Creates the pods of a group; a failure when the API server refuses."""
        ...

    def observe(self, task: TaskRecord) -> Observation | None:
        """What the task's pod says; None while nothing is known of it."""
        ...

    def remove(self, workflow: WorkflowRecord, task: TaskRecord) -> None:
        """Writes the pod's last status and deletes it."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one workflow.

    Attributes:
        outcome: what a fault switch says about a task.
    """

    backend: Backend
    outcome: Callable[[WorkflowRecord, TaskRecord], Outcome | None]

    def advance(self, workflow: WorkflowRecord) -> None:
        """Moves every group on as far as it goes."""
        for group in workflow.groups:
            if not group.status.terminal:
                self._advance_group(workflow, group)
        self._time_out(workflow)
        _sum_up(workflow)

    def _advance_group(self, workflow: WorkflowRecord, group: GroupRecord) -> None:
        if workflow.cancelled_by is not None:
            # without a message the sentence ends in a space, as recorded with one it goes on
            sentence = f"Task was canceled by user: {workflow.cancelled_by}. {workflow.cancel_message or ''}"
            self._end_group(workflow, group, Failure(TaskStatus.FAILED_CANCELED, sentence, None))
        elif group.status in _NOT_CREATED:
            self._start(workflow, group)
        else:
            for task in group.tasks:
                if not task.status.terminal:
                    self._advance_task(workflow, task)
            self._settle(workflow, group)

    def _start(self, workflow: WorkflowRecord, group: GroupRecord) -> None:
        upstream = [other.status for other in workflow.groups if other.name in group.upstream]
        if any(status.failed for status in upstream):
            failure = Failure(TaskStatus.FAILED_UPSTREAM, "Upstream group failed", EXIT_CODES[TaskStatus.FAILED_UPSTREAM])
            self._end_group(workflow, group, failure)
            return
        if not all(status is TaskStatus.COMPLETED for status in upstream):
            group.status = TaskStatus.WAITING
            return
        _enter(group, TaskStatus.PROCESSING)
        if self.backend.online():
            failure_to_create = self.backend.create(workflow, group)
            if failure_to_create:
                self._end_group(workflow, group, failure_to_create)
            else:
                _enter(group, TaskStatus.SCHEDULING)

    def _advance_task(self, workflow: WorkflowRecord, task: TaskRecord) -> None:
        seen = self.backend.observe(task)
        if seen is None:
            return
        task.node_name, task.pod_ip = seen.node or task.node_name, seen.ip or task.pod_ip
        outcome = self.outcome(workflow, task)
        if seen.failure:
            _fail(task, seen.failure)
        elif outcome and outcome.failure and seen.phase.value >= outcome.strikes_at.value:
            self._run_until(task, seen, outcome)
        else:
            self._follow(task, seen, outcome)

    def _follow(self, task: TaskRecord, seen: Observation, outcome: Outcome | None) -> None:
        status = _REACHED.get(seen.phase)
        if status and task.status is not status:
            _enter_task(task, status)
            if status is TaskStatus.RUNNING:
                task.log.extend(task_logs.started(task))
        if seen.phase is Phase.SUCCEEDED or _ran(task, outcome):
            task.log.extend(_lines(outcome))
            _complete(task)

    def _run_until(self, task: TaskRecord, seen: Observation, outcome: Outcome) -> None:
        """Lets a task that a switch names run its time, then fail."""
        if outcome.strikes_at is Phase.RUNNING:
            if task.status is not TaskStatus.RUNNING:
                self._follow(task, seen, None)
            if not _ran(task, outcome):
                return
        task.forced = True
        task.log.extend(_lines(outcome))
        if outcome.failure:
            _fail(task, outcome.failure)

    def _settle(self, workflow: WorkflowRecord, group: GroupRecord) -> None:
        """The group's status from its tasks'; it ends with its lead."""
        lead = next(task for task in group.tasks if task.lead)
        failed = [task for task in group.tasks if task.status.failed]
        decisive = lead if lead.status.terminal else next(iter(failed), None) if not group.ignore_nonlead_status else None
        if decisive and decisive.status.failed:
            failure = Failure(_of_group(decisive), decisive.failure_message or "", decisive.exit_code)
            self._end_group(workflow, group, failure)
        elif decisive and all(task.status.terminal for task in group.tasks if task.lead or not group.ignore_nonlead_status):
            self._complete_group(workflow, group)
        else:
            _enter(group, max((task.status for task in group.tasks if not task.status.terminal), key=_ORDER.index), tasks=False)

    def _complete_group(self, workflow: WorkflowRecord, group: GroupRecord) -> None:
        for task in group.tasks:
            if not task.status.terminal:
                _complete(task)
            self.backend.remove(workflow, task)
        group.status, group.end_time = TaskStatus.COMPLETED, now()

    def _end_group(self, workflow: WorkflowRecord, group: GroupRecord, failure: Failure) -> None:
        for task in group.tasks:
            created = task.scheduling_start_time is not None
            if not task.status.terminal:
                _fail(task, failure)
            if created:
                self.backend.remove(workflow, task)
        group.status, group.failure_message, group.end_time = failure.status, failure.message, now()

    def _time_out(self, workflow: WorkflowRecord) -> None:
        moment = now()
        for group in workflow.groups:
            if group.status.terminal:
                continue
            queued_since = group.processing_start_time or (moment if group.upstream else workflow.submit_time)
            if group.start_time and moment - group.start_time > timedelta(seconds=workflow.exec_timeout):
                sentence = f"Task ran longer than the set timeout of {workflow.exec_timeout:g} seconds"
                self._end_group(workflow, group, Failure(TaskStatus.FAILED_EXEC_TIMEOUT, sentence, None))
            elif not group.start_time and moment - queued_since > timedelta(seconds=workflow.queue_timeout):
                sentence = f"Task queued longer than the set timeout of {workflow.queue_timeout:g} seconds"
                self._end_group(workflow, group, Failure(TaskStatus.FAILED_QUEUE_TIMEOUT, sentence, None))


_ORDER = list(TaskStatus)


def next_deadline(workflow: WorkflowRecord) -> datetime | None:
    """When a running task of this workflow will have run its time."""
    return min(
        (
            task.start_time + timedelta(seconds=RUN_SECONDS)
            for _group, task in workflow.tasks()
            if task.start_time and not task.status.terminal
        ),
        default=None,
    )


def _sum_up(workflow: WorkflowRecord) -> None:
    workflow.status = workflow_status(group.status for group in workflow.groups)
    started = [group.start_time for group in workflow.groups if group.start_time]
    workflow.start_time = min(started, default=None)
    if workflow.status.terminal:
        workflow.end_time = max(group.end_time for group in workflow.groups if group.end_time)


def _enter(group: GroupRecord, status: TaskStatus, *, tasks: bool = True) -> None:
    """Moves a group, and with it its tasks, to a status; the first time is remembered."""
    if group.status is not status:
        group.status = status
        _remember(group, status)
    if tasks:
        for task in group.tasks:
            if task.status is not status:
                _enter_task(task, status)


def _enter_task(task: TaskRecord, status: TaskStatus) -> None:
    task.status = status
    _remember(task, status)


def _remember(record: GroupRecord | TaskRecord, status: TaskStatus) -> None:
    moment = now()
    if status is TaskStatus.PROCESSING:
        record.processing_start_time = record.processing_start_time or moment
    elif status is TaskStatus.SCHEDULING:
        record.scheduling_start_time = record.scheduling_start_time or moment
    elif status is TaskStatus.INITIALIZING:
        record.initializing_start_time = record.initializing_start_time or moment
    elif status is TaskStatus.RUNNING:
        record.start_time = record.start_time or moment


def _ran(task: TaskRecord, outcome: Outcome | None) -> bool:
    seconds = outcome.seconds if outcome and outcome.seconds is not None else RUN_SECONDS
    return task.start_time is not None and now() - task.start_time >= timedelta(seconds=seconds)


def _lines(outcome: Outcome | None) -> list[LogLine]:
    return [LogLine(time=now(), text=text) for text in outcome.log] if outcome else []


def _complete(task: TaskRecord) -> None:
    task.status, task.exit_code, task.end_time = TaskStatus.COMPLETED, 0, now()


def _fail(task: TaskRecord, failure: Failure) -> None:
    task.status, task.failure_message, task.exit_code, task.end_time = failure.status, failure.message, failure.exit_code, now()


def _of_group(task: TaskRecord) -> TaskStatus:
    """A group whose image cannot be pulled says plain FAILED, as recorded; a switch's status stands as it is."""
    return TaskStatus.FAILED if task.status is TaskStatus.FAILED_IMAGE_PULL and not task.forced else task.status
