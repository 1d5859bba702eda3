"""Whether inputs are what ARM takes, as far as published models say: present, of the right type, length, pattern, limits and values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.azure.kinds import Kind
from rehearsal.azure.values import UNKNOWN

Problem = tuple[str, str]
"""A property's path, and what is wrong with it."""
OWN = ("azureApiVersion", "__createBeforeDelete")
"""What the provider adds to inputs."""
_TYPES: Mapping[str, tuple[type, ...]] = {"string": (str,), "boolean": (bool,), "integer": (int,), "number": (int, float)}
_SHOWN = 60
_SECRET = ("password", "value")
"""How the names of properties end that hold what nobody shall see, of those that ARM never gives back."""


def problems(kind: Kind, inputs: Mapping[str, Any]) -> list[Problem]:
    """Everything that is wrong with a resource's inputs; unknown values are not judged, and passwords not shown."""
    judge = _Judge(kind, frozenset(path.partition(".")[0] for path in kind.entry.hidden if path.lower().endswith(_SECRET)))
    found = list(judge.properties("", kind.inputs, inputs, ignored={*OWN, *kind.parameters}))
    for name, rules in kind.parameters.items():
        if name not in inputs:
            found.append((name, f"missing required property '{name}'"))
        elif inputs[name] != UNKNOWN:
            found += judge.value(name, {"type": "string", **rules}, inputs[name])
    return found


class _Judge:
    def __init__(self, kind: Kind, secret: frozenset[str]) -> None:
        self._types, self._secret = kind.types, secret

    def properties(
        self, path: str, expected: Mapping[str, Any], given: Mapping[str, Any], ignored: set[str] | None = None
    ) -> Iterator[Problem]:
        """Judge an object."""
        skipped = ignored or set()
        for name, kind in expected.items():
            where = f"{path}.{name}" if path else name
            if name in given and given[name] is not None:
                if name not in skipped:
                    yield from self.value(where, kind, given[name])
            elif kind.get("required") and not kind.get("readonly") and name not in skipped:
                yield where, f"missing required property '{where}'"
        for name in given:
            if name not in expected and name not in skipped:
                near = difflib.get_close_matches(name, expected, n=1)
                where = f"{path}.{name}" if path else name
                yield where, f"'{where}' is no property" + (f"; did you mean '{near[0]}'?" if near else "")

    def value(self, path: str, kind: Mapping[str, Any], given: Any) -> Iterator[Problem]:  # noqa: ANN401 -- whatever a property may hold
        """Judge one value."""
        if given == UNKNOWN:
            return
        if kind.get("readonly"):
            yield path, f"'{path}' is read-only"
        elif "ref" in kind:
            yield from self._object(path, kind, given)
        elif kind["type"] in {"array", "map"}:
            yield from self._collection(path, kind, given)
        elif kind["type"] != "any":
            yield from self._plain(path, kind, given)

    def _object(self, path: str, kind: Mapping[str, Any], given: Any) -> Iterator[Problem]:  # noqa: ANN401
        if isinstance(given, Mapping):
            yield from self.properties(path, self._types[kind["ref"]], given)
        else:
            yield path, f"'{path}' should be an object but is {self._shown(path, given)}"

    def _collection(self, path: str, kind: Mapping[str, Any], given: Any) -> Iterator[Problem]:  # noqa: ANN401
        if kind["type"] == "map":
            if not isinstance(given, Mapping):
                yield path, f"'{path}' should be an object but is {self._shown(path, given)}"
                return
            for key, item in given.items():
                yield from self.value(f"{path}.{key}", kind["items"], item)
            return
        if not isinstance(given, list):
            yield path, f"'{path}' should be a list but is {self._shown(path, given)}"
            return
        yield from _counted(path, kind, given)
        for index, item in enumerate(given):
            yield from self.value(f"{path}[{index}]", kind["items"], item)

    def _plain(self, path: str, kind: Mapping[str, Any], given: Any) -> Iterator[Problem]:  # noqa: ANN401
        if not isinstance(given, _TYPES[kind["type"]]) or (isinstance(given, bool) and kind["type"] != "boolean"):
            yield path, f"'{path}' should be of type '{kind['type']}' but is {self._shown(path, given)}"
        elif isinstance(given, str):
            yield from self._text(path, kind, given)
        elif not isinstance(given, bool):
            if (least := kind.get("minimum")) is not None and given < least:
                yield path, f"'{path}' is too low: {given}, at least {least} is required"
            if (most := kind.get("maximum")) is not None and given > most:
                yield path, f"'{path}' is too high: {given}, at most {most} is allowed"

    def _text(self, path: str, kind: Mapping[str, Any], given: str) -> Iterator[Problem]:
        if (least := kind.get("min_length")) is not None and len(given) < least:
            yield path, f"'{path}' is too short: {self._shown(path, given)} has {len(given)} characters, at least {least} are required"
        if (most := kind.get("max_length")) is not None and len(given) > most:
            yield path, f"'{path}' is too long: {self._shown(path, given)} has {len(given)} characters, at most {most} are allowed"
        if (pattern := kind.get("pattern")) is not None and not re.search(pattern, given):
            yield path, f"'{path}' does not match expression '{pattern}': {self._shown(path, given)}"
        # ARM compares most of them without regard to case
        if kind.get("enum") and given.lower() not in {str(value).lower() for value in kind["enum"]}:
            yield path, f"'{path}' cannot be {self._shown(path, given)}; allowed: {', '.join(str(value) for value in kind['enum'])}"

    def _shown(self, path: str, given: Any) -> str:  # noqa: ANN401
        if re.split(r"[.\[]", path)[0] in self._secret:
            return "[secret]"
        text = f"{given!r}" if isinstance(given, str) else str(given)
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _counted(path: str, kind: Mapping[str, Any], given: list[Any]) -> Iterator[Problem]:
    if (least := kind.get("min_items")) is not None and len(given) < least:
        yield path, f"'{path}' has too few items: {len(given)}, at least {least} are required"
    if (most := kind.get("max_items")) is not None and len(given) > most:
        yield path, f"'{path}' has too many items: {len(given)}, at most {most} are allowed"
