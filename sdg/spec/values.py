"""What a submission sets beside the spec: `--set`, `--set-string` and `--set-env`, read as the platform reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sdg.spec.problem import Problem, SpecError, shown

Scalar = int | float | str


@dataclass(frozen=True, slots=True)
class Values:
    """What is set for one rendering.

    Attributes:
        values: of `--set`, as text; each is cast to an integer, else to a number, else it stays text.
        strings: of `--set-string`; never cast, and stronger than `values`.
        environment: of `--set-env`; variables of every task, stronger than the spec's.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    strings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, values: Iterable[str] = (), strings: Iterable[str] = (), environment: Iterable[str] = ()) -> Values:
        """Reads `NAME=VALUE` pairs.

        Raises:
            SpecError: names every pair that is none.
        """
        problems: list[Problem] = []
        read = [
            dict(_pairs(pairs, option, problems))
            for option, pairs in (("--set", values), ("--set-string", strings), ("--set-env", environment))
        ]
        if problems:
            raise SpecError(problems)
        return cls(*read)

    def variables(self) -> dict[str, str]:
        """Variables of every task as the platform sets them: it drops a second `=` with all that follows."""
        return {name: value.partition("=")[0] for name, value in self.environment.items()}

    def warnings(self) -> tuple[Problem, ...]:
        """Variables of every task that the platform sets to less than was said."""
        message = "holds an equals sign, and the platform drops it with all that follows"
        legal = "a value without one, or the variable in the spec itself"
        cut = (name for name, value in self.variables().items() if value != self.environment[name])
        return tuple(Problem(None, f"--set-env {name}", "", message, legal, "warning", "cut") for name in cut)

    def overrides(self) -> dict[str, Scalar]:
        """Variables by name, cast."""
        return {name: cast(value) for name, value in self.values.items()} | dict(self.strings)


def cast(text: str) -> Scalar:
    """An integer, else a number, else the text, in Python's sense: `1_000` and ` 7 ` are integers, `nan` and `1e3` numbers."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _pairs(pairs: Iterable[str], option: str, problems: list[Problem]) -> Iterable[tuple[str, str]]:
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if separator and name:
            yield name, value
        else:
            problems.append(Problem(None, option, shown(pair), "is no pair", "NAME=VALUE", rule="pair"))
