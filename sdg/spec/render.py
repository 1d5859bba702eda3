"""From a spec's file to the document that the platform makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

import yaml
from yaml.nodes import Node

from sdg.spec.document import load, repeated_keys
from sdg.spec.lines import Lines, Source, as_yaml_counts
from sdg.spec.problem import MOST, Problem, SpecError, shown
from sdg.spec.sections import DEFAULTS, VERSION, WORKFLOW, Section, split
from sdg.spec.templates import comment_starts, fill, is_template, spaced_tokens
from sdg.spec.values import Values

LONGEST: Final = 2_000_000
SCHEMA_VERSION: Final = 2


@dataclass(frozen=True, slots=True)
class Rendered:
    """A spec with every variable filled in.

    Attributes:
        text: the workflow section as it was rendered first, comments and all.
        document: `{"version": 2, "workflow": {…}}` as plain dicts, lists and scalars, with `environment` in every task.
        lines: from a path to a line of the ORIGINAL file, see `line`.
        defaults: what `default-values` says, as written.
        values: variables by name as the rendering saw them: defaults under overrides.
        used: variables that the rendering really read; those of branches not taken are not among them.
        environment: what was set for every task.
        warnings: what the platform takes, but probably not as it was meant.
    """

    text: str
    document: Mapping[str, Any]
    lines: Lines
    defaults: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    used: frozenset[str] = frozenset()
    environment: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()

    def line(self, *path: str | int) -> int | None:
        """The line of the original file, from 1, where the value of a path starts: `line("workflow", "tasks", 0, "image")`.

        A path that the document does not have gets the line of its nearest ancestor; None where even that is unknown.
        `("default-values", name)` is the line of a default.
        """
        return self.lines.of(path)


def render(text: str, values: Values | None = None) -> Rendered:
    """What the platform makes of a spec.

    Args:
        text: of the spec's file.
        values: what the submission sets.

    Raises:
        SpecError: it cannot be rendered; names every problem that can be told.
    """
    if len(text) > LONGEST:
        raise SpecError.of(f"has {len(text)} characters, which is no workflow spec", legal=f"at most {LONGEST}", rule="bounds")
    values = values or Values()
    sections, warnings = split(text)
    workflow = sections[WORKFLOW]
    defaults, default_nodes = _defaults(sections.get(DEFAULTS))
    overrides = values.overrides()
    variables = defaults | overrides
    filled = fill(workflow.text, variables, workflow.line)
    source = Source(workflow.line, as_yaml_counts(filled.text, filled.lines))
    document, root = _read(filled.text, source)
    environment = values.variables()
    version, version_nodes = _version(sections.get(VERSION))
    lines = Lines({VERSION: version_nodes, WORKFLOW: (root, source), DEFAULTS: default_nodes})
    if is_template(filled.text) and _renders_twice(text):
        document = _again(document, overrides, _Leftover(defaults, lines))
    document = {"version": version, **document}
    return Rendered(
        text=filled.text,
        document=_with_environment(document, environment),
        lines=lines,
        defaults=defaults,
        values=variables,
        used=filled.used,
        environment=environment,
        warnings=(*warnings, *_lint(workflow, root, source)),
    )


def _renders_twice(text: str) -> bool:
    """Whether the client asks for a rendering before it submits, and so has the result rendered once more."""
    return "{{" in text or "{#" in text or DEFAULTS in text


def _defaults(section: Section | None) -> tuple[dict[str, Any], tuple[Node | None, Source]]:
    """Defaults by name, read as plain YAML: nothing is filled into them."""
    if section is None:
        return {}, (None, Source())
    source = Source(section.line, as_yaml_counts(section.text))
    value, root = load(section.text, source.line)
    found = value.get(DEFAULTS) if isinstance(value, dict) else None
    if found is not None and not isinstance(found, dict):
        raise SpecError.of("is no map of names to values", line=section.line, path=DEFAULTS, value=shown(found), rule="type")
    return {str(name): default for name, default in (found or {}).items()}, (root, source)


def _version(section: Section | None) -> tuple[object, tuple[Node | None, Source]]:
    """The schema's version, as written; what is legal is for the validator."""
    if section is None:
        return SCHEMA_VERSION, (None, Source())
    source = Source(section.line)
    value, root = load(section.text, source.line)
    return value.get(VERSION) if isinstance(value, dict) else None, (root, source)


