"""What the parts of a spec ask of each other: names, leads, inputs, tokens, profiles, files and credentials."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from sdg.spec.problem import LONGEST_SHOWN
from sdg.spec.render import Rendered
from sdg.spec.report import MISSING, Report, Where, listed

_RESERVED: Final = "osmo-ctrl"
_TOKEN: Final = re.compile(r"\{\{ *(input|host):([^}]+?) *\}\}")
_NIM: Final = re.compile(r"\b(https?)://[a-z0-9.-]+\.osmo-nims(?:\.svc(?:\.cluster\.local)?)?(?::(\d+))?(?=[/\s\"']|$)", re.IGNORECASE)
_LARGEST_FILE: Final = 1_000_000


class Surroundings(Protocol):
    """See `validate.Surroundings`."""

    @property
    def platforms(self) -> Collection[str] | None: ...
    @property
    def gpu_platforms(self) -> Collection[str] | None: ...
    @property
    def credentials(self) -> Mapping[str, Collection[str] | None] | None: ...
    @property
    def folder(self) -> Path | None: ...
    @property
    def most_tasks(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _Task:
    """A task with its place; plain tasks are groups of their own.

    Attributes:
        group: index of the group, in the order in which groups are declared.
    """

    spec: Mapping[str, Any]
    where: Where
    group: int

    @property
    def name(self) -> str:
        return str(self.spec.get("name", ""))

    def items(self, key: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The maps in a list of the task."""
        found = self.spec.get(key)
        return ((index, item) for index, item in enumerate(found if isinstance(found, list) else ()) if isinstance(item, dict))


def check_rules(rendered: Rendered, report: Report, surroundings: Surroundings) -> None:
    """Notes every broken rule."""
    workflow = rendered.document.get("workflow")
    if not isinstance(workflow, dict):
        return
    tasks = list(_tasks(workflow, report))
    _names(workflow, tasks, report)
    if len(tasks) > surroundings.most_tasks:
        report.add(("workflow",), MISSING, f"has {len(tasks)} tasks", f"at most {surroundings.most_tasks}", "too-many-tasks")
    profiles = workflow.get("resources")
    _resources(profiles if isinstance(profiles, dict) else {}, tasks, report, surroundings)
    for task in tasks:
        if report.full:
            break
        _inputs(task, tasks, report)
        _tokens(task, tasks, report)
        _files(task, report, surroundings.folder)
        _credentials(task, report, surroundings.credentials)


def _tasks(workflow: Mapping[str, Any], report: Report) -> Iterator[_Task]:
    groups = workflow.get("groups")
    number = -1
    for number, group in enumerate(groups if isinstance(groups, list) else ()):
        if isinstance(group, dict):
            where: Where = ("workflow", "groups", number)
            members = [_Task(spec, (*where, "tasks", index), number) for index, spec in _maps(group.get("tasks"))]
            _lead(members, where, report)
            yield from members
    for index, spec in _maps(workflow.get("tasks")):
        number += 1
        yield _Task(spec, ("workflow", "tasks", index), number)


