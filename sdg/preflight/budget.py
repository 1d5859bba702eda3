"""Is what the stack costs within `sdg:budget`? Asks nothing of anybody: the prices are those that `sdg prices refresh` kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from sdg.azure.estimate import Estimate, Verdict, estimate, judge, money
from sdg.azure.kept_prices import Kept
from sdg.azure.made_of import UsedServices
from sdg.azure.meters import EVERYTHING, wanted_by
from sdg.azure.prices import PUBLIC, STALE, Prices, PricesError
from sdg.preflight.model import Finding, Subject
from sdg.settings.azure import Azure
from sdg.settings.budget import Budget
from sdg.settings.mirror import Mirror

BUDGET: Final = "budget"
PRICES: Final = "prices"
_SHOWN: Final = 3  # prices that are missing, by name


def findings(subject: Subject, cluster: Azure, now: datetime | None = None) -> Iterator[Finding]:
    """What stands between the stack and its budget; nothing without one.

    Args:
        now: of the prices' age; the present when unset.
    """
    budget = subject.sections.get("budget", Budget())
    if budget.monthly is None:
        return
    mirror = subject.sections.get("mirror", Mirror())
    try:
        prices = Kept.of_project(subject.project, subject.environ, mirror.api(PUBLIC)).newest(cluster.location, budget.currency)
    except PricesError as error:
        yield Finding.of(PRICES, f"Nobody knows whether the stack is within sdg:budget: {error}.")
        return
    if prices is None:
        yield Finding.of(
            PRICES, f"Nobody knows whether the stack is within sdg:budget: there are no prices of {cluster.location} in {budget.currency}."
        )
        return
    reckoned = estimate(cluster, prices, budget.currency, _wanted(subject))
    if verdict := judge(reckoned, budget):
        yield from _judged(verdict, budget, reckoned)
    yield from _age(prices, now or datetime.now(UTC))


def _wanted(subject: Subject) -> UsedServices:
    """Which services the stack uses; all of them, where its settings cannot be read."""
    osmo, platform = subject.sections.get("osmo"), subject.sections.get("platform")
    return wanted_by(osmo, platform, subject.sections.get("inference")) if osmo and platform else EVERYTHING


def exceeded(verdict: Verdict, budget: Budget) -> str:
    """What is over the budget, in a sentence."""
    limit = Decimal(str(budget.monthly))
    return (
        f"The stack costs {'' if verdict.proven else 'at least '}{money(verdict.spent, budget.currency)} a month, with every pool at its "
        f"{budget.basis}; sdg:budget.monthly is {money(limit, budget.currency)}."
    )


def named(reckoned: Estimate, budget: Budget) -> str:
    """What has no price, by name."""
    items = reckoned.missing_at(budget.basis)
    shown = [f"{item.line.resource}: {item.line.title}" for item in items[:_SHOWN]]
    return "; ".join([*shown, *([f"{len(items) - _SHOWN} more"] if len(items) > _SHOWN else [])])


def _judged(verdict: Verdict, budget: Budget, reckoned: Estimate) -> Iterable[Finding]:
    if verdict.exceeded:
        yield Finding.of(BUDGET, exceeded(verdict, budget))
    elif not verdict.proven:
        yield Finding.of(
            PRICES,
            f"What is known costs {money(verdict.spent, budget.currency)} a month, within sdg:budget; prices are missing of "
            f"{named(reckoned, budget)}.",
        )


def _age(prices: Prices, now: datetime) -> Iterable[Finding]:
    if (age := prices.age(now)) > STALE:
        yield Finding.of(PRICES, f"The prices that sdg:budget was compared with are {age.days} days old.")
