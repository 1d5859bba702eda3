"""What separates a stored object from new inputs, property by property, and whether that replaces it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from rehearsal.plugins.kubernetes.documents import Json, Object
from rehearsal.plugins.properties import UNKNOWN, mapping, sequence
from rehearsal.plugins.provider import Change

_ABSENT: Json = None
_STEP = re.compile(r"\.([^.\[]+)|(\[\*\])")
_QUOTED = set('."[]')
_WITH_REPLACEMENT = {Change.ADD: Change.ADD_REPLACE, Change.DELETE: Change.DELETE_REPLACE, Change.UPDATE: Change.UPDATE_REPLACE}

Path = tuple[str | int, ...]


@dataclass
class Differences:
    """Changes by property path, as the engine prints them."""

    changes: dict[str, Change] = field(default_factory=dict)
    removed_inputs: set[str] = field(default_factory=set)

    @property
    def replaces(self) -> list[str]:
        """Paths whose change replaces the resource."""
        return [path for path, change in self.changes.items() if change.replaces]


def differences(base: Object, new: Object, base_inputs: Object, immutable: Sequence[str]) -> Differences:
    """Compare new inputs with `base`, what is stored.

    Args:
        base: The object as it was last seen.
        new: The new inputs.
        base_inputs: What of `base` came from inputs; a property that is missing in both inputs is the server's and no difference.
        immutable: Property patterns such as `.spec.selector` or `.spec.containers[*].image` whose change replaces the resource.
    """
    comparison = _Comparison(immutable)
    comparison.patched((), _merge_patch(base_inputs, new), base, new, base_inputs, in_list=False)
    return comparison.found


class _Comparison:
    def __init__(self, immutable: Sequence[str]) -> None:
        self._immutable = immutable
        self.found = Differences()

    def patched(self, path: Path, patch: Object, old: Object, new: Object, old_input: Object, *, in_list: bool) -> None:
        """Compare what a merge patch would change in an object. Patches replace lists whole, so in them removals are searched for."""
        for key, value in patch.items():
            self._value((*path, key), value, old.get(key), new.get(key), old_input.get(key), in_list=in_list)
        if in_list:
            for key in old.keys() - patch.keys():
                self._value((*path, key), _ABSENT, old[key], new.get(key), old_input.get(key), in_list=True)

    def _value(self, path: Path, value: Json, old: Json, new: Json, old_input: Json, *, in_list: bool) -> None:
        if new is _ABSENT and (value is not _ABSENT or old_input is _ABSENT):
            return
        if value is _ABSENT:
            self._add(path, value, Change.DELETE)
        elif old is _ABSENT:
            self._add(path, value, Change.ADD)
        elif isinstance(value, dict) and isinstance(old, dict):
            self.patched(path, value, old, mapping(new), mapping(old_input), in_list=in_list)
        elif isinstance(value, list) and isinstance(old, list):
            self._list(path, value, old, sequence(new), sequence(old_input))
        elif value is UNKNOWN or value != old or isinstance(value, bool) != isinstance(old, bool):
            self._add(path, value, Change.UPDATE)

    def _list(self, path: Path, value: list[Json], old: list[Json], new: list[Json], old_input: list[Json]) -> None:
        for index in range(max(len(value), len(old))):
            self._value((*path, index), _at(value, index), _at(old, index), _at(new, index), _at(old_input, index), in_list=True)

    def _add(self, path: Path, value: Json, change: Change) -> None:
        if any(_touches(path, value, pattern) for pattern in self._immutable):
            change = _WITH_REPLACEMENT[change]
        text = _text(path)
        self.found.changes[text] = change
        if value is _ABSENT:
            self.found.removed_inputs.add(text)


def _merge_patch(old: Object, new: Object) -> Object:
    """Return the RFC 7386 patch from one object to another."""
    patch: Object = dict.fromkeys(old.keys() - new.keys(), _ABSENT)
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            if inner := _merge_patch(before, value):
                patch[key] = inner
        elif key not in old or before != value or value is UNKNOWN or isinstance(value, bool) != isinstance(before, bool):
            patch[key] = value
    return patch


def _touches(path: Path, value: Json, pattern: str) -> bool:
    """Say whether the pattern names something in an object that holds only `value` at `path`."""
    steps = [name or "[*]" for name, _ in _STEP.findall(pattern)]
    return _exists(_nested(path, value), steps)


def _nested(path: Path, value: Json) -> Json:
    for step in reversed(path):
        value = {step: value} if isinstance(step, str) else [value]
    return value


def _exists(value: Json, steps: Sequence[str]) -> bool:
    if not steps:
        return True
    if steps[0] == "[*]":
        return isinstance(value, list) and any(_exists(item, steps[1:]) for item in value)
    return isinstance(value, dict) and steps[0] in value and _exists(value[steps[0]], steps[1:])


def _text(path: Path) -> str:
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _QUOTED & set(step):
            escaped = step.replace('"', r"\"")
            text += f'["{escaped}"]'
        else:
            text += f".{step}" if text else step
    return text


def _at(items: list[Json], index: int) -> Json:
    return items[index] if index < len(items) else _ABSENT
