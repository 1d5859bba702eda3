"""Logs, events and specs: text. While a workflow is alive, its logs and events do not end."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from rehearsal.services.osmo.context import Service, ServiceDep
from rehearsal.services.osmo.errors import ErrorCode, OsmoError, user_error
from rehearsal.services.osmo.records import LogLine, TaskRecord, WorkflowRecord
from rehearsal.services.osmo.routes.workflows import existing
from rehearsal.services.osmo.task_logs import event_line, log_line

router = APIRouter(prefix="/api/workflow/{workflow_id}")
_MEDIA = "text/plain; charset=us-ascii"
_POLL = 0.2  # seconds between looks at a live workflow

Lines = Callable[[WorkflowRecord], list[str]]


@dataclass(frozen=True, slots=True)
class _Filter:
    """Which lines the caller wants."""

    task_name: str | None
    retry_id: int | None = None
    pattern: re.Pattern[str] | None = None

    def tasks(self, workflow: WorkflowRecord) -> list[TaskRecord]:
        return [
            task
            for _group, task in workflow.tasks()
            if self.task_name in (None, task.name) and (self.retry_id is None or self.retry_id == task.retry_id)
        ]

    def logs(self, workflow: WorkflowRecord) -> list[str]:
        found = self._sorted(workflow, lambda task: [line for line in task.log if self.task_name is None or line.source is None])
        lines = [log_line(line, task) for line, task in found]
        return [line for line in lines if self.pattern is None or self.pattern.search(line)]

    def events(self, workflow: WorkflowRecord) -> list[str]:
        return [event_line(line, task) for line, task in self._sorted(workflow, lambda task: task.events)]

    def _sorted(self, workflow: WorkflowRecord, lines: Callable[[TaskRecord], Sequence[LogLine]]) -> list[tuple[LogLine, TaskRecord]]:
        found = [(line, task) for task in self.tasks(workflow) for line in lines(task)]
        return sorted(found, key=lambda pair: pair[0].time)


@router.get("/logs")
def get_logs(
    *,
    service: ServiceDep,
    workflow_id: str,
    last_n_lines: int | None = None,
    task_name: str | None = None,
    retry_id: int | None = None,
    query: str | None = None,
) -> Response:
    _check(service, workflow_id, task_name, last_n_lines)
    wanted = _Filter(task_name, retry_id, re.compile(query) if query else None)
    return _stream(service, workflow_id, wanted.logs, last_n_lines)


@router.get("/events")
def get_events(*, service: ServiceDep, workflow_id: str, task_name: str | None = None, retry_id: int | None = None) -> Response:
    _check(service, workflow_id, task_name, None)
    return _stream(service, workflow_id, _Filter(task_name, retry_id).events, None)


@router.get("/error_logs")
def get_error_logs(
    *, service: ServiceDep, workflow_id: str, task_name: str | None = None, retry_id: int | None = None, last_n_lines: int | None = None
) -> Response:
    _check(service, workflow_id, task_name, last_n_lines)
    base = service.configuration().base_url
    with service.reading() as database:
        workflow = existing(database, workflow_id)
        if task_name is None:
            return PlainTextResponse("Specify task for error logs.\n\n" + json.dumps(_error_urls(base, workflow), indent=4))
    return _stream(service, workflow_id, lambda found: _error_lines(found, _Filter(task_name, retry_id)), last_n_lines)


@router.get("/spec")
def get_spec(*, service: ServiceDep, workflow_id: str, use_template: bool = False) -> Response:
    with service.reading() as database:
        workflow = existing(database, workflow_id)
        return Response(workflow.template_spec if use_template else workflow.spec, media_type="application/yaml")


def _check(service: Service, workflow_id: str, task_name: str | None, last_n_lines: int | None) -> None:
    with service.reading() as database:
        workflow = existing(database, workflow_id)
        if last_n_lines is not None and last_n_lines <= 0:
            raise user_error("Users should specify positive value for flag -n.")
        if task_name is not None and workflow.task(task_name) is None:
            raise OsmoError(ErrorCode.DATABASE, f"Task {task_name} of workflow {workflow_id} is not found.")


def _stream(service: Service, workflow_id: str, lines: Lines, last_n_lines: int | None) -> StreamingResponse:
    headers = {"x-content-type-options": "nosniff"}
    return StreamingResponse(_follow(service, workflow_id, lines, last_n_lines), media_type=_MEDIA, headers=headers)


async def _follow(service: Service, workflow_id: str, lines: Lines, last_n_lines: int | None) -> AsyncIterator[bytes]:
    """What there is, then what comes, until the workflow is finished."""
    sent = 0
    while True:
        found, finished = await run_in_threadpool(_look, service, workflow_id, lines)
        if sent == 0 and last_n_lines:
            sent = max(0, len(found) - last_n_lines)
        if len(found) > sent:
            yield "".join(found[sent:]).encode()
            sent = len(found)
        if finished:
            return
        await asyncio.sleep(_POLL)


def _look(service: Service, workflow_id: str, lines: Lines) -> tuple[list[str], bool]:
    with service.reading() as database:
        workflow = database.workflow(workflow_id)
        return (lines(workflow), workflow.status.terminal) if workflow else ([], True)


def _error_urls(base: str, workflow: WorkflowRecord) -> dict[str, str | None]:
    url = f"{base}/api/workflow/{workflow.name}/error_logs"
    return {
        f"{task.name} retry-{task.retry_id}": f"{url}?task_name={task.name}&retry_id={task.retry_id}" if _has_errors(task) else None
        for _group, task in workflow.tasks()
    }


def _error_lines(workflow: WorkflowRecord, wanted: _Filter) -> list[str]:
    return [log_line(line, task) for task in wanted.tasks(workflow) if _has_errors(task) for line in task.log if line.source is None]


def _has_errors(task: TaskRecord) -> bool:
    return task.status.failed and bool(task.exit_code)
