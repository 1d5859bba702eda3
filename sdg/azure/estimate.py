"""What a stack on Azure costs a month, and whether that is within its budget. Pure.

Whatever is not known, a price or how much of something is used, is said and never guessed: totals are of what is known, so they are the
least that it can be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from sdg.azure.made_of import UsedServices
from sdg.azure.meters import EVERYTHING, Line, lines
from sdg.azure.prices import Price, Prices, Unknown, find
from sdg.settings.azure import Azure
from sdg.settings.budget import Budget

CENT: Final = Decimal("0.01")
NO_PRICES: Final = Unknown("no prices")


@dataclass(frozen=True, slots=True)
class Cost:
    """Money of a month while every pool is at its minimum, and while every pool is at its maximum."""

    least: Decimal
    most: Decimal

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.least + other.least, self.most + other.most)


NOTHING: Final = Cost(Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Item:
    """A line with its price.

    Attributes:
        price: what a unit costs; None for what costs nothing.
        cost: of a month; None where price or quantity are not known.
    """

    line: Line
    price: Price | Unknown | None
    cost: Cost | None

    @property
    def unknown(self) -> str | None:
        """Why its price is not known; None where it is."""
        return self.price.reason if isinstance(self.price, Unknown) else None

    @property
    def missing(self) -> bool:
        """Whether it costs something that the totals do not hold for want of a price. What use tells is never in them."""
        return self.unknown is not None and self.line.count is not None and self.line.count.most > 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """All items of a stack.

    Attributes:
        currency: ISO code.
    """

    items: tuple[Item, ...]
    currency: str

    @property
    def total(self) -> Cost:
        """Of everything whose price and quantity are known."""
        return sum((item.cost for item in self.items if item.cost), NOTHING)

    @property
    def missing(self) -> tuple[Item, ...]:
        """What is missing in the totals for want of a price."""
        return tuple(item for item in self.items if item.missing)

    def missing_at(self, basis: str) -> tuple[Item, ...]:
        """What is missing in the total of `minimum` or `maximum`."""
        return tuple(
            item for item in self.missing if item.line.count and (item.line.count.most if basis == "maximum" else item.line.count.least)
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a stack's costs compare with its budget.

    Attributes:
        exceeded: whether what is known is more than the budget already.
        proven: whether everything that counts is known.
        spent: what is known.
    """

    exceeded: bool
    proven: bool
    spent: Decimal


def estimate(cluster: Azure, prices: Prices | None, currency: str, wanted: UsedServices = EVERYTHING) -> Estimate:
    """Reckons a cluster with all that belongs to it.

    Args:
        wanted: which services OSMO uses; the others are not made.
        prices: of the cluster's region, in that currency; without them, every price is unknown.
    """
    return Estimate(tuple(_items(lines(cluster, wanted), prices)), currency)


def judge(reckoned: Estimate, budget: Budget) -> Verdict | None:
    """Compares an estimate with the budget; None where there is none."""
    if budget.monthly is None:
        return None
    spent = reckoned.total.most if budget.basis == "maximum" else reckoned.total.least
    return Verdict(spent > Decimal(str(budget.monthly)), not reckoned.missing_at(budget.basis), spent)


def money(amount: Decimal, currency: str) -> str:
    """An amount for people, in whole cents: 1,234.50 USD."""
    return f"{amount.quantize(CENT, ROUND_HALF_UP):,} {currency}"


def _items(billed: Iterable[Line], prices: Prices | None) -> Iterator[Item]:
    for line in billed:
        meter = line.described
        if meter is None:
            yield Item(line, None, NOTHING)
            continue
        price = find(prices, meter, line.values) if prices else NO_PRICES
        yield Item(line, price, None if isinstance(price, Unknown) else _cost(line, price))


def _cost(line: Line, price: Price) -> Cost | None:
    quantity = line.quantity
    if quantity is None:
        return None
    each = int(line.values[price.each]) if price.each else 1
    return Cost(*(price.cost(Decimal(str(bound)) * each) for bound in (quantity.least, quantity.most)))
