"""Finds the spec of a stack's workload, and says what its catalog entry knows of it. Reads files, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from sdg.catalog import workloads as catalog
from sdg.inference.roles import Role
from sdg.settings.workload import CataloguedWorkload, SpecWorkload
from sdg.spec import files
from sdg.spec.problem import SpecError
from sdg.spec.values import Values
from sdg.workload.clone import Source, clone_of, folder, present

KEY: Final = "sdg:workload"


@dataclass(frozen=True, slots=True)
class Found:
    """What a stack's workload is.

    Attributes:
        name: as a sentence names it.
        path: of its spec; None where the catalog doesn't know it.
        text: of the spec; None where it cannot be read.
        values: that the stack gives it.
        roles: its variables that take URLs of endpoints.
        problems: one sentence or two each.
    """

    name: str
    path: Path | None = None
    text: str | None = None
    values: Values = field(default_factory=Values)
    roles: tuple[Role, ...] = ()
    problems: tuple[str, ...] = ()


def find(workload: CataloguedWorkload | SpecWorkload, environ: Mapping[str, str] = os.environ) -> Found:
    """The workload, and everything that is wrong with what the stack says of it."""
    given = (*_environment(workload.environment), *_twice(workload))
    if isinstance(workload, SpecWorkload):
        path = Path(workload.path)
        text, problem = _read(path, f"{KEY}.path")
        return Found(f"the spec {path}", path, text, values_of(workload), problems=(*given, *([problem] if problem else ())))
    found = _catalogued(workload, environ)
    return Found(found.name, found.path, found.text, found.values, found.roles, (*given, *found.problems))


def values_of(workload: CataloguedWorkload | SpecWorkload) -> Values:
    """What the stack fills the spec in with, as a submission sets it."""
    values = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in workload.values.items()}
    return Values(values, dict(workload.strings), dict(workload.environment))


def source_of(entry: catalog.Workload) -> Source:
    """Where a catalogued workload is published."""
    return Source(entry.repository, entry.commit)


def _catalogued(workload: CataloguedWorkload, environ: Mapping[str, str]) -> Found:
    try:
        entry = catalog.workload(workload.name)
    except (catalog.ContainerOnly, catalog.UnknownWorkload) as error:
        return Found(workload.name, problems=(f"{KEY}.name: {error}",))
    try:
        flow = entry.flow(workload.flow)
    except catalog.UnknownFlow as error:
        return Found(workload.name, problems=(f"{KEY}.flow: {error}",))
    name = f"{workload.name}'s flow {workload.flow or entry.default_flow}"
    clone = clone_of(source_of(entry), folder(environ))
    values = _with_folder(values_of(workload), entry, clone)
    missing = [variable for variable in flow.required if variable not in {**values.values, **values.strings}]
    problems = tuple(_required(variable, name) for variable in missing)
    roles = tuple(_role(variable, role) for variable, role in flow.endpoints.items())
    path = clone / entry.folder / flow.path
    if not present(source_of(entry), folder(environ)):
        how = f"Fetch it: `sdg workload fetch {workload.name}`."
        absent = f"{KEY}.name: the spec of {workload.name} is not on this host ({clone} is missing). {how}"
        return Found(name, path, None, values, roles, (*problems, absent))
    if not path.is_file():
        gone = f"{KEY}.flow: the repository of {workload.name} has no spec of {name} at the catalog's commit: {path} is missing."
        instead = "Take another of its flows, or a spec of yours with kind spec."
        return Found(name, path, None, values, roles, (*problems, f"{gone} {instead}"))
    text, problem = _read(path, f"{KEY}.flow")
    # what has no value cannot be rendered, and would only be said twice
    return Found(name, path, None if missing else text, values, roles, (*problems, *([problem] if problem else ())))


def _required(variable: str, name: str) -> str:
    how = f"Set it: `pulumi config set --path sdg:workload.values.{variable} VALUE`."
    return f"{KEY}.values.{variable} is required: {name} has no default for it. {how}"


def _with_folder(values: Values, entry: catalog.Workload, clone: Path) -> Values:
    """With where the workload's own files are, unless the stack says that itself."""
    variable = entry.folder_variable
    if variable is None or variable in values.values or variable in values.strings:
        return values
    return Values(values.values, {**values.strings, variable: str(clone / entry.folder)}, values.environment)


def _role(variable: str, role: catalog.Role) -> Role:
    return Role(variable, role.capabilities, role.nim, role.model, role.request_path, role.model_variable, role.suffix)


def _environment(given: Mapping[str, str]) -> Iterator[str]:
    """Values that the platform would cut."""
    for name, value in given.items():
        if "=" in value:
            yield (
                f"{KEY}.environment.{name} holds an equals sign, and OSMO drops it with all that follows. Say it in the spec, or as a "
                "variable of it in sdg:workload.strings."
            )


def _twice(workload: CataloguedWorkload | SpecWorkload) -> Iterator[str]:
    """Variables that are given two values."""
    for name in workload.values:
        if name in workload.strings:
            yield f"{KEY}.values.{name}: sdg:workload.strings gives the same variable a value; say one of the two."


def _read(path: Path, key: str) -> tuple[str | None, str | None]:
    """A spec's text, or why there is none."""
    try:
        return files.read(path), None
    except SpecError as error:
        return None, " ".join(f"{replace(problem, path=key)}." for problem in error.problems)
