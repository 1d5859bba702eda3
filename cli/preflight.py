"""`sdg preflight`: what stands in the way of a stack, in one table, and what an update is going to do."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.project import PROJECT, ROOT
from cli.pulumi import PREFIX, Engine
from sdg.azure.account import Account
from sdg.preflight import plan
from sdg.preflight.model import SETTINGS, Finding, Subject
from sdg.preflight.stack import problems
from sdg.settings.azure import Azure
from sdg.settings.loader import Read, Sources, look
from sdg.settings.model import StackSettings

if TYPE_CHECKING:  # they take a while to import, and only stacks in Azure need them
    from azure.core.credentials import TokenCredential

    from sdg.preflight.azure.find_region import Search

LOGIN: Final = "azure-login"
VERDICTS: Final = {"fits": "[green]fits[/]", "not known": "[yellow]not known[/]", "does not": "[red]does not[/]"}
SAID: Final = "What is seen says it."
MARKS: Final = {"error": "[red]error[/]", "warning": "[yellow]warning[/]", "note": "[dim]note[/]"}


def preflight(stack: str, console: Console) -> int:
    """Prints every finding, then the plan where the settings can be read; 1 when any finding refuses the stack, else 0.

    Raises:
        PulumiError: there is no such stack, or its secrets cannot be read.
    """
    engine = Engine.of(stack)
    os.environ.update(engine.environment)  # the host's programs, and the forwards' folder, are those of the stack
    sources = _sources(engine)
    read = look(sources, problems)
    if login := _log_in(read.findings, read.account, sources, console):
        read = look(sources, lambda subject: problems(replace(subject, login=login)))
    findings = [*_of_settings(read), *read.findings]
    show_findings(findings, console)
    if not read.problems:
        show_plan(plan.stages(StackSettings.model_validate(read.sections), read.inference), console)
    refused = sum(finding.refuses for finding in findings)
    if refused:
        console.print(f"Nothing was created. {stack} is refused for {refused} {'reason' if refused == 1 else 'reasons'}.")
    return 1 if refused else 0


def find_region(stack: str, console: Console, regions: Sequence[str] = ()) -> int:
    """Prints which regions would do for a stack in Azure, and what fails in the others; 0 when one of them would, else 1.

    Args:
        regions: further ones to look at.

    Raises:
        PulumiError: there is no such stack, or its secrets cannot be read.
    """
    from sdg.preflight.azure import find_region as azure  # noqa: PLC0415 -- it takes a while to import

    engine = Engine.of(stack)
    os.environ.update(engine.environment)
    sources = _sources(engine)
    seen: list[Subject] = []

    def remember(subject: Subject) -> Iterable[Finding]:
        seen.append(subject)
        return ()

    read = look(sources, remember)
    login = _log_in(read.findings, read.account, sources, console)
    if login:
        read = look(sources, remember)
    cluster = read.sections.get("cluster")
    if not isinstance(cluster, Azure) or read.account is None:
        show_findings([*_of_settings(read), *read.findings], console)
        if cluster and not isinstance(cluster, Azure):
            console.print(f"{stack} has no cluster in Azure that could be elsewhere.")
        return 1
    places = azure.candidates(cluster, regions)
    search = azure.find(replace(seen[-1], login=login), cluster, read.account, places)
    if later := _log_in(search.findings, read.account, sources, console):
        search = azure.find(replace(seen[-1], login=later), cluster, read.account, places)
    show_findings(search.findings, console)
    return _show_regions(search, cluster, console)


def _log_in(findings: Iterable[Finding], account: Account | None, sources: Sources, console: Console) -> TokenCredential | None:
    """Logs a person in where nobody is and somebody sits at the terminal; returns when that is done.

    Args:
        account: None while nothing names a subscription; the login does then.
    """
    if not any(finding.check == LOGIN for finding in findings) or not interactive(console):
        return None
    from sdg.azure.errors import LoginError  # noqa: PLC0415 -- it takes a while to import
    from sdg.azure.login import log_in  # noqa: PLC0415

    try:
        return log_in(account, sources.environ, lambda line: console.print(Text(line), soft_wrap=True))
    except LoginError as error:
        console.print(Text(str(error)), soft_wrap=True)
        return None


def _of_settings(read: Read) -> list[Finding]:
    return [Finding.of(SETTINGS, problem) for problem in read.problems]


def interactive(console: Console) -> bool:
    """Whether somebody reads what is printed, and can answer."""
    return console.is_terminal and sys.stdin.isatty()


def _show_regions(search: Search, cluster: Azure, console: Console) -> int:
    table = Table(title="Regions", title_justify="left", show_lines=True)
    for column in ("region", "", "what fails"):
        table.add_column(column, overflow="fold")
    for candidate in search.candidates:
        own = " (the stack's own)" if candidate.region == cluster.location else ""
        said = [f"{finding.check}: {finding.seen}" for finding in candidate.findings]
        if candidate.unanswered:
            said.append(f"Not known: {', '.join(candidate.unanswered)}.")
        table.add_row(Text(f"{candidate.region}{own}"), VERDICTS[candidate.verdict], Text("\n".join(said)))
    if search.candidates:
        console.print(table)
    if search.best is None:
        console.print("No region fits. Name others with --region, or change what fails.")
        return 1
    if search.best != cluster.location:
        console.print(
            f"To use it, before anything is deployed: pulumi config set --path sdg:cluster.location {search.best}", soft_wrap=True
        )
    if search.refused:
        console.print("What stands in the way in every region, above, comes first.")
    return 1 if search.refused else 0


def show_findings(findings: Sequence[Finding], console: Console) -> None:
    """One line per finding: what was seen, and what to do; then the commands."""
    if not findings:
        console.print("Nothing stands in the way.")
        return
    table = Table(title="Preflight", title_justify="left", show_lines=True)
    for column in ("", "check", "seen", "what to do"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        nothing = "" if finding.severity == "note" else SAID
        # what was seen is somebody else's text
        table.add_row(MARKS[finding.severity], finding.check, Text(finding.seen), Text(finding.remedy or nothing))
    console.print(table)
    _show_commands(findings, console)


def _show_commands(findings: Iterable[Finding], console: Console) -> None:
    """The commands of the remedies once more, each on a line of its own: what a table breaks into lines cannot be copied."""
    by_check: dict[str, dict[str, None]] = {}
    for finding in findings:
        by_check.setdefault(finding.check, {}).update(dict.fromkeys(finding.commands))
    for check, commands in by_check.items():
        if commands:
            console.print(f"To copy, for {check}:")
        for command in commands:
            console.print(Text(command), soft_wrap=True)


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
