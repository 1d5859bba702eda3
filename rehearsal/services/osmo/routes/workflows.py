"""Workflows: submit, query, list, cancel, restart."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from rehearsal.services.osmo.context import Service, ServiceDep
from rehearsal.services.osmo.errors import ErrorCode, OsmoError, not_found_workflow, user_error
from rehearsal.services.osmo.identity import Identity, IdentityDep
from rehearsal.services.osmo.records import Database, Priority, WorkflowRecord
from rehearsal.services.osmo.runner import WorkflowRunner
from rehearsal.services.osmo.states import TaskStatus, WorkflowStatus
from rehearsal.services.osmo.submission import Submission, dry_run, submit
from rehearsal.services.osmo.workflow_views import is_listed, task_row, task_view, workflow_row, workflow_view

router = APIRouter(prefix="/api")
JsonMap = dict[str, Any]
Names = Annotated[list[str], Query(default_factory=list)]
_MAX_LIMIT = 1000


class PriorityName(StrEnum):
    HIGH = "HIGH"
    NORMAL = "NORMAL"
    LOW = "LOW"


class Order(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


class SubmitBody(BaseModel):
    """What is posted to submit."""

    model_config = ConfigDict(extra="forbid")

    file: str
    set_variables: list[str] = Field(default_factory=list)
    set_string_variables: list[str] = Field(default_factory=list)
    uploaded_templated_spec: str | None = None


@router.post("/pool/{pool}/workflow")
def submit_workflow(
    *,
    request: Request,
    service: ServiceDep,
    identity: IdentityDep,
    pool: str,
    env_vars: Names,
    body: SubmitBody | None = None,
    dry_run_only: Annotated[bool, Query(alias="dry_run")] = False,
    validation_only: bool = False,
    priority: PriorityName = PriorityName.NORMAL,
    workflow_id: str | None = None,
    app_uuid: str | None = None,
    app_version: int | None = None,
) -> JsonMap:
    text, template = _text(service, body, workflow_id)
    submission = Submission(
        text=text,
        set_variables=body.set_variables if body else (),
        set_string_variables=body.set_string_variables if body else (),
        template=body.uploaded_templated_spec if body else template,
        priority=_priority(priority),
        env_vars=env_vars,
        app_uuid=app_uuid,
        app_version=app_version,
    )
    if dry_run_only:
        service.pool(service.configuration(), pool)
        return dry_run(submission)
    answer = submit(service, identity, pool, submission, validation_only=validation_only)
    _runner(request).wake()
    return answer


@router.post("/pool/{pool}/workflow/{workflow_id}/restart")
def restart_workflow(*, request: Request, service: ServiceDep, identity: IdentityDep, pool: str, workflow_id: str) -> JsonMap:
    with service.reading() as database:
        old = existing(database, workflow_id)
        if not old.status.failed:
            sentence = f"Restart can only be used on FAILED workflows: Workflow {old.name} has status {old.status!s}"
            raise OsmoError(ErrorCode.SUBMISSION, sentence.replace(f"status {old.status!s}", f"status WorkflowStatus.{old.status.name}"))
        submission = Submission(text=old.spec, template=old.template_spec, priority=old.priority, parent=old.model_copy(deep=True))
    answer = submit(service, identity, pool, submission, validation_only=False)
    _runner(request).wake()
    return answer


@router.get("/workflow")
def list_workflows(
    *,
    service: ServiceDep,
    identity: IdentityDep,
    users: Names,
    pools: Names,
    statuses: Annotated[list[WorkflowStatus], Query(default_factory=list)],
    tags: Names,
    priority: Annotated[list[PriorityName], Query(default_factory=list)],
    name: str = "",
    offset: int = 0,
    limit: int = 20,
    order: Order = Order.ASC,
    all_users: bool = False,
    all_pools: bool = False,
    submitted_before: datetime | None = None,
    submitted_after: datetime | None = None,
    app: str | None = None,
) -> JsonMap:
    if limit > _MAX_LIMIT:
        raise user_error(f"Limit must be less than {_MAX_LIMIT}.")
    configuration = service.configuration()
    with service.reading() as database:
        wanted_pools = None if all_pools else set(pools or [_default_pool(database, identity)])
        wanted_users = None if all_users else set(users or [identity.user])
        asked, priorities = set(statuses), {item.value for item in priority}
        found = [
            workflow
            for workflow in database.workflows
            if is_listed(workflow.status, asked)
            and (wanted_pools is None or workflow.pool in wanted_pools)
            and (wanted_users is None or workflow.submitted_by in wanted_users)
            and name in workflow.name
            and (not priorities or workflow.priority in priorities)
            and (submitted_before is None or workflow.submit_time < submitted_before)
            and (submitted_after is None or workflow.submit_time > submitted_after)
            and (app is None or _from_app(workflow, app))
            and not tags  # no workflow here ever gets a tag
        ]
        ordered = found if order is Order.ASC else found[::-1]
        page = ordered[offset : offset + limit]
        rows = [workflow_row(configuration.base_url, workflow) for workflow in page]
    return {"workflows": rows, "more_entries": len(ordered) > offset + limit}


@router.get("/workflow/{workflow_id}")
def get_workflow(*, service: ServiceDep, workflow_id: str, skip_groups: bool = False, verbose: bool = False) -> JsonMap:
    del verbose  # lists every retry; a simulated task is never retried
    base = service.configuration().base_url
    with service.reading() as database:
        return workflow_view(base, existing(database, workflow_id), groups=not skip_groups)


@router.post("/workflow/{workflow_id}/cancel")
def cancel_workflow(
    *, request: Request, service: ServiceDep, identity: IdentityDep, workflow_id: str, message: str | None = None, force: bool = False
) -> JsonMap:
    """Only notes the wish; the runner ends the tasks."""
    with service.writing() as database:
        workflow = existing(database, workflow_id)
        if workflow.status.terminal and not force:
            raise user_error(f"Workflow {workflow.name} is already finished.")
        if not workflow.status.terminal:
            workflow.cancelled_by, workflow.cancel_message = identity.user, message
    _runner(request).wake()
    return {"name": workflow.name}


@router.post("/workflow/{workflow_id}/tag")
def tag_workflow(*, service: ServiceDep, workflow_id: str, add: Names, remove: Names) -> None:
    allowed = service.configuration().workflow["workflow_info"]["tags"]
    with service.reading() as database:
        existing(database, workflow_id)
    if set(add + remove) - set(allowed):
        raise user_error(f"Invalid tag detected. Users can only set specified tags: {', '.join(allowed)}")


@router.get("/workflow/{workflow_id}/task/{task_name}")
def get_task(*, service: ServiceDep, workflow_id: str, task_name: str) -> JsonMap:
    with service.reading() as database:
        workflow = existing(database, workflow_id)
        task = workflow.task(task_name)
        if task is None:
            raise OsmoError(ErrorCode.DATABASE, f"Task {task_name} of workflow {workflow.name} is not found.")
        return task_view(workflow, task)


@router.get("/task")
def list_tasks(
    *,
    service: ServiceDep,
    identity: IdentityDep,
    users: Names,
    pools: Names,
    nodes: Names,
    statuses: Annotated[list[TaskStatus], Query(default_factory=list)],
    workflow_id: str | None = None,
    all_users: bool = False,
    all_pools: bool = False,
    offset: int = 0,
    limit: int = 20,
) -> JsonMap:
    base = service.configuration().base_url
    with service.reading() as database:
        anyone = all_users or (workflow_id is not None and not users)
        rows = [
            task_row(base, workflow, task)
            for workflow in database.workflows
            for _group, task in workflow.tasks()
            if (workflow_id is None or workflow.name == workflow_id)
            and (anyone or workflow.submitted_by in (users or [identity.user]))
            and (all_pools or not pools or workflow.pool in pools)
            and (not nodes or task.node_name in nodes)
            and (not statuses or task.status in statuses)
        ]
    return {"tasks": rows[offset : offset + limit]}


def existing(database: Database, workflow_id: str) -> WorkflowRecord:
    found = database.workflow(workflow_id)
    if found is None:
        raise not_found_workflow(workflow_id)
    return found


def _runner(request: Request) -> WorkflowRunner:
    runner: WorkflowRunner = request.app.state.runner
    return runner


def _text(service: Service, body: SubmitBody | None, workflow_id: str | None) -> tuple[str, str | None]:
    """The spec's text, and the template that belongs to it."""
    if body and workflow_id:
        raise OsmoError(ErrorCode.USAGE, "Either file contents or workflow ID can be provided, but not both.")
    if body:
        return body.file, None
    if not workflow_id:
        raise OsmoError(ErrorCode.USAGE, "Need to provide either file contents or workflow ID.")
    with service.reading() as database:
        old = existing(database, workflow_id)
        return old.spec, old.template_spec


def _priority(priority: PriorityName) -> Priority:
    return "HIGH" if priority is PriorityName.HIGH else "LOW" if priority is PriorityName.LOW else "NORMAL"


def _default_pool(database: Database, identity: Identity) -> str:
    user = database.users.get(identity.user)
    if user is None or not user.profile.pool:
        raise user_error("No pool selected!")
    return user.profile.pool


def _from_app(workflow: WorkflowRecord, app: str) -> bool:
    name, _, version = app.partition(":")
    return workflow.app_name == name and (not version or str(workflow.app_version) == version)
