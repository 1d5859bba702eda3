"""Gates with their evidence, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rehearsal.cluster import Status

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


def show_rehearsal(status: Status, console: Console) -> None:
    """Prints one line per process and per service of the virtual cluster."""
    table = Table(title="ready" if status.ready else "stopped" if status.stopped else "not ready", title_justify="left")
    for column in ("part", "where"):
        table.add_column(column)
    for name, pid in status.processes.items():
        table.add_row(name, "not running" if pid is None else f"process {pid}")
    for name, url in status.services.items():
        table.add_row(f"{name} service", url)
    console.print(table)
