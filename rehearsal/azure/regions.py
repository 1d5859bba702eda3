"""What the simulated Azure offers in which region (`regions.yaml`), and which quotas it grants there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

TOTAL = "cores"
"""Name of the quota of all regular machines of a region."""
SPOT = "lowPriorityCores"
"""Name of the quota of all spot machines of a region."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True)


class Family(_Model):
    """A family of VM sizes.

    Attributes:
        usage: how usages spell its name, where that is not how the list of SKUs does.
        label: for people.
        sizes: the VM sizes in it.
    """

    usage: str = ""
    label: str
    sizes: tuple[str, ...]


class Restriction(_Model):
    """Where this subscription may not use a VM size: in some zones of a region, or nowhere in it."""

    zones: tuple[str, ...] = ()
    reason: Literal["NotAvailableForSubscription", "QuotaId"] = "NotAvailableForSubscription"


class PostgreSql(_Model):
    """What PostgreSQL offers in a region; `restricted` says why this subscription gets none."""

    restricted: str = ""
    zone_redundant: bool = True
    geo_backup: bool = True


class FoundryModel(_Model):
    """A model that can be deployed; `retires` is the day from which it serves nobody."""

    format: str
    name: str
    version: str
    sku: str
    retires: date

    @property
    def key(self) -> str:
        """As regions name it."""
        return f"{self.format}/{self.name}"


class Region(_Model):
    """One region; the head of the file explains each field."""

    label: str
    paired: str
    zones: tuple[str, ...]
    limits: Mapping[str, int]
    used: Mapping[str, int]
    postgresql: PostgreSql
    models: tuple[str, ...]
    without: tuple[str, ...] = ()
    restricted: Mapping[str, Restriction] = Field(default_factory=dict)
    absent: tuple[str, ...] = ()


class Regions(_Model):
    """The whole file."""

    families: Mapping[str, Family]
    models: tuple[FoundryModel, ...]
    regions: Mapping[str, Region]

    def family(self, size: str) -> str | None:
        """A VM size's family, as the list of SKUs spells it; None for a size that Azure doesn't have."""
        return next((name for name, family in self.families.items() if size in family.sizes), None)

    def usage(self, family: str) -> str:
        """A family's quota, as usages spell it."""
        return self.families[family].usage or family


@cache
def regions() -> Regions:
    """Everything, as the file says it."""
    content: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("regions.yaml").read_text(encoding="utf-8"))
    everywhere = content.pop("everywhere")
    content["regions"] = {name: _joined(everywhere, said) for name, said in content["regions"].items()}
    return Regions.model_validate(content)


def _joined(everywhere: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """A region's own words, over those for all; quotas are joined one by one."""
    quotas = {key: {**everywhere[key], **said.get(key, {})} for key in ("limits", "used")}
    return {**everywhere, **said, **quotas}
