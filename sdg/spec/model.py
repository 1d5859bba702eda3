"""A valid workflow spec, typed."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sdg.spec import render, validate
from sdg.spec.problem import SpecError

Free = dict[str, Any]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Resource(_Model):
    """What one task gets; memory and storage with a binary unit."""

    cpu: int | None = 1
    gpu: int | None = 0
    memory: str | None = None
    storage: str | None = None
    platform: str | None = None
    nodesExcluded: tuple[str, ...] = ()  # noqa: N815 (OSMO's key)
    topology: tuple[Free, ...] = ()


class Timeout(_Model):
    """Limits from which the service makes FAILED_EXEC_TIMEOUT and FAILED_QUEUE_TIMEOUT."""

    exec_timeout: str | None = None
    queue_timeout: str | None = None


class TaskSpec(_Model):
    """One container."""

    name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...] = ()
    environment: Free = Field(default_factory=dict)
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
    volumeMounts: tuple[str, ...] = ()  # noqa: N815 (OSMO's key)
    downloadType: str | None = None  # noqa: N815 (OSMO's key)
    cacheSize: str | None = None  # noqa: N815 (OSMO's key)
    kpis: tuple[Free, ...] = ()
    backend: str | None = None


class Group(_Model):
    """Tasks that run together; the lead's end is the group's."""

    name: str
    tasks: tuple[TaskSpec, ...]
    barrier: bool = True
    ignoreNonleadStatus: bool = True  # noqa: N815 (OSMO's key)


class WorkflowBody(_Model):
    """What runs: either tasks or groups of them."""

    name: str
    pool: str | None = None
    tasks: tuple[TaskSpec, ...] = ()
    groups: tuple[Group, ...] = ()
    resources: dict[str, Resource] = Field(default_factory=dict)
    timeout: Timeout = Timeout()
    backend: str | None = None


class WorkflowSpec(_Model):
    """A rendered spec: template variables are filled in."""

    workflow: WorkflowBody
    version: int = 2


def parse(text: str) -> WorkflowSpec:
    """Reads a spec that needs no values but its own defaults.

    Raises:
        SpecError: OSMO 6.3 would refuse it; names every problem.
    """
    rendered = render.render(text)
    problems = validate.errors(validate.validate(rendered))
    if problems:
        raise SpecError(problems)
    return WorkflowSpec.model_validate(rendered.document)
