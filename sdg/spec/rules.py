"""What the parts of a spec ask of each other: names, leads, inputs, tokens, profiles, files and credentials."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sdg.spec.forms import TRUE
from sdg.spec.problem import meant
from sdg.spec.render import Rendered
from sdg.spec.report import MISSING, Report, Where, listed
from sdg.spec.surroundings import Surroundings
from sdg.spec.tasks import DEFAULT_PROFILE, Task, items, mapping, scalar, tasks_of

_RESERVED: Final = "osmo-ctrl"
_TOKEN: Final = re.compile(r"\{\{ *(input|host):([^}]+?) *\}\}")
_LARGEST_FILE: Final = 1_000_000


def check_rules(rendered: Rendered, report: Report, surroundings: Surroundings) -> None:
    """Notes every broken rule."""
    workflow = mapping(rendered.document.get("workflow"))
    tasks = tasks_of(rendered.document)
    groups: defaultdict[int, list[Task]] = defaultdict(list)
    for task in tasks:
        groups[task.group_index].append(task)
    for members in groups.values():
        _lead(members, report)
    _names(workflow, tasks, report)
    if len(tasks) > surroundings.most_tasks:
        report.add(("workflow",), MISSING, f"has {len(tasks)} tasks", f"at most {surroundings.most_tasks}", "too-many-tasks")
    _resources(mapping(workflow.get("resources")), tasks, report, surroundings)
    group_of = {task.name: task.group_index for task in tasks}
    hosts = {group: {task.name for task in members} for group, members in groups.items()}
    for task in tasks:
        if report.full:
            break
        _inputs(task, group_of, report)
        _tokens(task, hosts[task.group_index], report)
        _files(task, report, surroundings.folder)
        _credentials(task, report, surroundings.credentials)


def _maps(value: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The maps in a list, with their places."""
    return ((index, item) for index, item in enumerate(items(value)) if isinstance(item, dict))


def _lead(members: Sequence[Task], report: Report) -> None:
    leads = [task.name for task in members if str(task.body.get("lead", False)).lower() in TRUE]
    if len(members) > 1 and len(leads) != 1:
        names = f": {', '.join(leads)}" if leads else ""
        group = members[0].place[:-2]
        report.add(group, MISSING, f"has {len(members)} tasks and {len(leads)} leads{names}", "exactly one with `lead: true`", "lead")


def _names(workflow: Mapping[str, Any], tasks: Sequence[Task], report: Report) -> None:
    groups = ((scalar(group.get("name")), ("workflow", "groups", index)) for index, group in _maps(workflow.get("groups")))
    seen: dict[str, str] = {}
    for name, where in (*groups, *((task.name, task.place) for task in tasks)):
        folded = name.lower().replace("_", "-")
        if folded == _RESERVED:
            report.add((*where, "name"), name, "is the name of a container of the platform's own", "another name", "name")
        elif folded and folded in seen:
            message = f"is the name of another task or group: {seen[folded]}"
            report.add((*where, "name"), name, message, "names that differ in more than case and dashes", "unique-names")
        else:
            seen[folded] = name


def _resources(profiles: Mapping[str, Any], tasks: Sequence[Task], report: Report, surroundings: Surroundings) -> None:
    for task in () if report.full else tasks:
        wanted = task.body.get("resource", DEFAULT_PROFILE)
        if isinstance(wanted, str) and wanted != DEFAULT_PROFILE and wanted not in profiles:
            known = {DEFAULT_PROFILE, *map(str, profiles)}
            message = f"is no resource profile of this workflow{meant(wanted, known)}"
            report.add((*task.place, "resource"), wanted, message, listed(known), "resource")
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


def _inputs(task: Task, group_of: Mapping[str, int], report: Report) -> None:
    for index, item in _maps(task.body.get("inputs")):
        source, where = item.get("task"), (*task.place, "inputs", index, "task")
        if not isinstance(source, str) or ":" in source:  # a colon names a task of another workflow
            continue
        if source not in group_of:
            message = f"is no task of this workflow{meant(source, group_of)}"
            report.add(where, source, message, listed(group_of), "input-task")
        elif group_of[source] >= task.group_index:
            same = "runs together with this one" if group_of[source] == task.group_index else "is declared later"
            report.add(where, source, f"{same}, so its output cannot be an input", "a task of a group that is declared before", "upstream")


def _tokens(task: Task, hosts: Collection[str], report: Report) -> None:
    inputs = items(task.body.get("inputs"))
    sources = {str(item["task"]).rpartition(":")[2] for item in map(mapping, inputs) if "task" in item}
    for where, text in _strings(task):
        for kind, name in _TOKEN.findall(text):
            if kind == "host" and name not in hosts:
                report.add(where, f"{{{{host:{name}}}}}", "names no task of this group", listed(hosts), "host-token")
            elif kind == "input" and not _is_input(name, len(inputs), sources):
                legal = listed([*range(len(inputs)), *sources], "none, since the task has no inputs")
                report.add(where, f"{{{{input:{name}}}}}", "is no input of this task", legal, "input-token")


def _is_input(name: str, count: int, sources: Collection[str]) -> bool:
    return name in sources or (name.isdecimal() and len(name) < 6 and int(name) < count)  # noqa: PLR2004 - no task has that many


def _strings(task: Task) -> Iterator[tuple[Where, str]]:
    """Texts of a task in which the platform fills in tokens, and that hold some."""
    waiting: list[tuple[Where, Any]] = [((*task.place, str(key)), value) for key, value in task.body.items() if key != "name"]
    while waiting:
        where, value = waiting.pop()
        if isinstance(value, str):
            if "{{" in value:
                yield where, value
        elif isinstance(value, dict):
            waiting.extend(((*where, str(key)), item) for key, item in value.items())
        elif isinstance(value, list):
            waiting.extend(((*where, index), item) for index, item in enumerate(value))


def _files(task: Task, report: Report, folder: Path | None) -> None:
    seen: dict[str, int] = {}
    for index, item in _maps(task.body.get("files")):
        path, where = item.get("path"), (*task.place, "files", index)
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


def _credentials(task: Task, report: Report, known: Mapping[str, Collection[str] | None] | None) -> None:
    used = task.body.get("credentials")
    if known is None or not isinstance(used, dict):
        return
    for name, taken in used.items():
        where = (*task.place, "credentials", str(name))
        if name not in known:
            report.add(where, MISSING, "is no credential of this user", listed(known), "credential")
            continue
        keys = known[name]
        for variable, key in taken.items() if isinstance(taken, dict) and keys is not None else ():
            if str(key) not in (keys or ()):
                report.add((*where, str(variable)), key, f"is no key of {name}", listed(keys or ()), "credential")
