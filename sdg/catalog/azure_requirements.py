"""What a stack needs of an Azure subscription and region (`azure_requirements.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal

from pydantic import Field

from sdg.catalog.documents import CatalogModel, read

Part = Literal[
    "cluster",
    "local-accounts",
    "nat",
    "endpoints",
    "database",
    "redis",
    "storage",
    "file-shares",
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


@cache
def azure_requirements() -> AzureRequirements:
    """What parts need.

    Raises:
        pydantic.ValidationError: `azure_requirements.yaml` breaks its schema.
    """
    return read("azure_requirements.yaml", AzureRequirements)
