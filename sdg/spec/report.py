"""Collects what is wrong with a rendered spec, by path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sdg.spec.problem import MOST, Problem, shown
from sdg.spec.render import Rendered

Where = tuple[str | int, ...]

MISSING: Final = object()
"""Stands for a value that is not there."""

_MOST_LISTED: Final = 30


def listed(names: Iterable[object], none: str = "none") -> str:
    """Legal names as a problem lists them."""
    found = sorted(map(str, names))
    more = f", and {len(found) - _MOST_LISTED} more" if len(found) > _MOST_LISTED else ""
    return ", ".join(found[:_MOST_LISTED]) + more if found else none


@dataclass(frozen=True, slots=True)
class Report:
    """What was found so far."""

    rendered: Rendered
    _found: list[Problem] = field(default_factory=list)

    def add(  # noqa: PLR0917 - in the order of a problem's sentence
        self,
        where: Where,
        value: Any,  # noqa: ANN401 - whatever stands in a spec
        message: str,
        legal: str = "",
        rule: str = "",
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        """Notes one problem; those beyond `MOST` are dropped."""
        if self.full:
            return
        path = ".".join(map(str, where))
        label = next((str(step) for step in reversed(where) if isinstance(step, str)), "")
        text = "" if value is MISSING else shown(value, label)
        self._found.append(Problem(self.rendered.line(*where), path, text, message, legal, severity, rule))

    @property
    def full(self) -> bool:
        """Whether more was found than anybody reads."""
        return len(self._found) >= MOST

    def problems(self) -> tuple[Problem, ...]:
        """All of them."""
        return tuple(self._found)
