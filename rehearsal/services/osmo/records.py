"""What the service stores: users, tokens, credentials, workflows. All of it lives in one database, and dies with its volume."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from rehearsal.services.osmo.states import TaskStatus, WorkflowStatus

Priority = Literal["HIGH", "NORMAL", "LOW"]


class RoleAssignment(BaseModel):
    role_name: str
    assigned_by: str
    assigned_at: datetime


class Profile(BaseModel):
    email_notification: bool = False
    slack_notification: bool = False
    bucket: str | None = None
    pool: str | None = None


class User(BaseModel):
    id: str
    created_at: datetime
    created_by: str
    roles: list[RoleAssignment] = Field(default_factory=list)
    profile: Profile = Field(default_factory=Profile)


class Token(BaseModel):
    """A personal access token; the secret itself is never kept."""

    user_name: str
    token_name: str
    digest: str
    expires_at: datetime
    description: str = ""
    roles: list[RoleAssignment] = Field(default_factory=list)


class Credential(BaseModel):
    """A stored credential without its values: what validation needs are the keys."""

    user_name: str
    cred_name: str
    cred_type: Literal["GENERIC", "REGISTRY", "DATA"]
    profile: str | None = None
    keys: list[str] = Field(default_factory=list)


class LogLine(BaseModel):
    """One line; `source` is set for lines of the platform itself."""

    time: datetime
    text: str
    source: str | None = None


class TaskRecord(BaseModel):
    """One task and the pod behind it."""

    name: str
    task_uuid: str
    pod_name: str
    lead: bool = True
    retry_id: int = 0
    status: TaskStatus = TaskStatus.WAITING
    failure_message: str | None = None
    exit_code: int | None = None
    processing_start_time: datetime | None = None
    scheduling_start_time: datetime | None = None
    initializing_start_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    pod_ip: str | None = None
    node_name: str | None = None
    cpu: int = 1
    memory: str = "1Gi"
    storage: str = "1Gi"
    gpu: int = 0
    platform: str = ""
    image: str = ""
    command: list[str] = Field(default_factory=list)
    environment: dict[str, str] = Field(default_factory=dict)
    log: list[LogLine] = Field(default_factory=list)
    events: list[LogLine] = Field(default_factory=list)
    forced: bool = False  # ended by a fault switch


class GroupRecord(BaseModel):
    """Tasks that start together; waits for the groups whose outputs it reads."""

    name: str
    status: TaskStatus = TaskStatus.SUBMITTING
    start_time: datetime | None = None
    end_time: datetime | None = None
    processing_start_time: datetime | None = None
    scheduling_start_time: datetime | None = None
    initializing_start_time: datetime | None = None
    upstream: list[str] = Field(default_factory=list)
    downstream: list[str] = Field(default_factory=list)
    ignore_nonlead_status: bool = True
    failure_message: str | None = None
    tasks: list[TaskRecord] = Field(default_factory=list)


class WorkflowRecord(BaseModel):
    """A workflow as submitted, and how far it is."""

    name: str
    spec_name: str
    job_id: int
    uuid: str
    submitted_by: str
    pool: str
    backend: str
    priority: Priority
    spec: str
    template_spec: str
    submit_time: datetime
    exec_timeout: float
    queue_timeout: float
    status: WorkflowStatus = WorkflowStatus.PENDING
    start_time: datetime | None = None
    end_time: datetime | None = None
    cancelled_by: str | None = None
    cancel_message: str | None = None
    parent_name: str | None = None
    parent_job_id: int | None = None
    app_owner: str | None = None
    app_name: str | None = None
    app_version: int | None = None
    pull_secret: str | None = None
    groups: list[GroupRecord] = Field(default_factory=list)

    def tasks(self) -> Iterator[tuple[GroupRecord, TaskRecord]]:
        return ((group, task) for group in self.groups for task in group.tasks)

    def task(self, name: str) -> TaskRecord | None:
        return next((task for _group, task in self.tasks() if task.name == name), None)


class AppVersion(BaseModel):
    version: int
    created_by: str
    created_date: datetime
    spec: str
    deleted: bool = False


class AppRecord(BaseModel):
    uuid: str
    name: str
    description: str
    created_date: datetime
    owner: str
    versions: list[AppVersion] = Field(default_factory=list)


class Database(BaseModel):
    """All of it, for one volume or one database of a server.

    Attributes:
        master_key: digest of the key that its rows are encrypted with.
        generation: major and minor version of the service that its tables are of.
    """

    users: dict[str, User] = Field(default_factory=dict)
    tokens: list[Token] = Field(default_factory=list)
    credentials: list[Credential] = Field(default_factory=list)
    counters: dict[str, int] = Field(default_factory=dict)
    workflows: list[WorkflowRecord] = Field(default_factory=list)
    apps: dict[str, AppRecord] = Field(default_factory=dict)
    backends: dict[str, dict[str, Any]] = Field(default_factory=dict)
    created_at: datetime | None = None
    master_key: str = ""
    generation: str = ""

    def workflow(self, name: str) -> WorkflowRecord | None:
        """By id or uuid."""
        return next((workflow for workflow in reversed(self.workflows) if name in (workflow.name, workflow.uuid)), None)

    def next_id(self, spec_name: str) -> int:
        self.counters[spec_name] = self.counters.get(spec_name, 0) + 1
        return self.counters[spec_name]


def digest(secret: str) -> str:
    """How a token's secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()
