"""The workflow spec: its schema, strict at every level, with the service's own rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rehearsal.services.osmo.durations import parse_duration

NAME = r"^[a-zA-Z]([a-zA-Z0-9_-]*[a-zA-Z0-9])?$"
Name = Annotated[str, Field(pattern=NAME)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Timeout(_Strict):
    exec_timeout: Duration | None = None
    queue_timeout: Duration | None = None


class Topology(_Strict):
    key: str
    group: str = "default"
    requirementType: str = "required"  # noqa: N815 - the spec's name


class ResourceProfile(_Strict):
    """What a task asks for; 0 or absent means the pool's default."""

    cpu: int | None = None
    gpu: int | None = None
    memory: str | None = None
    storage: str | None = None
    platform: str | None = None
    nodesExcluded: list[str] = Field(default_factory=list)  # noqa: N815
    topology: list[Topology] = Field(default_factory=list)


class File(_Strict):
    path: str
    contents: str
    base64: bool = False


class TaskInput(_Strict):
    task: str
    regex: str = ""


class UrlData(_Strict):
    url: str
    regex: str = ""


class DatasetInput(_Strict):
    dataset: dict[str, Any]


class UpdateDataset(_Strict):
    update_dataset: dict[str, Any]


class Checkpoint(_Strict):
    path: str
    url: str
    frequency: Duration
    regex: str = ".*"


class Task(_Strict):
    name: Name
    image: str
    command: list[str] = Field(min_length=1)
    args: list[str] = Field(default_factory=list)
    environment: dict[str, str] = Field(default_factory=dict)
    files: list[File] = Field(default_factory=list)
    inputs: list[TaskInput | UrlData | DatasetInput] = Field(default_factory=list)
    outputs: list[UrlData | DatasetInput | UpdateDataset] = Field(default_factory=list)
    credentials: dict[str, str | dict[str, str]] = Field(default_factory=dict)
    resource: str = "default"
    lead: bool = False
    exitActions: dict[Literal["COMPLETE", "FAIL", "RESCHEDULE"], str | int] = Field(default_factory=dict)  # noqa: N815
    checkpoint: list[Checkpoint] = Field(default_factory=list)
    privileged: bool = False
    hostNetwork: bool = False  # noqa: N815
    volumeMounts: list[str] = Field(default_factory=list)  # noqa: N815
    downloadType: str | None = None  # noqa: N815
    cacheSize: str | None = None  # noqa: N815
    kpis: list[dict[str, Any]] = Field(default_factory=list)
    backend: str | None = None


class Group(_Strict):
    name: Name
    tasks: list[Task] = Field(min_length=1)
    barrier: bool = True
    ignoreNonleadStatus: bool = True  # noqa: N815

    @model_validator(mode="after")
    def _one_lead(self) -> Self:
        leads = sum(task.lead for task in self.tasks)
        if len(self.tasks) > 1 and leads != 1:
            raise ValueError(f"Group {self.name} needs exactly one lead task, but has {leads}.")
        return self


class Workflow(_Strict):
    name: Name
    pool: str | None = None
    tasks: list[Task] = Field(default_factory=list)
    groups: list[Group] = Field(default_factory=list)
    resources: dict[str, ResourceProfile] = Field(default_factory=dict)
    timeout: Timeout = Field(default_factory=Timeout)
    backend: str | None = None

    @model_validator(mode="after")
    def _tasks_or_groups(self) -> Self:
        if self.tasks and self.groups:
            raise ValueError("Workflows cannot have both tasks and groups.")
        if not self.tasks and not self.groups:
            raise ValueError("Workflows need to have at least one group or one task.")
        self._refuse_repeated_names()
        return self

    def _refuse_repeated_names(self) -> None:
        seen: set[str] = set()
        names = [task.name for task in self.tasks]
        names += [name for group in self.groups for name in (group.name, *(task.name for task in group.tasks))]
        for name in names:
            folded = name.lower().replace("-", "_")
            if folded in seen:
                raise ValueError(
                    f'Multiple tasks/groups have the same name: "{name}". Note that names are not case sensitive and we consider "-" and '
                    '"_" the same. For example, "Group_1" and "group-1" are considered the same name.'
                )
            seen.add(folded)

    def all_groups(self) -> list[Group]:
        """The groups; each plain task `t` is the lead of a group `t-group`."""
        if self.groups:
            return self.groups
        return [Group(name=f"{task.name}-group", tasks=[task.model_copy(update={"lead": True})]) for task in self.tasks]

    def all_tasks(self) -> list[Task]:
        return [task for group in self.all_groups() for task in group.tasks]


class VersionedWorkflowSpec(_Strict):
    """The whole document, after rendering. Its name is part of the service's error text."""

    version: Literal[2] = 2
    workflow: Workflow
