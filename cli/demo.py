"""The demo: the whole stack on a virtual cluster, deployed and verified by the real engine."""

from __future__ import annotations

import time
from typing import Final

from rich.console import Console

from cli import rehearsal, report
from cli.connection import access
from cli.project import REHEARSAL
from cli.pulumi import Engine
from cli.recover import recover
from rehearsal import plugins
from sdg.kube.api import KubernetesApi

NOT_REHEARSED: Final = (
    "Not rehearsed: gang scheduling and queues (the standard scheduler places pods), image pulls, GPU drivers, network policy. "
    "OSMO's API answers as recorded; its tasks run as pods without containers."
)


def demo(console: Console) -> int:
    """Starts what isn't running, updates the stack, prints the gates; returns the engine's exit code."""
    began = time.monotonic()
    rehearsal.start()
    reachable = time.monotonic()
    console.print(f"virtual cluster ready after {reachable - began:.1f} s")
    engine = Engine.of(REHEARSAL)
    for line in plugins.in_use(engine.environment):
        console.print(line)
    connection = access(engine).connection
    recover(engine, KubernetesApi.connect(connection) if connection else None, console.print)
    code = engine.run("up", "--yes", "--skip-preview", "--suppress-progress", "--policy-pack", "policy")
    finished = time.monotonic()
    report.show_gates(report.gates(engine.state()), console)
    console.print(
        f"{finished - reachable:.1f} s from the cluster's answer to the end of the update, {time.monotonic() - began:.1f} s in all"
    )
    console.print(NOT_REHEARSED)
    return code
