"""What a host must have (`host_requirements.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from sdg.catalog.documents import CatalogModel, read

Part = Literal["service", "database", "redis", "operator", "object_store", "sidecar"]


class Bounds(CatalogModel):
    """The least that will do at all, where there is such a bound, and what is recommended."""

    least: PositiveInt | None = None
    recommended: PositiveInt


class Request(CatalogModel):
    """What a part's pods ask for together: CPUs and MiB."""

    cpu: PositiveFloat
    memory: PositiveInt


class HostRequirements(CatalogModel):
    """All of `host_requirements.yaml`.

    Attributes:
        snapd: the oldest version.
        disk: GB free in the user's home.
        memory: GB.
        ports: that MicroK8s listens on and that cannot be others.
        own_processes: of MicroK8s.
        answer_within: seconds for all questions together.
    """

    snapd: str = Field(pattern=r"^[0-9]+(\.[0-9]+)+$")
    disk: Bounds
    memory: Bounds
    cores: Bounds
    ports: tuple[PositiveInt, ...]
    own_processes: tuple[str, ...]
    requests: Mapping[Part, Request]
    answer_within: PositiveInt


@cache
def host_requirements() -> HostRequirements:
    """The requirements.

    Raises:
        pydantic.ValidationError: `host_requirements.yaml` breaks its schema.
    """
    return read("host_requirements.yaml", HostRequirements)
