"""Azure's retail prices as they were on a day, and how those of a meter are found among them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from sdg.catalog.azure_meters import STACK_REGION, Meter, Name

PUBLIC: Final = "https://prices.azure.com/api/retail/prices"
STALE: Final = timedelta(days=30)
CONSUMPTION: Final = "Consumption"
_EVER: Final = datetime(1, 1, 1, tzinfo=UTC)
_COUNTS: Final = {"K": 1_000, "M": 1_000_000}


class PricesError(RuntimeError):
    """Prices cannot be had, or those that are kept cannot be read; the sentence says why and what to do."""


class Row(BaseModel):
    """One row of the price API, as far as it matters here.

    Attributes:
        tier_minimum_units: units from which on the price holds; a meter has several rows where more of it is cheaper.
        is_primary_meter_region: whether it is the one that is billed, where several regions share a meter.
    """

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, frozen=True, extra="ignore")

    currency_code: str
    tier_minimum_units: Decimal = Decimal(0)
    retail_price: Decimal
    arm_region_name: str | None = None
    effective_start_date: AwareDatetime | None = None
    meter_id: str = ""
    meter_name: str
    product_name: str
    sku_name: str
    service_name: str
    unit_of_measure: str
    type: str
    is_primary_meter_region: bool = True
    arm_sku_name: str | None = None


class Prices(BaseModel):
    """The prices of a region in a currency.

    Attributes:
        source: where they were asked for.
        region: name of the region, as ARM spells it.
        currency: ISO code.
        fetched: when.
        rows: what was answered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    region: str
    currency: str
    fetched: AwareDatetime
    rows: tuple[Row, ...]

    def age(self, now: datetime) -> timedelta:
        return max(now - self.fetched, timedelta())


@dataclass(frozen=True, slots=True)
class Price:
    """What a unit of a meter costs.

    Attributes:
        tiers: units from which on, and the price of each unit from there on; ascending, the first from 0 on.
        unit: what the price is for, as the API says it.
        per: number of things that make one unit, such as the 10,000 of `10K`.
        each: number of a stack's that the quantity is multiplied by; None for none.
    """

    tiers: tuple[tuple[Decimal, Decimal], ...]
    unit: str
    per: int = 1
    each: str | None = None

    @property
    def first(self) -> Decimal:
        """The price of a unit once anything costs anything."""
        return next((price for _, price in self.tiers if price), Decimal(0))

    @property
    def free(self) -> Decimal:
        """Units that cost nothing before the others do."""
        return next((start for start, price in self.tiers if price), Decimal(0))

    def cost(self, quantity: Decimal) -> Decimal:
        """The price of so many things: each unit at the price of the tier that it falls into."""
        units = quantity / self.per
        ends = [start for start, _ in self.tiers[1:]] + [units]
        slices = (max(min(end, units) - start, Decimal(0)) * price for (start, price), end in zip(self.tiers, ends, strict=True))
        return sum(slices, Decimal(0))


@dataclass(frozen=True, slots=True)
class Unknown:
    """A price that is not known, and why."""

    reason: str


def find(prices: Prices, meter: Meter, values: Mapping[str, str]) -> Price | Unknown:
    """The price of a meter.

    Args:
        values: what the meter's names hold in braces.
    """
    for name in meter.names:
        for region in meter.regions:
            wanted = prices.region if region == STACK_REGION else region
            if rows := [row for row in prices.rows if (row.arm_region_name or "") == wanted and _is_named(row, name, values)]:
                return _settled(rows, meter, name, prices.fetched)
    return Unknown(f"no price for it in {prices.region}")


def read_rows(items: Iterable[object]) -> list[Row]:
    """Rows of an answer; those of other kinds than consumption, such as reservations, are left out.

    Raises:
        PricesError: an item is no row.
    """
    try:
        rows = TypeAdapter(list[Row]).validate_python(list(items))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise PricesError(f"a row of the price API has no usable {first['loc'][-1]}: {first['msg'].lower()}") from None
    return [row for row in rows if row.type == CONSUMPTION]


def _is_named(row: Row, name: Name, values: Mapping[str, str]) -> bool:
    asked = (
        (name.service, row.service_name),
        (name.product, row.product_name),
        (name.sku, row.sku_name),
        (name.meter, row.meter_name),
        (name.machine, row.arm_sku_name),
    )
    if any(pattern is not None and folded(pattern.format_map(values)) != folded(text or "") for pattern, text in asked):
        return False
    words = folded(f"{row.product_name} {row.sku_name} {row.meter_name}")
    return all(folded(word) in words for word in name.holds) and not any(folded(word) in words for word in name.lacks)


def folded(text: str) -> str:
    """A name without case, hyphens and the kinds of spaces, in which the API's rows differ."""
    return " ".join(text.replace("-", " ").casefold().split())


def _settled(rows: Sequence[Row], meter: Meter, name: Name, today: datetime) -> Price | Unknown:
    """What rows of one meter agree on."""
    units = {row.unit_of_measure for row in rows}
    if len(units) > 1 or not units <= set(meter.units):
        return Unknown(f"its price is per {' and per '.join(sorted(units))}, not per {' or '.join(meter.units)}")
    billed = [row for row in rows if row.is_primary_meter_region] or list(rows)
    by_tier: dict[Decimal, set[Decimal]] = {}
    for row in _newest(billed, today):
        by_tier.setdefault(row.tier_minimum_units, set()).add(row.retail_price)
    if any(len(found) > 1 for found in by_tier.values()):
        products = sorted({f"{row.product_name}, {row.meter_name}" for row in billed})
        return Unknown(f"the API has several prices for it: {'; '.join(products)}")
    tiers = tuple(sorted((start, found.pop()) for start, found in by_tier.items()))
    if not tiers or tiers[0][0] != 0:
        return Unknown("its price from the first unit on is missing")
    unit = units.pop()
    return Price(tiers, unit, _per(unit), name.each)


def _newest(rows: Iterable[Row], today: datetime) -> Iterator[Row]:
    """Of each tier of each meter the row that holds today: the API has those of other days too."""
    newest: dict[tuple[str, str, str, Decimal], Row] = {}
    for row in rows:
        if row.effective_start_date and row.effective_start_date > today:
            continue
        key = (row.meter_id, row.product_name, row.sku_name, row.tier_minimum_units)
        before = newest.get(key)
        if before is None or _since(row) > _since(before):
            newest[key] = row
    return iter(newest.values())


def _since(row: Row) -> datetime:
    return row.effective_start_date or _EVER


def _per(unit: str) -> int:
    """The number that a unit begins with: 10,000 of `10K`."""
    digits = unit[: len(unit) - len(unit.lstrip("0123456789"))]
    return int(digits or 1) * _COUNTS.get(unit[len(digits) : len(digits) + 1], 1)
