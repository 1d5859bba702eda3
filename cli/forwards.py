"""The forwards of this user: all that run, or those of one stack."""

from __future__ import annotations

import os
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.connection import access
from cli.pulumi import Engine
from cli.smoke import NoClusterError
from sdg.forward import control
from sdg.forward.model import ForwardSpec
from sdg.forward.store import Store
from sdg.forward.wanted import targets


def start(stack: str) -> Iterator[str]:
    """Brings up both forwards of a deployed stack, or takes those that run; says of each where it answers."""
    for spec in _specs(stack):
        started = control.start(spec)
        known = "ran already" if started.reused else "started"
        yield f"{started.url}: {spec.target.service} of {spec.cluster}, {known}" + (f"; {started.remark}" if started.remark else "")


def stop(port: int) -> str:
    """Stops the forward of a port; says what was stopped."""
    served = control.stop_port(port)
    return f"stopped the forward on port {port}, which served {served}" if served else f"no forward of this user runs on port {port}"


def stop_stack(stack: str) -> Iterator[str]:
    """Stops both forwards of a stack, wherever they still lead; says what was stopped."""
    for spec in _specs(stack):
        ended = control.stop(spec)
        yield f"stopped the forward on port {spec.port}" if ended else f"no forward of {spec.cluster} runs on port {spec.port}"


def show(console: Console) -> None:
    """Prints one line per forward that runs."""
    table = Table(title_justify="left")
    for column in ("port", "answers", "serves", "cluster at", "kept by"):
        table.add_column(column, overflow="fold")
    for store in Store.all_of_user():
        marker = store.marker()
        if marker is None:
            continue
        answers = "[green]yes[/]" if control.answers(store.port) else "[red]no[/]"
        keeper = marker.unit or "its watchdog, until this host starts again"
        process = marker.process()
        kept = f"{keeper} (pid {process.pid if process else marker.pid})" + (f"; {marker.remark}" if marker.remark else "")
        table.add_row(f"{store.port}", answers, Text(marker.serves), Text(marker.server), kept)
    console.print(table if table.row_count else "no forward runs")


def _specs(stack: str) -> list[ForwardSpec]:
    engine = Engine.of(stack)
    os.environ.update(engine.environment)  # kubectl is found there
    found = access(engine)
    if found.connection is None:
        raise NoClusterError(f"stack {stack} has no cluster to forward to; run `pulumi up --stack {stack}` first")
    name = str(getattr(found.settings.cluster, "name", ""))
    wanted = targets(found.settings.forward)
    return [ForwardSpec(found.connection, target, name, port) for port, target in wanted.items()]
