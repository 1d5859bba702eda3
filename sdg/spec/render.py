"""From a spec's file to the document that the platform makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sdg.spec.lines import Lines
from sdg.spec.problem import Problem
from sdg.spec.values import Values


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

    @property
    def unused_defaults(self) -> frozenset[str]:
        """Defaults that nothing read, or that an override took the place of."""
        return frozenset(name for name in self.defaults if name not in self.used or self.values.get(name) is not self.defaults[name])


def render(text: str, values: Values | None = None) -> Rendered:
    """What the platform makes of a spec.

    Args:
        text: of the spec's file.
        values: what the submission sets.

    Raises:
        SpecError: it cannot be rendered; names every problem that can be told.
    """
    raise NotImplementedError
