"""The schema of an OSMO 6.3 workflow spec, as far as it is known: unknown keys are refused everywhere, as the service does."""

from __future__ import annotations

from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from sdg.spec.problem import Problem, SpecError

Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z]([a-zA-Z0-9_-]*[a-zA-Z0-9])?$")]
Quantity = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?(Ki|Mi|Gi|Ti|K|M|G|T|B|m)?$")]
Duration = Annotated[str, StringConstraints(pattern=r"^(\d+(d|h|m|s|ms|us)\s*)+$|^P.+$")] | float
Free = dict[str, Any]  # OSMO checks what is inside


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Resource(_Model):
    """What one task gets; memory and storage with a binary unit."""

    cpu: int = Field(default=1, ge=0)
    gpu: int = Field(default=0, ge=0)
    memory: Quantity | None = None
    storage: Quantity | None = None
    platform: str | None = None
    nodesExcluded: tuple[str, ...] = ()  # noqa: N815 (OSMO's key)
    topology: tuple[Free, ...] = ()


class Timeout(_Model):
    """Limits from which the service makes FAILED_EXEC_TIMEOUT and FAILED_QUEUE_TIMEOUT."""

    exec_timeout: Duration | None = None
    queue_timeout: Duration | None = None


class TaskSpec(_Model):
    """One container."""

    name: Name
    image: Annotated[str, StringConstraints(min_length=1)]
    command: Annotated[tuple[str, ...], Field(min_length=1)]
    args: tuple[str, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)
    files: tuple[Free, ...] = ()
    inputs: tuple[Free, ...] = ()
    outputs: tuple[Free, ...] = ()
    credentials: Free = Field(default_factory=dict)
    resource: str = "default"
    lead: bool = False
    exitActions: Free = Field(default_factory=dict)  # noqa: N815 (OSMO's key)
    checkpoint: tuple[Free, ...] = ()
    privileged: bool = False
    hostNetwork: bool = False  # noqa: N815 (OSMO's key)
    volumeMounts: tuple[Any, ...] = ()  # noqa: N815 (OSMO's key)
    downloadType: str | None = None  # noqa: N815 (OSMO's key)
    cacheSize: int | str | None = None  # noqa: N815 (OSMO's key)
    kpis: tuple[Free, ...] = ()
    backend: str | None = None


class Group(_Model):
    """Tasks that run together; the lead's end is the group's."""

    name: Name
    tasks: Annotated[tuple[TaskSpec, ...], Field(min_length=1)]
    barrier: bool = True
    ignoreNonleadStatus: bool = True  # noqa: N815 (OSMO's key)

    @model_validator(mode="after")
    def _one_lead(self) -> Self:
        if len(self.tasks) > 1 and sum(task.lead for task in self.tasks) != 1:
            raise ValueError(f"group {self.name} has {len(self.tasks)} tasks and needs exactly one with `lead: true`")
        return self


class WorkflowBody(_Model):
    """What runs: either tasks or groups of them."""

    name: Name
    pool: str | None = None
    tasks: tuple[TaskSpec, ...] = ()
    groups: tuple[Group, ...] = ()
    resources: dict[str, Resource] = Field(default_factory=dict)
    timeout: Timeout = Timeout()
    backend: str | None = None

    @model_validator(mode="after")
    def _runs_something(self) -> Self:
        if bool(self.tasks) == bool(self.groups):
            raise ValueError("a workflow has either tasks or groups")
        return self

    @model_validator(mode="after")
    def _names_and_resources(self) -> Self:
        tasks = [*self.tasks, *(task for group in self.groups for task in group.tasks)]
        unknown = sorted({task.resource for task in tasks} - set(self.resources) - {"default"})
        if unknown:
            raise ValueError(f"no resource profile named {', '.join(unknown)}; there are: {', '.join(sorted(self.resources)) or 'none'}")
        folded = [name.lower().replace("-", "_") for name in [*(task.name for task in tasks), *(group.name for group in self.groups)]]
        twice = sorted({name for name in folded if folded.count(name) > 1})
        if twice:
            raise ValueError(f"task and group names must differ in more than case and dashes: {', '.join(twice)}")
        return self


class WorkflowSpec(_Model):
    """A rendered spec: template variables are filled in."""

    workflow: WorkflowBody
    version: int = Field(default=2, ge=2, le=2)


def parse(text: str) -> WorkflowSpec:
    """Reads and judges the text of a spec; raises SpecError."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SpecError.of(f"the workflow spec is not valid YAML: {error}") from error
    try:
        return WorkflowSpec.model_validate(document)
    except ValidationError as error:
        raise SpecError(Problem(None, ".".join(map(str, each["loc"])), "", each["msg"]) for each in error.errors()) from error
