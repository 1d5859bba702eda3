"""Workloads that the catalog knows: which there are, and fetching their specs for use without a network."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.pulumi import Engine
from sdg.catalog.workloads import container_workloads, workload, workloads
from sdg.settings.mirror import Mirror
from sdg.settings.parse import parse
from sdg.workload.clone import fetch as fetch_clone
from sdg.workload.clone import folder, present
from sdg.workload.found import source_of


class SpecMissingError(RuntimeError):
    """A repository was fetched and lacks specs that the catalog names."""


def fetch(name: str, stack: str | None) -> str:
    """Fetches a workload's repository at the catalog's commit, unless it is there, and says where its specs are.

    Args:
        stack: whose mirror it is fetched through; None for none.

    Raises:
        ContainerOnly, UnknownWorkload: the catalog has no such workload on OSMO.
        FetchFailedError: it cannot be had.
        SpecMissingError: it lacks specs that the catalog names.
    """
    entry = workload(name)
    mirror = parse(Engine.of(stack).config()).mirror if stack else Mirror()
    known = present(source_of(entry), folder())
    clone = fetch_clone(source_of(entry), folder(), mirror)
    missing = [flow for flow in entry.flows if not (clone / entry.spec_path(flow)).is_file()]
    if missing:
        where = f"{entry.repository} has no spec at its commit {entry.commit} for {', '.join(missing)} of {name}"
        raise SpecMissingError(
            f"{where}: {clone / entry.spec_path(missing[0])} is missing. Name a spec of yours with sdg:workload kind spec."
        )
    return f"{name}: {clone / entry.folder} ({entry.commit[:12]}, {'as fetched before' if known else 'fetched'})"


def show(console: Console) -> None:
    """One line per workload: its flows, and whether its specs are on this host."""
    table = Table(title="Workloads", title_justify="left", show_lines=True)
    for column in ("name", "does", "flows", "on this host"):
        table.add_column(column, overflow="fold")
    for name, entry in workloads().items():
        flows = [f"{flow} (usual)" if flow == entry.default_flow else flow for flow in entry.flows]
        here = "yes" if present(source_of(entry), folder()) else f"no: sdg workload fetch {name}"
        table.add_row(name, Text(entry.shows), Text(", ".join(flows)), Text(here))
    for name, recipe in container_workloads().items():
        table.add_row(name, Text(recipe.shows), "-", Text(f"not on OSMO; follow {recipe.recipe}: {recipe.url}"))
    console.print(table)
