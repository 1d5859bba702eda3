"""Property values: unknown ones, paths into them, and what differs between two."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes a value that is known only after something else exists."""
_STEP = re.compile(r"([^.\[\]]+)|\[(\d*)\]")


def known(value: Any) -> bool:  # noqa: ANN401 -- whatever a property may hold
    """Whether nothing in the value is unknown."""
    if isinstance(value, Mapping):
        return all(known(item) for item in value.values())
    if isinstance(value, list):
        return all(known(item) for item in value)
    return bool(value != UNKNOWN)


def at(value: Any, path: str) -> list[Any]:  # noqa: ANN401
    """What lies at a path; `[]` stands for every item of a list, which are matched by `name` by whoever compares."""
    found = [value]
    for name, index in _STEP.findall(path):
        if name:
            found = [each[name] for each in found if isinstance(each, Mapping) and name in each]
        elif index:
            found = [each[int(index)] for each in found if isinstance(each, list) and len(each) > int(index)]
        else:
            found = [item for each in found if isinstance(each, list) for item in each]
    return found


def strings(value: Any) -> Iterator[str]:  # noqa: ANN401
    """Every string in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def without(value: Mapping[str, Any], path: str) -> dict[str, Any]:
    """An object without what lies at a path of names."""
    first, _, rest = path.partition(".")
    if not rest:
        return {key: item for key, item in value.items() if key != first}
    inner = value.get(first)
    return {**value, first: without(inner, rest)} if isinstance(inner, Mapping) else dict(value)


def location(text: str) -> str:
    """A region as ARM compares it: `East US 2` is `eastus2`."""
    return text.replace(" ", "").lower()