def _read(text: str, source: Source) -> tuple[dict[str, Any], Node | None]:
    value, root = load(text, source.line)
    if not isinstance(value, dict) or not isinstance(value.get(WORKFLOW), dict):
        found = value.get(WORKFLOW) if isinstance(value, dict) else value
        legal = "a map with a name and either tasks or groups"
        raise SpecError.of("is no map", line=source.first, path=WORKFLOW, value=shown(found), legal=legal, rule="type")
    return value, root


@dataclass(frozen=True, slots=True)
class _Leftover:
    """Says where variables came from that the first rendering left in the text."""

    defaults: Mapping[str, Any]
    lines: Lines

    def problems(self, failures: tuple[Problem, ...]) -> list[Problem]:
        return [self._problem(failure) for failure in failures]

    def _problem(self, failure: Problem) -> Problem:
        name = failure.path.removeprefix(f"{DEFAULTS}.")
        if failure.rule != "undefined-variable":
            message = f"once rendered, the spec is rendered a second time: {failure.message}"
            return replace(failure, line=None, message=message)
        from_defaults = [key for key, value in self.defaults.items() if name in str(value) and is_template(str(value))]
        if not from_defaults:
            message = f"the variable {name!r} has no value when what was rendered is rendered a second time, with what is set alone"
            return replace(failure, line=None, message=message, legal=f"--set-string {name}=…")
        key = from_defaults[0]
        message = f"holds the variable {name!r}, which has no value: nothing but what is set is filled into a default"
        legal = f"--set-string {name}=…, or --set-string {key}=…"
        path = f"{DEFAULTS}.{key}"
        return Problem(self.lines.of((DEFAULTS, key)), path, shown(self.defaults[key]), message, legal, rule=failure.rule)


def _again(document: dict[str, Any], overrides: Mapping[str, Any], leftover: _Leftover) -> dict[str, Any]:
    """The second rendering: of what came out of the first, written anew, with what is set and no defaults."""
    written = yaml.dump(document, Dumper=yaml.CSafeDumper, default_flow_style=False)
    if not is_template(written):
        return document
    try:
        return _read(fill(written, overrides, 1).text, Source())[0]
    except SpecError as error:
        raise SpecError(leftover.problems(error.problems)) from error


def _with_environment(document: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    if not environment:
        return document
    for task in _tasks_of(document):
        given = task.get("environment")
        if given is None or isinstance(given, dict):
            task["environment"] = {**(given or {}), **environment}
    return document


def _tasks_of(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every task of a document, valid or not, that is a map."""
    workflow = document.get(WORKFLOW)
    if not isinstance(workflow, dict):
        return
    groups = workflow.get("groups")
    owners = [workflow, *(group for group in (groups if isinstance(groups, list) else ()) if isinstance(group, dict))]
    for owner in owners:
        tasks = owner.get("tasks")
        yield from (task for task in (tasks if isinstance(tasks, list) else ()) if isinstance(task, dict))


def _lint(workflow: Section, root: Node | None, source: Source) -> Iterator[Problem]:
    if "{" in workflow.text:
        yield from spaced_tokens(workflow.text, workflow.line, "warning")
        yield from comment_starts(workflow.text, workflow.line, "warning")
    for path, line in islice(repeated_keys(root), MOST):
        dotted = ".".join(map(str, path))
        yield Problem(source.line(line), dotted, "", "stands twice; the last one counts", "one", "warning", "repeated-key")