def _maps(value: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return ((index, item) for index, item in enumerate(value if isinstance(value, list) else ()) if isinstance(item, dict))


def _lead(members: list[_Task], where: Where, report: Report) -> None:
    leads = [task.name for task in members if str(task.spec.get("lead", False)).lower() in ("true", "1", "yes", "on", "y", "t")]
    if len(members) > 1 and len(leads) != 1:
        names = f": {', '.join(leads)}" if leads else ""
        report.add(where, MISSING, f"has {len(members)} tasks and {len(leads)} leads{names}", "exactly one with `lead: true`", "lead")


def _names(workflow: Mapping[str, Any], tasks: list[_Task], report: Report) -> None:
    named: list[tuple[str, Where]] = [
        (str(group.get("name", "")), ("workflow", "groups", index)) for index, group in _maps(workflow.get("groups"))
    ]
    seen: dict[str, str] = {}
    for name, where in [*named, *((task.name, task.where) for task in tasks)]:
        folded = name.lower().replace("_", "-")
        if folded == _RESERVED:
            report.add((*where, "name"), name, "is the name of a container of the platform's own", "another name", "name")
        elif folded and folded in seen:
            message = f"is the name of another task or group: {seen[folded]}"
            report.add((*where, "name"), name, message, "names that differ in more than case and dashes", "unique-names")
        else:
            seen[folded] = name


def _resources(profiles: Mapping[str, Any], tasks: list[_Task], report: Report, surroundings: Surroundings) -> None:
    for task in () if report.full else tasks:
        wanted = task.spec.get("resource", "default")
        if isinstance(wanted, str) and wanted != "default" and wanted not in profiles:
            near = difflib.get_close_matches(wanted, profiles, n=1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            legal = listed({"default", *map(str, profiles)})
            report.add((*task.where, "resource"), wanted, f"is no resource profile of this workflow{meant}", legal, "resource")
    for name, profile in profiles.items():
        platform = profile.get("platform") if isinstance(profile, dict) else None
        where: Where = ("workflow", "resources", str(name), "platform")
        if surroundings.platforms is not None and isinstance(platform, str) and platform not in surroundings.platforms:
            legal = listed(surroundings.platforms)
            report.add(where, platform, "is no platform of the pool", legal, "platform")
        elif (
            surroundings.gpu_platforms is not None
            and platform
            and _positive(profile.get("gpu"))
            and platform not in surroundings.gpu_platforms
        ):
            legal = listed(surroundings.gpu_platforms)
            report.add(where, platform, "has no GPUs, and the profile asks for some", legal, "gpu-platform")


def _positive(value: object) -> bool:
    return isinstance(value, str | int | float) and str(value).strip("0. ") not in ("", "False")


def _inputs(task: _Task, tasks: list[_Task], report: Report) -> None:
    groups = {other.name: other.group for other in tasks}
    for index, item in task.items("inputs"):
        source, where = item.get("task"), (*task.where, "inputs", index, "task")
        if not isinstance(source, str) or ":" in source:  # a colon names a task of another workflow
            continue
        if source not in groups:
            near = difflib.get_close_matches(source, groups, n=1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            report.add(where, source, f"is no task of this workflow{meant}", listed(groups), "input-task")
        elif groups[source] >= task.group:
            same = "runs together with this one" if groups[source] == task.group else "is declared later"
            report.add(where, source, f"{same}, so its output cannot be an input", "a task of a group that is declared before", "upstream")


def _tokens(task: _Task, tasks: list[_Task], report: Report) -> None:
    inputs = task.spec.get("inputs")
    count = len(inputs) if isinstance(inputs, list) else 0
    sources = {str(item["task"]).rpartition(":")[2] for _, item in task.items("inputs") if "task" in item}
    hosts = {other.name for other in tasks if other.group == task.group}
    for where, text in _strings(task):
        for kind, name in _TOKEN.findall(text):
            if kind == "host" and name not in hosts:
                report.add(where, f"{{{{host:{name}}}}}", "names no task of this group", listed(hosts), "host-token")
            elif kind == "input" and not _is_input(name, count, sources):
                legal = listed([*range(count), *sources], "none, since the task has no inputs")
                report.add(where, f"{{{{input:{name}}}}}", "is no input of this task", legal, "input-token")
        for scheme, port in _NIM.findall(text):
            if scheme.lower() != "http" or port not in ("", "8000") or not port:
                message = "calls a NIM in the cluster otherwise than it listens"
                report.add(where, _around(text), message, "http and port 8000", "nim-port", "warning")


def _is_input(name: str, count: int, sources: Collection[str]) -> bool:
    return name in sources or (name.isdecimal() and len(name) < 6 and int(name) < count)  # noqa: PLR2004 - no task has that many


def _around(text: str) -> str:
    found = _NIM.search(text)
    return text[found.start() : found.start() + LONGEST_SHOWN].split(maxsplit=1)[0] if found else ""


def _strings(task: _Task) -> Iterator[tuple[Where, str]]:
    """Texts of a task in which the platform fills in tokens, and that hold something to look at."""
    waiting: list[tuple[Where, Any]] = [((*task.where, str(key)), value) for key, value in task.spec.items() if key != "name"]
    while waiting:
        where, value = waiting.pop()
        if isinstance(value, str):
            if "{{" in value or "osmo-nims" in value:
                yield where, value
        elif isinstance(value, dict):
            waiting.extend(((*where, str(key)), item) for key, item in value.items())
        elif isinstance(value, list):
            waiting.extend(((*where, index), item) for index, item in enumerate(value))


def _files(task: _Task, report: Report, folder: Path | None) -> None:
    seen: dict[str, int] = {}
    for index, item in task.items("files"):
        path, where = item.get("path"), (*task.where, "files", index)
        if isinstance(path, str) and path in seen:
            report.add((*where, "path"), path, f"is the path of file {seen[path]} already", "a path of its own", "file-path")
        elif isinstance(path, str):
            seen[path] = index
        local = item.get("localpath")
        if folder is not None and isinstance(local, str):
            fault = _local_fault(folder / local)
            if fault:
                legal = f"a text file, relative to {folder}"
                report.add((*where, "localpath"), local, fault, legal, "localpath")


def _local_fault(path: Path) -> str:
    """What keeps the client from reading a file; empty when nothing does."""
    try:
        if path.is_dir():
            return "is a folder"
        if not path.is_file():
            return "is no file here"
        if path.stat().st_size > _LARGEST_FILE:
            return f"has more than {_LARGEST_FILE} bytes"
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return "is no text in UTF-8"
    except (OSError, ValueError) as error:
        return f"cannot be read: {error.__class__.__name__}"
    return ""


def _credentials(task: _Task, report: Report, known: Mapping[str, Collection[str] | None] | None) -> None:
    used = task.spec.get("credentials")
    if known is None or not isinstance(used, dict):
        return
    for name, taken in used.items():
        where = (*task.where, "credentials", str(name))
        if name not in known:
            report.add(where, MISSING, "is no credential of this user", listed(known), "credential")
            continue
        keys = known[name]
        for variable, key in taken.items() if isinstance(taken, dict) and keys is not None else ():
            if str(key) not in (keys or ()):
                report.add((*where, str(variable)), key, f"is no key of {name}", listed(keys or ()), "credential")
