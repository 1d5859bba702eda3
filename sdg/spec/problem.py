"""What is wrong with a workflow spec: where, what stands there, and what may stand there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from sdg.catalog.key_shapes import key_shape
from sdg.catalog.near import nearest

LONGEST_SHOWN: Final = 60
MOST: Final = 500
"""Problems of one kind that are told; nobody reads more."""
_MOST_COMPARED: Final = 1000
_LONGEST_KEY: Final = 2000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a spec, or that it had better not rely on.

    Attributes:
        line: of the spec's file, from 1; None where no line can be told.
        path: dotted, list items by their index: `workflow.tasks.0.image`; that of the missing key where one is missing.
        value: what stands there, shortened; empty where nothing does.
        message: what is wrong, as a sentence without its full stop.
        legal: what may stand there instead; empty where the message says so.
        severity: the platform refuses errors; warnings it takes.
        rule: short name of the broken rule.
    """

    line: int | None
    path: str
    value: str
    message: str
    legal: str = ""
    severity: Literal["error", "warning"] = "error"
    rule: str = ""

    def __str__(self) -> str:
        place = f"{self.path or 'spec'}{f' (line {self.line})' if self.line else ''}"
        value = f"; it is {self.value}" if self.value else ""
        legal = f"; legal: {self.legal}" if self.legal else ""
        return f"{place}: {self.message}{value}{legal}"


class SpecError(ValueError):
    """A spec that cannot be rendered, or that OSMO would refuse, with every problem in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    @classmethod
    def of(cls, message: str, *, line: int | None = None, path: str = "", value: str = "", legal: str = "", rule: str = "") -> SpecError:
        """An error with one problem."""
        return cls([Problem(line, path, value, message, legal, rule=rule)])


def shown(value: object, label: str = "") -> str:
    """A value as a problem shows it: on one line, short, and never one that looks like a credential.

    Args:
        value: anything that stands in a spec.
        label: name of the key that holds it.
    """
    if isinstance(value, dict):
        return f"a map of {len(value)}" if value else "an empty map"
    if isinstance(value, list | tuple | set):
        return f"a list of {len(value)}" if value else "an empty list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and key_shape(value[:_LONGEST_KEY], label):
        return "a text that looks like a credential"
    text = repr(value[: LONGEST_SHOWN * 2]) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def meant(name: str, known: Iterable[str], most: int = 1) -> str:
    """The end of a sentence about a name that is not known: which ones were probably meant; empty where none is like it."""
    near = nearest(name, islice(known, _MOST_COMPARED))[:most]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
