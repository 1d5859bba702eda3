"""What is printed of gates and of updates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.critical_path import Update, critical_path, of_types, overlap
from cli.rehearsal_azure import Contents
from rehearsal.cluster import Status

SHORT: Final = 0.1  # seconds; what takes less is added up
SHOWN: Final = 8  # waits, by name
BESIDE: Final = (
    ("AKS", "azure-native:containerservice:", "data services", "sdg:cluster:DataServices"),
    ("OSMO", "sdg:osmo:", "inference", ("sdg:inference:", "sdg:endpoints:")),
    ("OSMO", "sdg:osmo:", "KAI scheduler", "sdg:platform:KaiScheduler"),
)
"""Parts of a stack that nothing makes wait for each other, with the types of their resources."""
MARKS = {"passed": "[green]passed[/]", "failed": "[red]failed[/]"}


def gates(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The outputs of every gate's record in an exported state, in the order of the update."""
    resources = state.get("deployment", {}).get("resources", [])
    return [outputs for resource in resources if "checks" in (outputs := resource.get("outputs") or {})]


def show_gates(records: Iterable[Mapping[str, Any]], console: Console) -> None:
    """Prints one line per check: where, what, what was seen."""
    table = Table(title="Gates", title_justify="left")
    for column in ("gate", "check", "subject", "verdict", "seen"):
        table.add_column(column, overflow="fold")
    for record in records:
        for check in record["checks"]:
            # what was seen is somebody else's text: a log line may look like markup
            seen = [Text(text) for text in (record["gate"], check["name"], check["subject"], check["observed"])]
            table.add_row(*seen[:3], MARKS[check["status"]], seen[3])
        table.add_section()
    console.print(table)


def placements(records: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Workflow and node of every task whose workflow a gate waited for."""
    for record in records:
        for workflow in (record.get("evidence") or {}).get("workflows") or []:
            yield from ((str(workflow["name"]), str(task["node"])) for task in workflow.get("tasks") or [] if task.get("node"))


def show_rehearsal(status: Status, console: Console, azure: Contents | None = None) -> None:
    """Prints one line per process and per service of the virtual cluster, and what there is in the simulated Azure."""
    ready = status.ready or (azure is not None and azure.cluster == "absent" and status.processes["daemon"] is not None)
    table = Table(title="ready" if ready else "stopped" if status.stopped else "not ready", title_justify="left")
    for column in ("part", "where"):
        table.add_column(column)
    for name, pid in status.processes.items():
        table.add_row(name, "not running" if pid is None else f"process {pid}")
    for name, url in status.services.items():
        table.add_row(f"{name} service", url)
    if azure:
        table.add_row("AKS cluster", azure.cluster)
        table.add_row("resources in Azure", str(len(azure.resources)))
        if azure.gone:
            table.add_row("deleted, names taken", ", ".join(each.rpartition("/")[2] for each in azure.gone))
    console.print(table)


def show_critical_path(update: Update, console: Console) -> None:
    """Prints the longest chain of an update, how far the wall time is above it, and what the end of the update waited for besides."""
    path = critical_path(update)
    table = Table(title="Critical path", title_justify="left", show_footer=True)
    table.add_column("longest chain of dependencies", footer="together", overflow="fold")
    table.add_column("seconds", footer=f"{path.seconds:.1f}", justify="right")
    table.add_row("engine and program, until the first resource", f"{update.start:.1f}")
    short = [urn for urn in path.chain if update.steps[urn].seconds < SHORT]
    for urn in path.chain:
        if urn not in short:
            table.add_row(Text(_name(urn)), f"{update.steps[urn].seconds:.1f}")
    if short:
        table.add_row(f"{len(short)} that took less than {SHORT:g} s each", f"{sum(update.steps[urn].seconds for urn in short):.1f}")
    console.print(table)
    console.print(f"The wall time of {path.wall:.1f} s is {path.excess:.0%} above the longest chain.")
    longest = [gap for gap in path.gaps if gap.seconds >= SHORT]
    for gap in longest[:SHOWN]:
        waited = (
            f"{_name(gap.urn)} was ready {gap.seconds:.1f} s before it began" if gap.urn else f"the engine took {gap.seconds:.1f} s to end"
        )
        console.print(Text(f"  {waited}"), soft_wrap=True)
    rest = sum(gap.seconds for gap in path.gaps) - sum(gap.seconds for gap in longest[:SHOWN])
    console.print(f"  all other waits on the way to its end took {rest:.1f} s together")


def show_overlaps(update: Update, console: Console) -> None:
    """Prints for how long parts that need not wait for each other were worked on at the same time, where a stack has both."""
    for name, types, other, other_types in BESIDE:
        groups = [of_types(update.steps, kind) for kind in (types, other_types)]
        if all(any(update.steps[urn].seconds for urn in group) for group in groups):
            console.print(f"{name} and {other} were worked on at the same time for {overlap(update.steps, *groups):.1f} s.")


def _name(urn: str) -> str:
    """A resource's name, and its type where that tells it from others: `smoke-gate (Record)`."""
    types, _, name = urn.rpartition("::")
    return f"{name} ({types.rpartition(':')[2]})"
