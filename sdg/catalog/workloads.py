"""Workloads that the catalog knows (`workloads.yaml`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Self

from pydantic import Field, model_validator

from sdg.catalog.capabilities import CapabilityNames
from sdg.catalog.documents import CatalogModel, read
from sdg.catalog.near import UnknownName
from sdg.catalog.nims import UnknownNim, nim


class UnknownWorkload(UnknownName):
    """A workload that the catalog doesn't hold; names the nearest ones."""

    what = "workload"


class UnknownFlow(UnknownName):
    """A flow that a workload doesn't have; names the nearest ones."""

    what = "flow"


class ContainerOnly(LookupError):
    """A workload that doesn't run on OSMO; says which recipe to follow instead."""

    def __init__(self, name: str, workload: ContainerWorkload, runnable: Mapping[str, object]) -> None:
        super().__init__(
            f"{name} ({workload.shows}) runs with containers or on a host of its own, not on OSMO, and needs nothing of this stack. "
            f"Follow {workload.recipe}: {workload.url}. On OSMO run: {', '.join(runnable)}."
        )


class Role(CatalogModel):
    """An endpoint that a flow calls; the comments of `workloads.yaml` say what each key means."""

    capabilities: CapabilityNames = Field(min_length=1)
    nim: str
    model: str | None = None
    model_variable: str | None = None
    request_path: str | None = Field(default=None, pattern=r"^/")
    suffix: str = "/v1"

    @model_validator(mode="after")
    def _its_nim_can_do_it(self) -> Self:
        try:
            known = nim(self.nim)
        except UnknownNim as error:
            raise ValueError(str(error)) from error
        lacks = [name for name in self.capabilities if name not in known.capabilities]
        if lacks:
            raise ValueError(f"{self.nim} cannot do {', '.join(lacks)}")
        if self.model not in (None, known.model) or self.request_path not in (None, known.request_path):
            raise ValueError(f"{self.nim} serves {known.model} at {known.request_path}, not {self.model} at {self.request_path}")
        return self


class Flow(CatalogModel):
    """One spec of a workload; the comments of `workloads.yaml` say what each key means."""

    shows: str
    path: str = Field(pattern=r"^[\w./-]+\.yaml$")
    required: tuple[str, ...] = ()
    endpoints: Mapping[str, Role]


class Workload(CatalogModel):
    """One workload that runs on OSMO; the comments of `workloads.yaml` say what each key means."""

    shows: str
    repository: str = Field(pattern=r"^https://github\.com/[\w.-]+/[\w.-]+$")
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    folder: str = Field(pattern=r"^[\w./-]+$")
    folder_variable: str | None = None
    default_flow: str
    flows: Mapping[str, Flow]

    @model_validator(mode="after")
    def _its_usual_flow_is_one(self) -> Self:
        if self.default_flow not in self.flows:
            raise ValueError(f"default_flow {self.default_flow} is none of {', '.join(self.flows)}")
        return self

    def flow(self, name: str | None = None) -> Flow:
        """One of its flows, the usual one for None.

        Raises:
            UnknownFlow: names the nearest ones.
        """
        name = name or self.default_flow
        if name not in self.flows:
            raise UnknownFlow(name, self.flows)
        return self.flows[name]

    def spec_path(self, flow: str | None = None) -> str:
        """Where the spec of a flow is in the repository.

        Raises:
            UnknownFlow: names the nearest ones.
        """
        return f"{self.folder}/{self.flow(flow).path}"


class ContainerWorkload(CatalogModel):
    """One that doesn't run on OSMO; the comments of `workloads.yaml` say what each key means."""

    shows: str
    recipe: str
    url: str = Field(pattern=r"^https://")


class Workloads(CatalogModel):
    """All of `workloads.yaml`."""

    workloads: Mapping[str, Workload]
    container_only: Mapping[str, ContainerWorkload]

    @model_validator(mode="after")
    def _names_are_told_once(self) -> Self:
        twice = sorted(set(self.workloads) & set(self.container_only))
        if twice:
            raise ValueError(f"both on OSMO and not: {', '.join(twice)}")
        return self


@cache
def _catalog() -> Workloads:
    return read("workloads.yaml", Workloads)


def workloads() -> Mapping[str, Workload]:
    """Every workload that runs on OSMO, by its name.

    Raises:
        pydantic.ValidationError: `workloads.yaml` breaks its schema.
    """
    return _catalog().workloads


def container_workloads() -> Mapping[str, ContainerWorkload]:
    """Every workload that doesn't run on OSMO, by its name."""
    return _catalog().container_only


def workload(name: str) -> Workload:
    """One workload.

    Raises:
        ContainerOnly: it doesn't run on OSMO; says what to do instead.
        UnknownWorkload: names the nearest known ones.
    """
    catalog = _catalog()
    if name in catalog.container_only:
        raise ContainerOnly(name, catalog.container_only[name], catalog.workloads)
    if name not in catalog.workloads:
        raise UnknownWorkload(name, (*catalog.workloads, *catalog.container_only))
    return catalog.workloads[name]


def specs() -> Iterator[tuple[str, str, str]]:
    """Name, flow and path in its repository, of every spec."""
    for name, known in workloads().items():
        for flow in known.flows:
            yield name, flow, known.spec_path(flow)
