"""The smoke gate alone, against what is deployed."""

from __future__ import annotations

import dataclasses

from rich.console import Console

from cli import report
from cli.connection import access
from cli.pulumi import Engine
from sdg.gates.answer import outputs_of
from sdg.gates.checks import Status
from sdg.gates.smoke import SmokeRecord
from sdg.gates.waiting import say
from sdg.osmo.smoke import smoke_inputs
from sdg.settings.azure import Azure


class NoClusterError(RuntimeError):
    """The stack makes its cluster, and has not made it yet."""


def smoke(stack: str, console: Console) -> int:
    """Submits the stack's smoke workflows, waits for them, prints the checks; 0 when all completed."""
    found = access(Engine.of(stack))
    if found.connection is None:
        raise NoClusterError(f"stack {stack} has no cluster to run a smoke test on; run `pulumi up --stack {stack}` first")
    settings = found.settings
    grows = isinstance(settings.cluster, Azure) and settings.cluster.gpus_may_be_absent
    inputs = smoke_inputs(settings.smoke, settings.cluster.gpus, settings.mirror, grows=grows)
    connection = dataclasses.asdict(found.connection)
    outputs = outputs_of(SmokeRecord.wait, {**inputs, "connection": connection}, say)
    report.show_gates([{"gate": "smoke", **outputs}], console)
    return 0 if outputs["status"] == Status.PASSED else 1
