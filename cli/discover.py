"""`sdg discover`: what a workflow spec needs, as a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sdg.spec import files
from sdg.spec.discover import Needs, discover
from sdg.spec.problem import Problem, SpecError
from sdg.spec.references import ExternalReference, FoundryReference, NimReference
from sdg.spec.render import render
from sdg.spec.schema import Profile
from sdg.spec.validate import validate
from sdg.spec.values import Values

INVALID: Final = 2
UNSATISFIED: Final = 3
PROFILES: Final[tuple[Profile, ...]] = ("6.3", "6.4")
_WORDS: Final = 2  # columns that hold words


def run(
    spec: Path,
    console: Console,
    *,
    pairs: tuple[Iterable[str], Iterable[str], Iterable[str]] = ((), (), ()),
    profile: Profile = "6.3",
    as_json: bool = False,
) -> int:
    """Prints what a spec needs.

    Args:
        pairs: of --set, --set-string and --set-env.

    Returns:
        0; INVALID where it cannot be read, rendered or submitted; UNSATISFIED where it refers to what nothing can serve.
    """
    needs, problems = look(spec, pairs, profile)
    if as_json:
        show_problems((problem for problem in problems if problem.severity == "warning"), Console(stderr=True, soft_wrap=True))
        errors = [problem for problem in problems if problem.severity == "error"]
        print(json.dumps(needs.as_json(errors), indent=2), file=console.file)
    else:
        show(spec, needs, problems, console)
    if any(problem.severity == "error" for problem in problems):
        return INVALID
    return UNSATISFIED if needs.errors else 0


def look(spec: Path, pairs: tuple[Iterable[str], Iterable[str], Iterable[str]], profile: Profile) -> tuple[Needs, tuple[Problem, ...]]:
    """The needs of a spec's file and every problem that rendering and validating it found; no needs where it cannot be rendered."""
    try:
        values = Values.parse(*pairs)
        rendered = render(files.read(spec), values)
    except SpecError as error:
        return Needs(), error.problems
    return discover(rendered), (*values.warnings(), *validate(rendered, profile))


def show(spec: Path, needs: Needs, problems: Sequence[Problem], console: Console) -> None:
    """The needs as tables, then everything that is wrong."""
    if needs.tasks:
        console.print(_endpoints(spec, needs))
        console.print(_tasks(needs))
        if needs.credentials:
            console.print(_credentials(needs))
        _show_list("Images", needs.images, console)
        for kind in ("input", "output", "checkpoint"):
            urls = dict.fromkeys(each.url for each in needs.data_urls if each.kind == kind and each.url)
            _show_list(f"Data, {kind}s", urls, console)
    show_problems((*problems, *needs.errors), console)


def show_problems(problems: Iterable[Problem], console: Console) -> None:
    """One line per problem."""
    for problem in problems:
        colour = "red" if problem.severity == "error" else "yellow"
        console.print(Text.assemble((f"{problem.severity}: ", colour), str(problem)), soft_wrap=True)


def _endpoints(spec: Path, needs: Needs) -> Table:
    table = Table(title=f"Endpoints of {spec.name}", title_justify="left")
    for column in ("served by", "endpoint", "variables of the spec"):
        table.add_column(column, overflow="fold")
    holders: dict[object, list[str]] = {}
    for name, held in needs.variables.items():
        for each in held:
            holders.setdefault(each, []).append(name)
    rows: list[tuple[str, str, object]] = [
        *(("NIM Operator", name, NimReference(name)) for name in needs.nim_services),
        *(("NVCF", "/".join(filter(None, (each.function_id, each.version_id))), each) for each in needs.nvcf_functions),
        *(("Foundry", host, FoundryReference(host)) for host in needs.foundry_endpoints),
        *(("others", url, ExternalReference(url)) for url in needs.external_endpoints),
    ]
    none = "none that can be served" if needs.errors else "none is needed"
    for served_by, endpoint, key in rows or [("nobody", none, "")]:
        table.add_row(served_by, Text(endpoint), Text(", ".join(holders.get(key, ()))))
    if needs.nim_services:
        table.caption = f"GPUs that NIM services hold as long as they run: {needs.nim_gpus}"
    return table


def _tasks(needs: Needs) -> Table:
    table = Table(title="Tasks", title_justify="left", show_footer=True)
    peak = needs.peak
    footers = ("at once, at most", "", str(peak.cpu), str(peak.gpu), f"{peak.memory_gi:g}Gi", f"{peak.storage_gi:g}Gi")
    for number, column in enumerate(("task", "group", "cpu", "gpu", "memory", "storage")):
        table.add_column(column, footers[number], justify="left" if number < _WORDS else "right", overflow="fold")
    for task in needs.tasks:
        table.add_row(*(Text(str(cell)) for cell in (task.name, task.group, task.cpu, task.gpu, task.memory, task.storage)))
    return table


def _credentials(needs: Needs) -> Table:
    table = Table(title="Credentials of OSMO", title_justify="left")
    for column in ("name", "use", "payload keys", "goes to", "tasks"):
        table.add_column(column, overflow="fold")
    for each in needs.credentials:
        goes_to = each.env_vars or each.mount_paths
        table.add_row(*(Text(cell) for cell in (each.name, each.use, *map(", ".join, (each.payload_keys, goes_to, each.tasks)))))
    return table


def _show_list(title: str, lines: Iterable[str], console: Console) -> None:
    known = list(lines)
    if known:
        console.print(Text("\n  ".join([f"{title}:", *known])), soft_wrap=True)
