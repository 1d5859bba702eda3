"""`sdg preflight`: what stands in the way of a stack, in one table, and what an update is going to do."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.project import PROJECT, ROOT
from cli.pulumi import PREFIX, Engine
from sdg.preflight import plan
from sdg.preflight.model import Finding
from sdg.preflight.stack import problems
from sdg.settings.loader import Sources, look
from sdg.settings.model import StackSettings

MARKS: Final = {"error": "[red]error[/]", "warning": "[yellow]warning[/]", "note": "[dim]note[/]"}


def preflight(stack: str, console: Console) -> int:
    """Prints every finding, then the plan where the settings can be read; 1 when any finding refuses the stack, else 0.

    Raises:
        PulumiError: there is no such stack, or its secrets cannot be read.
    """
    engine = Engine.of(stack)
    os.environ.update(engine.environment)  # the host's programs, and the forwards' folder, are those of the stack
    read = look(_sources(engine), problems)
    findings = [*(Finding("settings", problem) for problem in read.problems), *read.findings]
    show_findings(findings, console)
    if not read.problems:
        show_plan(plan.stages(StackSettings.model_validate(read.sections)), console)
    refused = sum(finding.refuses for finding in findings)
    if refused:
        console.print(f"Nothing was created. {stack} is refused for {refused} {'reason' if refused == 1 else 'reasons'}.")
    return 1 if refused else 0


def show_findings(findings: Sequence[Finding], console: Console) -> None:
    """One line per finding: what was seen, and what to do."""
    if not findings:
        console.print("Nothing stands in the way.")
        return
    table = Table(title="Preflight", title_justify="left", show_lines=True)
    for column in ("", "check", "seen", "what to do"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        # what was seen is somebody else's text
        table.add_row(MARKS[finding.severity], finding.check, Text(finding.seen), Text(finding.remedy))
    console.print(table)


def show_plan(stages: list[plan.Stage], console: Console) -> None:
    """One line per stage, and how long they take together."""
    table = Table(title="Plan", title_justify="left", show_footer=True)
    table.add_column("stage", footer="together")
    table.add_column("creates", overflow="fold")
    table.add_column("expected", footer=_expected(plan.total(stages)), no_wrap=True)
    for stage in stages:
        table.add_row(stage.name, Text(stage.creates), _expected(stage.minutes))
    console.print(table)


def _expected(minutes: tuple[float, float]) -> str:
    return " to ".join(f"{bound:.0f} min" if bound >= 1 else f"{bound * 60:.0f} s" for bound in minutes)


def _sources(engine: Engine) -> Sources:
    """The stack's config as the program gets it, secrets included: they are judged, and never shown."""
    entries: dict[str, dict[str, Any]] = json.loads(engine.ask("config", "--json", "--show-secrets"))
    ours = {key.removeprefix(PREFIX): entry for key, entry in entries.items() if key.startswith(PREFIX)}
    config = {key: str(entry["value"]) for key, entry in ours.items()}
    secret = {key for key, entry in ours.items() if entry["secret"]}
    return Sources(config, secret, engine.environment, ROOT, f"{PROJECT}/{engine.stack.rpartition('/')[2]}")
