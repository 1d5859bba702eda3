"""What a stack needs of an Azure subscription and region (`azure_requirements.yaml`), and the models of Foundry (`foundry_models.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal

from pydantic import Field, RootModel

from sdg.catalog.documents import CatalogModel, read

Part = Literal[
    "cluster",
    "local-accounts",
    "nat",
    "endpoints",
    "database",
    "redis",
    "storage",
    "storage-key",
    "workload-identity",
    "key-vault",
    "logs",
    "metrics",
    "grafana",
    "foundry",
]


class PartNeeds(CatalogModel):
    """What one part needs; the comments of `azure_requirements.yaml` say what each key means."""

    namespaces: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()


class RoleFor(CatalogModel):
    """A role that allows every action that a pattern matches."""

    actions: str
    role: str


class SoldOut(CatalogModel):
    """Sizes that could not be had somewhere.

    Attributes:
        seen: when.
        worked: sizes that could be had there that day.
    """

    region: str
    sizes: tuple[str, ...]
    seen: date
    worked: tuple[str, ...]


class RedisCapacity(CatalogModel):
    """What is known of Redis' capacity."""

    sold_out: tuple[SoldOut, ...]


class AzureRequirements(CatalogModel):
    """All of `azure_requirements.yaml`."""

    parts: Mapping[Part, PartNeeds]
    roles: tuple[RoleFor, ...]
    redis: RedisCapacity
    regions: tuple[str, ...] = Field(min_length=1)

    def role(self, action: str) -> str:
        """The role that allows an action."""
        return next(known.role for known in self.roles if fnmatchcase(action.casefold(), known.actions.casefold()))


class FoundryModel(CatalogModel):
    """One model.

    Attributes:
        id: its place in a registry.
        retired: the day from which nothing answers; None when none is known.
        successor: what is named instead.
        regions: where it is offered; empty when that is not known.
    """

    id: str = Field(pattern=r"^azureml://registries/[\w-]+/models/[\w.-]+$")
    retired: date | None = None
    successor: str | None = None
    regions: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As a region's list of models spells it."""
        return self.id.rpartition("/")[2]


class _FoundryModels(RootModel[Mapping[str, FoundryModel]]):
    """All of `foundry_models.yaml`."""


@cache
def azure_requirements() -> AzureRequirements:
    """What parts need.

    Raises:
        pydantic.ValidationError: `azure_requirements.yaml` breaks its schema.
    """
    return read("azure_requirements.yaml", AzureRequirements)


@cache
def foundry_models() -> Mapping[str, FoundryModel]:
    """Foundry's models by the names that they are called by here.

    Raises:
        pydantic.ValidationError: `foundry_models.yaml` breaks its schema.
    """
    return read("foundry_models.yaml", _FoundryModels).root
