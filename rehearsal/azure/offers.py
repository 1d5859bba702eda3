"""What a region offers just now: what `regions.yaml` says, and what fault switches make of it."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from rehearsal.azure.regions import FoundryModel, Region, Restriction, regions
from rehearsal.faults import Faults
from sdg.catalog.versions import versions

PATCHES = (1, 3)
"""Of every minor version of Kubernetes. Which ones there are changes monthly."""


class _Switch(BaseModel):
    """Base: a switch of the wrong shape would prove nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True)

    location: str = ""

    def concerns(self, location: str) -> bool:
        """Whether a region is meant: the one that is named, or every one."""
        return self.location in {"", location}


Switch = TypeVar("Switch", bound=_Switch)


class QuotaSwitch(_Switch):
    """`azure.quota`: another limit of a family, or of `cores` or `lowPriorityCores`; in vCPUs."""

    family: str
    limit: int


class SkuSwitch(_Switch):
    """`azure.sku`: a size that this subscription may not use, or (`absent`) that a region doesn't have."""

    size: str
    zones: tuple[str, ...] = ()
    reason: str = "NotAvailableForSubscription"
    absent: bool = False


class PostgreSqlSwitch(_Switch):
    """`azure.postgresql`: no server for this subscription."""

    reason: str = "Provisioning is restricted in this region. Please choose a different region."


class RedisSwitch(_Switch):
    """`azure.redis`: no Managed Redis in a region."""


class ModelSwitch(_Switch):
    """`azure.model`: a model (`FORMAT/NAME`) that a region doesn't have; with `retires`, one that serves nobody from that day on."""

    model: str
    retires: str = ""


class KubernetesSwitch(_Switch):
    """`azure.kubernetes`: minor versions that AKS doesn't offer."""

    without: tuple[str, ...]


REDIS = "Microsoft.Cache/redisEnterprise"


class Offers:
    """What is offered where.

    Args:
        faults: the switches.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def region(self, name: str) -> Region | None:
        """One region; None for one that Azure doesn't have."""
        found = regions().regions.get(name.replace(" ", "").lower())
        return found and found.model_copy(update=self._changed(name.replace(" ", "").lower(), found))

    def names(self) -> tuple[str, ...]:
        """Every region."""
        return tuple(regions().regions)

    def kubernetes(self, location: str) -> dict[str, tuple[str, ...]]:
        """The minor versions that AKS offers in a region, with their support plans; oldest first."""
        aks, switch = versions().aks, self._switch("azure.kubernetes", KubernetesSwitch)
        without = switch.without if switch and switch.concerns(location) else ()
        found = {minor: _plans(minor) for minor in sorted({*aks.lts, aks.oldest, aks.kubernetes, _next(aks.kubernetes)}, key=_number)}
        return {minor: plans for minor, plans in found.items() if minor not in without}

    def models(self, location: str) -> list[FoundryModel]:
        """The models that a region has."""
        region, switch = self.region(location), self._switch("azure.model", ModelSwitch)
        found = [model for model in regions().models if region and model.key in region.models]
        if switch is None or not switch.retires or not switch.concerns(location):
            return found
        return [
            FoundryModel.model_validate({**model.model_dump(), "retires": switch.retires}) if model.key == switch.model else model
            for model in found
        ]

    def _changed(self, name: str, region: Region) -> dict[str, Any]:
        changed: dict[str, Any] = {}
        if (quota := self._switch("azure.quota", QuotaSwitch)) and quota.concerns(name):
            changed["limits"] = {**region.limits, quota.family: quota.limit}
        if (sku := self._switch("azure.sku", SkuSwitch)) and sku.concerns(name):
            if sku.absent:
                changed["without"] = (*region.without, sku.size)
            else:
                restriction = Restriction.model_validate({"zones": sku.zones, "reason": sku.reason})
                changed["restricted"] = {**region.restricted, sku.size: restriction}
        if (postgresql := self._switch("azure.postgresql", PostgreSqlSwitch)) and postgresql.concerns(name):
            changed["postgresql"] = region.postgresql.model_copy(update={"restricted": postgresql.reason})
        if (redis := self._switch("azure.redis", RedisSwitch)) and redis.concerns(name):
            changed["absent"] = (*region.absent, REDIS)
        if (model := self._switch("azure.model", ModelSwitch)) and model.concerns(name) and not model.retires:
            changed["models"] = tuple(each for each in region.models if each != model.model)
        return changed

    def _switch(self, name: str, kind: type[Switch]) -> Switch | None:
        fields = self._faults.get(name)
        return None if fields is None else kind.model_validate(fields)


def _plans(minor: str) -> tuple[str, ...]:
    official = ("KubernetesOfficial",) if _number(minor) >= _number(versions().aks.oldest) else ()
    return (*official, *(("AKSLongTermSupport",) if minor in versions().aks.lts else ()))


def _number(minor: str) -> tuple[int, ...]:
    return tuple(map(int, minor.split(".")))


def _next(minor: str) -> str:
    """The newest version: one after AKS' default, as in its calendar."""
    major, number = _number(minor)
    return f"{major}.{number + 1}"
