"""From the text that was posted to the document that is validated: sections, variables, Jinja, YAML."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from rehearsal.services.osmo.errors import ErrorCode, OsmoError, user_error

_SECTIONS = ("workflow", "default-values", "version")
_TOP_LEVEL = re.compile(r"^([a-zA-Z][a-zA-Z0-9_-]*):", re.MULTILINE)
# these are for the running task: rendering leaves them as they are; with spaces inside they are variables as any other
_KEPT = re.compile(r"\{\{(?:output|workflow_id|uuid|input:[^}]+|host:[^}]+)\}\}")


def render_spec(text: str, set_variables: Iterable[str], set_string_variables: Iterable[str]) -> dict[str, Any]:
    """The document that a posted spec means, without its default values.

    Raises:
        OsmoError: no workflow section, another or repeated top-level key, a Jinja failure, a YAML syntax error.
    """
    sections = split_sections(text)
    variables = _defaults(sections.pop("default-values", ""))
    variables |= {name: _cast(value) for name, value in map(_pair, set_variables)}
    variables |= dict(map(_pair, set_string_variables))
    version = _load(sections["version"]) if "version" in sections else {}
    return version | _load(_render(sections["workflow"], variables))


def split_sections(text: str) -> dict[str, str]:
    """The text of each top-level section; it cannot be read as YAML before it is rendered."""
    starts = list(_TOP_LEVEL.finditer(text))
    sections: dict[str, str] = {}
    ends = [match.start() for match in starts[1:]] + [len(text)]
    for match, end in zip(starts, ends, strict=False):
        key = match[1]
        if key not in _SECTIONS:
            raise user_error(f'Unknown top-level key "{key}" found in the workflow spec.')
        if key in sections:
            raise user_error(f'Duplicate top-level key "{key}" found in the workflow spec.')
        sections[key] = text[match.start() : end]
    if "workflow" not in sections:
        raise user_error("Workflow spec not found.")
    return sections


def _defaults(section: str) -> dict[str, Any]:
    values = _load(section).get("default-values") if section else None
    return dict(values) if isinstance(values, Mapping) else {}


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise OsmoError(ErrorCode.USAGE, f"Data {text} is incorrectly formatted")
    return name, value


def _cast(value: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def _render(text: str, variables: Mapping[str, Any]) -> str:
    kept: dict[str, str] = {}

    def keep(match: re.Match[str]) -> str:
        token = f"kept{uuid.uuid4().hex}"
        kept[token] = match[0]
        return token

    template = _KEPT.sub(keep, text)
    try:
        rendered = SandboxedEnvironment(undefined=StrictUndefined).from_string(template).render(variables)
    except (TemplateError, ValueError, TypeError, ArithmeticError) as error:
        raise OsmoError(ErrorCode.USAGE, f"Jinja substitution failure: {type(error)}: {error}") from error
    for token, original in kept.items():
        rendered = rendered.replace(token, original)
    return rendered


def _load(text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        sentence = f"Workflow spec is not properly formatted: {error}"
        raise OsmoError(ErrorCode.USAGE, sentence, workflow_id=uuid.uuid4().hex) from error
    if not isinstance(found, dict):
        raise user_error("Workflow spec not found.")
    return found


def spec_name(document: Mapping[str, Any]) -> str | None:
    """The workflow's name as written, before anything is validated."""
    section = document.get("workflow")
    name = section.get("name") if isinstance(section, Mapping) else None
    return str(name) if name is not None else None


def normalized(document: Mapping[str, Any], default_platform: str, environment: Mapping[str, str]) -> str:
    """The stored form: version 2, groups instead of tasks, every resource with its platform, extra environment filled in."""
    workflow = {key: value for key, value in document["workflow"].items() if key not in ("tasks", "groups") and value is not None}
    tasks = document["workflow"].get("tasks") or []
    groups = document["workflow"].get("groups") or [{"name": f"{task['name']}-group", "tasks": [{**task, "lead": True}]} for task in tasks]
    for group in groups:
        if environment:
            group["tasks"] = [{**task, "environment": {**(task.get("environment") or {}), **environment}} for task in group["tasks"]]
    workflow["groups"] = groups
    if workflow.get("resources"):
        workflow["resources"] = {
            name: {**profile, "platform": profile.get("platform") or default_platform} for name, profile in workflow["resources"].items()
        }
    return dump({"version": 2, "workflow": workflow})


def dump(document: Mapping[str, Any]) -> str:
    """YAML as the service writes it: keys sorted, block style."""
    text: str = yaml.safe_dump(dict(document), default_flow_style=False, allow_unicode=True)
    return text
