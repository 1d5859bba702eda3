"""What ARM gives back of what it was given, in the shape of the SDK's outputs, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.azure.kinds import Kind
from rehearsal.azure.values import UNKNOWN, location, without


def plain(kind: Kind, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs that inputs make: neither names of the path nor what ARM never gives back."""
    shown = dict(inputs)
    for path in kind.entry.hidden:
        shown = without(shown, path)
    found = _given(kind, kind.outputs, shown)
    if isinstance(found.get("location"), str):
        found["location"] = location(found["location"])
    return found


def preview(kind: Kind, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs as far as they are known before there is anything: what inputs say, all else unknown."""
    return {name: _previewed(kind, expected, inputs.get(name, UNKNOWN)) for name, expected in kind.outputs.items()}


def inputs_of(kind: Kind, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that would make these outputs: without what only ARM writes, and without the path's names."""
    return _taken(kind, {name: each for name, each in kind.inputs.items() if name not in kind.parameters}, outputs)


def _given(kind: Kind, expected: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(kind, expected[name], value) for name, value in given.items() if name in expected and value is not None}


def _value(kind: Kind, expected: Mapping[str, Any], value: Any) -> Any:  # noqa: ANN401 -- whatever a property may hold
    if "ref" in expected and isinstance(value, Mapping):
        return _given(kind, kind.types[expected["ref"]], value)
    if expected.get("type") == "map" and isinstance(value, list):
        # the identities of a resource go in as a list and come out as a map
        return {str(item): {} for item in value}
    if expected.get("type") == "map" and isinstance(value, Mapping):
        return {key: _value(kind, expected["items"], item) for key, item in value.items()}
    if expected.get("type") == "array" and isinstance(value, list):
        return [_value(kind, expected["items"], item) for item in value]
    return value


def _previewed(kind: Kind, expected: Mapping[str, Any], given: Any) -> Any:  # noqa: ANN401
    if given == UNKNOWN:
        return UNKNOWN
    if "ref" in expected:
        if not isinstance(given, Mapping):
            return UNKNOWN
        return {name: _previewed(kind, each, given.get(name, UNKNOWN)) for name, each in kind.types[expected["ref"]].items()}
    if expected["type"] == "array":
        return [_previewed(kind, expected["items"], item) for item in given] if isinstance(given, list) else UNKNOWN
    if expected["type"] == "map":
        return {key: _previewed(kind, expected["items"], item) for key, item in given.items()} if isinstance(given, Mapping) else UNKNOWN
    return given


def _taken(kind: Kind, expected: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in outputs.items():
        if name in expected and not expected[name].get("readonly") and value is not None:
            found[name] = _back(kind, expected[name], value)
    return found


def _back(kind: Kind, expected: Mapping[str, Any], value: Any) -> Any:  # noqa: ANN401
    if "ref" in expected and isinstance(value, Mapping):
        return _taken(kind, kind.types[expected["ref"]], value)
    if expected.get("type") == "array" and isinstance(value, Mapping):
        return sorted(value)
    if expected.get("type") == "array" and isinstance(value, list):
        return [_back(kind, expected["items"], item) for item in value]
    return value
