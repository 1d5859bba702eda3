"""What an Azure cluster is billed for, as Azure's price API names it (`azure_meters.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import PositiveInt

from sdg.catalog.documents import CatalogModel, read

STACK_REGION = "stack"
Every = Literal["hour", "month", "use"]


class Name(CatalogModel):
    """One way in which the price API may name a meter; the comments of `azure_meters.yaml` say what each key means."""

    service: str
    product: str | None = None
    sku: str | None = None
    meter: str | None = None
    machine: str | None = None
    holds: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    each: str | None = None


class Meter(CatalogModel):
    """One meter."""

    shows: str
    every: Every
    units: tuple[str, ...]
    regions: tuple[str, ...] = (STACK_REGION,)
    names: tuple[Name, ...]


class Billing(CatalogModel):
    """All of `azure_meters.yaml`."""

    hours: PositiveInt
    meters: Mapping[str, Meter]
    disks: Mapping[int, str]
    redis: Mapping[str, str]
    postgres: Mapping[str, str]


@cache
def billing() -> Billing:
    """Meters, and what turns sizes into their names.

    Raises:
        pydantic.ValidationError: `azure_meters.yaml` breaks its schema.
    """
    return read("azure_meters.yaml", Billing)
