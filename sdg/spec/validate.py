"""Judges a rendered spec as the platform would, and says every problem at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sdg.spec.forms import FORMS
from sdg.spec.problem import Problem, meant
from sdg.spec.render import Rendered
from sdg.spec.report import MISSING, Report, Where
from sdg.spec.rules import check_rules
from sdg.spec.schema import OBJECTS, ONE_OF, Field, Profile
from sdg.spec.surroundings import Surroundings

__all__ = ["Surroundings", "errors", "validate"]

_NOTHING_KNOWN: Final = Surroundings()


def validate(rendered: Rendered, profile: Profile = "6.3", surroundings: Surroundings = _NOTHING_KNOWN) -> tuple[Problem, ...]:
    """Every problem of a spec, in the order of its lines; errors and warnings, see `Problem.severity`.

    Args:
        rendered: the spec.
        profile: version of the platform.
        surroundings: what is known about the place where it will run.
    """
    report = Report(rendered)
    _Walk(report, profile).object("spec", rendered.document, ())
    check_rules(rendered, report, surroundings)
    return tuple(sorted([*rendered.warnings, *report.problems()], key=lambda problem: (problem.line or 0, problem.path)))


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Those that the platform refuses a spec for."""
    return tuple(problem for problem in problems if problem.severity == "error")


@dataclass(frozen=True, slots=True)
class _Walk:
    """Follows the schema through a document."""

    report: Report
    profile: Profile

    def object(self, kind: str, value: Any, where: Where) -> None:  # noqa: ANN401 - whatever stands in a spec
        fields = OBJECTS[kind]
        if not isinstance(value, dict):
            self.report.add(where, value, "is no map", f"a map with {', '.join(self._names(kind))}", "type")
            return
        for key in value:
            if key not in fields or self.profile not in fields[key].profiles:
                self._unknown(kind, str(key), value[key], where)
        for key, described in fields.items():
            if self.profile not in described.profiles:
                continue
            if key in value:
                self._value(described, value[key], (*where, key))
            elif described.required:
                self.report.add((*where, key), MISSING, "is missing", rule="missing-key")
        self._one_of(kind, value, where)

    def _names(self, kind: str) -> list[str]:
        return [key for key, described in OBJECTS[kind].items() if self.profile in described.profiles]

    def _unknown(self, kind: str, key: str, value: Any, where: Where) -> None:  # noqa: ANN401
        if self.report.full:
            return
        described = OBJECTS[kind].get(key)
        names = self._names(kind)
        if described is not None:
            message = f"is a key of OSMO {' and '.join(described.profiles)}, and not of {self.profile}"
            self.report.add((*where, key), value, message, ", ".join(names), "profile")
            return
        message = f"is no key of a {kind.replace('_', ' ')}{meant(key, names)}"
        self.report.add((*where, key), value, message, ", ".join(names), "unknown-key")

    def _value(self, described: Field, value: Any, where: Where) -> None:  # noqa: ANN401
        if value is None and described.nullable:
            return
        shape, _, kind = described.form.partition(":")
        if kind:
            self._nested(shape, kind, value, where)
            if value == [] and described.required:
                self.report.add(where, value, "is empty", f"at least one {kind}", "empty")
            return
        for fault in FORMS[described.form](value):
            wrong = value if not fault.inside else fault.value
            self.report.add((*where, *fault.inside), wrong, fault.message, fault.legal, fault.rule, fault.severity)
        if described.legal and value not in described.legal:
            self.report.add(where, value, "is not one of the legal values", ", ".join(described.legal), "type")

    def _nested(self, shape: str, kind: str, value: Any, where: Where) -> None:  # noqa: ANN401
        if shape == "object":
            self.object(kind, value, where)
            return
        if shape == "list" and isinstance(value, list):
            for index, item in enumerate(value):
                self.object(kind, item, (*where, index))
        elif shape == "map" and isinstance(value, dict):
            for key, item in value.items():
                self.object(kind, item, (*where, str(key)))
        else:
            self.report.add(where, value, f"is no {shape}", f"a {shape} of {kind}s", "type")

    def _one_of(self, kind: str, value: Mapping[str, Any], where: Where) -> None:
        known = [key for key in ONE_OF.get(kind, ()) if self.profile in OBJECTS[kind][key].profiles]
        there = [key for key in known if key in value and value[key] != []]
        if not known or len(there) == 1:
            return
        legal = f"exactly one of {', '.join(known)}" if len(known) > 1 else ""
        found = f"has {' and '.join(there)}" if there else f"has none of {', '.join(known)}" if legal else f"has no {known[0]}"
        self.report.add(where, MISSING, found, legal, "one-of")
