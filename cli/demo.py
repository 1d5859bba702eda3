"""The demo: the whole stack on a virtual cluster, deployed and verified by the real engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console

from cli import rehearsal, report
from cli.connection import api
from cli.not_rehearsed import not_rehearsed
from cli.project import REHEARSAL
from cli.pulumi import Engine
from cli.recover import recover
from cli.secrecy import check_state
from rehearsal import plugins
from sdg.settings.parse import parse

UPDATE: Final = ("up", "--yes", "--skip-preview", "--suppress-progress", "--policy-pack", "policy")
# the engine's line for the verdict that stands for verify-hello COMPLETED
VERIFIED: Final = "gate:Verdict smoke-gate created"
# said once above, in one line per plugin; the engine repeats it for every process that looks
FOUND_ON_PATH: Final = "warning: using pulumi-"


@dataclass
class Watched:
    """Passes the engine's output on, and notes when the smoke test turned green.

    Attributes:
        verified: monotonic seconds of that moment; None until then, and when nothing had to be done.
    """

    say: Callable[[str], None]
    verified: float | None = field(default=None)

    def line(self, text: str) -> None:
        if FOUND_ON_PATH not in text:
            self.say(text)
        if VERIFIED in text:
            self.verified = time.monotonic()


def demo(console: Console) -> int:
    """Starts what isn't running, updates the stack, prints the gates; returns the engine's exit code."""
    began = time.monotonic()
    rehearsal.start()
    reachable = time.monotonic()
    console.print(f"virtual cluster ready after {reachable - began:.1f} s")
    engine = Engine.of(REHEARSAL)
    for line in plugins.in_use(engine.environment):
        print(line)
    recover(engine, lambda: api(engine), print)
    watched = Watched(print)
    code = engine.stream(*UPDATE, on_line=watched.line)
    report.show_gates(report.gates(engine.state()), console)
    if code == 0:
        console.print(f"{check_state(engine)} secrets looked for in the stack's state: none lies in plain")
    if watched.verified:
        console.print(f"{watched.verified - reachable:.1f} s from the cluster's first answer to verify-hello COMPLETED")
    console.print(f"{time.monotonic() - began:.1f} s in all")
    for words in not_rehearsed(parse(engine.config())):
        console.print(words)
    return code
