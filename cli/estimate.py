"""`sdg estimate`: what a stack on Azure costs a month, meter by meter, and how that compares with its budget."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.environment import process_environment
from cli.prices import azure_of, kept_prices
from cli.stack_file import settings_of
from sdg.azure.estimate import Estimate, Item, estimate, judge, money
from sdg.azure.meters import Range, wanted_by
from sdg.azure.prices import STALE, Price, Prices, Unknown
from sdg.catalog.azure_meters import billing
from sdg.preflight.budget import exceeded, named
from sdg.settings.budget import Budget

UNKNOWN: Final = "unknown"
BY_USE: Final = "by use"
COLUMNS: Final = ("resource", "meter", "number at min", "at max", "unit price", "a month at min", "at max")
_LEFT: Final = 2  # columns that hold words


def run(stack: str, console: Console, now: datetime | None = None) -> int:
    """Prints the estimate; 1 when the budget is exceeded, else 0.

    Raises:
        NotOnAzureError: the stack is not on Azure.
        PricesError: the prices that were kept cannot be read.
        StackFileError, SettingsError: the stack's file cannot be used.
    """
    settings = settings_of(stack)
    cluster, budget = azure_of(stack, settings), settings.budget
    kept = kept_prices(settings, process_environment(stack))
    prices = kept.newest(cluster.location, budget.currency)
    reckoned = estimate(cluster, prices, budget.currency, wanted_by(settings.osmo, settings.platform, settings.inference))
    show(reckoned, f"{stack}: a month of {billing().hours} hours in {cluster.location}, {budget.currency}", console)
    for line in (*_of_prices(prices, stack, now or datetime.now(UTC)), *_of_totals(reckoned)):
        console.print(line, soft_wrap=True)
    return _against(reckoned, budget, console)


def show(reckoned: Estimate, title: str, console: Console) -> None:
    """One line per meter, while every pool is at its minimum and at its maximum, and the totals."""
    table = Table(title=title, title_justify="left", show_footer=True)
    total = reckoned.total
    footers = {0: "total", 5: _total(total.least, reckoned, "minimum"), 6: _total(total.most, reckoned, "maximum")}
    for number, column in enumerate(COLUMNS):
        table.add_column(column, footers.get(number, ""), justify="left" if number < _LEFT else "right", overflow="fold")
    before = ""
    for item in reckoned.items:
        if before and item.line.resource != before:
            table.add_section()
        table.add_row(*(Text(cell) for cell in _row(item, before)))
        before = item.line.resource
    console.print(table)


def _total(known: Decimal, reckoned: Estimate, basis: str) -> str:
    if not reckoned.missing_at(basis):
        return _amount(known)
    return f"at least {_amount(known)}" if known else UNKNOWN


def _row(item: Item, before: str) -> tuple[str, ...]:
    line = item.line
    resource = "" if line.resource == before else line.resource
    return (resource, line.title, *_quantities(line.quantity), _unit_price(item.price), *_costs(item))


def _quantities(quantity: Range | None) -> tuple[str, str]:
    return (BY_USE, BY_USE) if quantity is None else (f"{quantity.least:,g}", f"{quantity.most:,g}")


def _unit_price(price: Price | Unknown | None) -> str:
    if price is None:
        return "free"
    if isinstance(price, Unknown):
        return UNKNOWN
    beyond = f", beyond {price.free.normalize():,f}" if price.free else ""
    return f"{price.first.normalize():f} per {_unit(price.unit)}{beyond}"


def _unit(unit: str) -> str:
    """`1 Hour` and `1/Hour` as hour; `10K` as it is."""
    words = unit.removeprefix("1").lstrip(" /") if unit[1:2] in {" ", "/", ""} else unit
    return words.replace("Hour", "hour").replace("Month", "month") or "month"


def _costs(item: Item) -> tuple[str, str]:
    if item.line.count is None:
        return "", ""
    if item.cost is None:
        return _unpriced(item.line.count.least), _unpriced(item.line.count.most)
    return _amount(item.cost.least), _amount(item.cost.most)


def _unpriced(count: float) -> str:
    """What a number of units without a price costs: only none of them costs nothing."""
    return UNKNOWN if count else _amount(Decimal(0))


def _amount(amount: Decimal) -> str:
    return money(amount, "").rstrip()


def _of_prices(prices: Prices | None, stack: str, now: datetime) -> list[str]:
    if prices is None:
        return [f"No prices were asked for yet, so none is known: sdg prices refresh --stack {stack}"]
    age = prices.age(now)
    said = f"Prices of {prices.fetched.date().isoformat()} from {prices.source}."
    return [f"[yellow]{said} They are {age.days} days old: sdg prices refresh --stack {stack}[/]" if age > STALE else said]


def _of_totals(reckoned: Estimate) -> list[str]:
    priced = any(isinstance(item.price, Price) for item in reckoned.items)
    reasons = [f"{item.line.resource}, {item.line.title}: {item.unknown}" for item in reckoned.missing] if priced else []
    missing = [f"[yellow]The totals lack:[/] {'; '.join(reasons)}."] if reasons else []
    return [*missing, "No total holds what only use will tell, nodes that an upgrade adds for a while, support, taxes and discounts."]


def _against(reckoned: Estimate, budget: Budget, console: Console) -> int:
    verdict = judge(reckoned, budget)
    if verdict is None or budget.monthly is None:
        console.print("No budget is set (sdg:budget.monthly).")
        return 0
    if verdict.exceeded:
        console.print(f"[red]Over budget.[/] {exceeded(verdict, budget)}", soft_wrap=True)
        return 1
    limit = money(Decimal(str(budget.monthly)), budget.currency)
    if verdict.proven:
        console.print(f"[green]Within budget:[/] {money(verdict.spent, budget.currency)} of {limit}, every pool at its {budget.basis}.")
    else:
        console.print(
            f"[yellow]Not known to be within the budget of {limit}:[/] {named(reckoned, budget)} without a price.", soft_wrap=True
        )
    return 0
