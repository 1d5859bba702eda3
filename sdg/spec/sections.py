"""The top-level sections of a spec's file, which is no YAML before it is rendered.

The platform looks for keys at the very start of a line, and for nothing else: text before the first one is dropped, and an indented key
belongs to the section that it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sdg.spec.problem import Problem, SpecError, meant

WORKFLOW: Final = "workflow"
DEFAULTS: Final = "default-values"
VERSION: Final = "version"
SECTIONS: Final = (VERSION, WORKFLOW, DEFAULTS)
_MOST_PROBLEMS: Final = 50

_KEY = re.compile(r"^([a-zA-Z][a-zA-Z0-9_-]*):", re.MULTILINE)
_INDENTED_DEFAULTS = re.compile(r"^[ \t]+default-values:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """One section with its key.

    Attributes:
        text: up to the next section's key.
        line: of its key, from 1.
    """

    text: str
    line: int


def split(text: str) -> tuple[Mapping[str, Section], tuple[Problem, ...]]:
    """The sections by key, and what the platform takes but probably not as it was meant.

    Raises:
        SpecError: names every key that is unknown or repeated, and a workflow that is missing.
    """
    found = list(_KEY.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)][: len(found)]
    sections: dict[str, Section] = {}
    problems: list[Problem] = []
    position, line = 0, 1
    for match, end in zip(found, ends, strict=True):
        if len(problems) >= _MOST_PROBLEMS:
            break
        line += text.count("\n", position, match.start())
        position, key = match.start(), match[1]
        if key not in SECTIONS:
            problems.append(_unknown(key, line))
        elif key in sections:
            message = f"stands twice; it is in line {sections[key].line} already, and the platform refuses that"
            problems.append(Problem(line, key, "", message, rule="repeated-key"))
        else:
            sections[key] = Section(text[match.start() : end], line)
    if WORKFLOW not in sections and len(problems) < _MOST_PROBLEMS:
        problems.append(Problem(None, WORKFLOW, "", *_no_workflow(text), rule="missing-key"))
    if problems:
        raise SpecError(problems)
    return sections, tuple(_lint(sections))


def _unknown(key: str, line: int) -> Problem:
    legal = f"{', '.join(SECTIONS)}; other text at the start of a line needs an indent"
    return Problem(line, key, "", f"is no top-level key{meant(key, SECTIONS)}", legal, rule="unknown-key")


def _no_workflow(text: str) -> tuple[str, str]:
    indented = re.search(r"^[ \t]+workflow:", text, re.MULTILINE)
    hint = f"; the one in line {text.count(chr(10), 0, indented.start()) + 1} is indented" if indented else ""
    return f"is missing{hint}", "a `workflow:` at the very start of a line"


def _lint(sections: Mapping[str, Section]) -> list[Problem]:
    workflow = sections[WORKFLOW]
    return [
        Problem(
            workflow.line + workflow.text.count("\n", 0, match.end()),
            f"{WORKFLOW}.{DEFAULTS}",
            "",
            "gives no defaults, since it is indented and so part of the workflow",
            "`default-values:` at the very start of a line",
            "warning",
            "indented-defaults",
        )
        for match in _INDENTED_DEFAULTS.finditer(workflow.text)
    ]
