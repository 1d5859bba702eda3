"""From a posted spec to a stored workflow."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from rehearsal.services.osmo.assertions import Request
from rehearsal.services.osmo.clock import now
from rehearsal.services.osmo.configuration import Configuration, Pool
from rehearsal.services.osmo.context import Service
from rehearsal.services.osmo.durations import parse_duration
from rehearsal.services.osmo.errors import ErrorCode, OsmoError
from rehearsal.services.osmo.identity import Identity
from rehearsal.services.osmo.outcomes import refuses_submission
from rehearsal.services.osmo.records import AppRecord, Database, GroupRecord, Priority, TaskRecord, WorkflowRecord
from rehearsal.services.osmo.spec import Group, Task, TaskInput, VersionedWorkflowSpec
from rehearsal.services.osmo.states import TaskStatus, WorkflowStatus
from rehearsal.services.osmo.templating import dump, normalized, render_spec, spec_name
from rehearsal.services.osmo.validation import Circumstances, RejectedError, validate
from rehearsal.services.osmo.workflow_views import submit_view

JsonMap = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Submission:
    """What a caller posts.

    Attributes:
        text: the spec, possibly a template.
        template: the original of a spec that the caller rendered, to be given back later.
    """

    text: str
    set_variables: Sequence[str] = ()
    set_string_variables: Sequence[str] = ()
    template: str | None = None
    priority: Priority = "NORMAL"
    env_vars: Sequence[str] = ()
    app_uuid: str | None = None
    app_version: int | None = None
    parent: WorkflowRecord | None = field(default=None)


def dry_run(submission: Submission) -> JsonMap:
    """Only renders."""
    document = render_spec(submission.text, submission.set_variables, submission.set_string_variables)
    return _answer(spec_name(document), spec=dump(document))


def submit(service: Service, identity: Identity, pool_name: str, submission: Submission, *, validation_only: bool) -> JsonMap:
    """Validates, and unless told otherwise stores the workflow for the runner.

    Raises:
        OsmoError: refused; some refusals leave a workflow that failed at submission.
    """
    configuration = service.configuration()
    pool = service.pool(configuration, pool_name)
    environment = dict(map(_variable, submission.env_vars))
    document = render_spec(submission.text, submission.set_variables, submission.set_string_variables)
    nodes = service.nodes(configuration)
    with service.writing() as database:
        intake = _Intake(configuration, pool, identity, submission, database, document)
        try:
            spec, requests = validate(document, _circumstances(service, intake, nodes))
        except RejectedError as error:
            intake.store_refused()
            raise error.refusal from error
        if validation_only:
            return _answer(spec.workflow.name, logs="Workflow validation succeeded.")
        if message := refuses_submission(service.faults, spec.workflow.name):
            intake.store_refused()
            raise OsmoError(ErrorCode.USAGE, message, workflow_id=spec.workflow.name)
        return submit_view(configuration.base_url, intake.store(spec, requests, environment))


def _circumstances(service: Service, intake: _Intake, nodes: Sequence[Any]) -> Circumstances:
    registries = service.faults.get("osmo.registry") or {}
    return Circumstances(
        configuration=intake.configuration,
        pool=intake.pool,
        nodes=nodes,
        credentials=[credential for credential in intake.database.credentials if credential.user_name == intake.identity.user],
        is_admin=intake.identity.is_admin,
        priority=intake.submission.priority,
        unreachable_registries=registries.get("unreachable") or (),
    )


@dataclass(frozen=True, slots=True)
class _Intake:
    """One submission on its way into the database."""

    configuration: Configuration
    pool: Pool
    identity: Identity
    submission: Submission
    database: Database
    document: Mapping[str, Any]

    def store(self, spec: VersionedWorkflowSpec, requests: Mapping[str, Request], environment: Mapping[str, str]) -> WorkflowRecord:
        workflow = self._row(spec.workflow.name, normalized(self.document, self.pool.default_platform or "", environment))
        workflow.exec_timeout = self._seconds("exec_timeout", spec.workflow.timeout.exec_timeout)
        workflow.queue_timeout = self._seconds("queue_timeout", spec.workflow.timeout.queue_timeout)
        workflow.groups = _groups(workflow.uuid, spec.workflow.all_groups(), requests, environment)
        if self.submission.parent:
            carry_over(workflow, self.submission.parent)
        self.database.workflows.append(workflow)
        return workflow

    def store_refused(self) -> None:
        """Keeps a refused submission: it used up an id."""
        name = spec_name(self.document)
        if name is None:
            return
        workflow = self._row(name, dump(self.document))
        workflow.status = WorkflowStatus.FAILED_SUBMISSION
        workflow.start_time = workflow.end_time = workflow.submit_time
        self.database.workflows.append(workflow)

    def _row(self, name: str, spec: str) -> WorkflowRecord:
        job_id, app, parent = self.database.next_id(name), self._app(), self.submission.parent
        return WorkflowRecord(
            name=f"{name}-{job_id}",
            spec_name=name,
            job_id=job_id,
            uuid=uuid.uuid4().hex,
            submitted_by=self.identity.user,
            pool=self.pool.name,
            backend=self.pool.backend,
            priority=self.submission.priority,
            spec=spec,
            template_spec=self.submission.template or spec,
            submit_time=now(),
            exec_timeout=self._seconds("exec_timeout", None),
            queue_timeout=self._seconds("queue_timeout", None),
            app_owner=app.owner if app else None,
            app_name=app.name if app else None,
            app_version=self.submission.app_version if app else None,
            parent_name=parent.spec_name if parent else None,
            parent_job_id=parent.job_id if parent else None,
        )

    def _app(self) -> AppRecord | None:
        return next((app for app in self.database.apps.values() if app.uuid == self.submission.app_uuid), None)

    def _seconds(self, name: str, asked: timedelta | None) -> float:
        """A timeout: what the spec asks for, cut at the maximum without a word."""
        workflow = self.configuration.workflow
        default = getattr(self.pool, f"default_{name}") or workflow[f"default_{name}"]
        maximum = getattr(self.pool, f"max_{name}") or workflow[f"max_{name}"]
        return min(asked or parse_duration(default), parse_duration(maximum)).total_seconds()


def carry_over(workflow: WorkflowRecord, parent: WorkflowRecord) -> None:
    """Takes over what was completed in the workflow that is restarted."""
    done = {group.name: group for group in parent.groups if group.status is TaskStatus.COMPLETED}
    workflow.groups = [done.get(group.name, group) for group in workflow.groups]


def _groups(
    workflow_uuid: str, groups: Sequence[Group], requests: Mapping[str, Request], environment: Mapping[str, str]
) -> list[GroupRecord]:
    home = {task.name: group.name for group in groups for task in group.tasks}
    upstream = {
        group.name: sorted(
            {home[source.task] for task in group.tasks for source in task.inputs if isinstance(source, TaskInput)} - {group.name}
        )
        for group in groups
    }
    return [
        GroupRecord(
            name=group.name,
            status=TaskStatus.WAITING if upstream[group.name] else TaskStatus.SUBMITTING,
            upstream=upstream[group.name],
            downstream=sorted(name for name, needed in upstream.items() if group.name in needed),
            ignore_nonlead_status=group.ignoreNonleadStatus,
            tasks=_tasks(workflow_uuid, group, requests, environment),
        )
        for group in groups
    ]


def _tasks(workflow_uuid: str, group: Group, requests: Mapping[str, Request], environment: Mapping[str, str]) -> list[TaskRecord]:
    alone = len(group.tasks) == 1
    return [_task(workflow_uuid, task, requests[task.name], environment, lead=task.lead or alone) for task in group.tasks]


def _task(workflow_uuid: str, task: Task, request: Request, environment: Mapping[str, str], *, lead: bool) -> TaskRecord:
    task_uuid = uuid.uuid4().hex
    return TaskRecord(
        name=task.name,
        task_uuid=task_uuid,
        pod_name=f"{workflow_uuid[:16]}-{task_uuid[:16]}",
        lead=lead,
        cpu=request.cpu,
        memory=request.memory,
        storage=request.storage,
        gpu=request.gpu,
        platform=request.platform,
        image=task.image,
        command=[*task.command, *task.args],
        environment={**task.environment, **environment},
    )


def _variable(text: str) -> tuple[str, str]:
    """`KEY=VALUE`; what follows a second `=` is lost, as in the real service."""
    name, separator, value = text.partition("=")
    if not separator:
        raise OsmoError(ErrorCode.USAGE, f"Environment variable {text} is incorrectly formatted")
    return name, value.partition("=")[0]


def _answer(name: str | None, *, logs: str | None = None, spec: str | None = None) -> JsonMap:
    return {"name": name, "overview": None, "logs": logs, "spec": spec, "dashboard_url": None}
