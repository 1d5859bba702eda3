"""What separates two sets of inputs, and what of it replaces a resource or is refused: as the azure-native provider and ARM tell it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.azure.kinds import Kind
from rehearsal.azure.values import UNKNOWN, location

ADD, DELETE, UPDATE = "ADD", "DELETE", "UPDATE"


@dataclass(frozen=True)
class Change:
    """One property that differs, as a path with indexes, and how."""

    path: str
    how: str
    replaces: bool


def changes(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Compare inputs. What is in the path, and what the provider lists, replaces."""
    replacing = {*kind.parameters, *kind.entry.replace}
    return [Change(path, how, _replaces(path, how, replacing)) for path, how in _compared("", old, new) if path != "azureApiVersion"]


def refused(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """The first property whose change ARM does not allow, of those that both name; node pools are matched by name."""
    before, after = _by_name(old), _by_name(new)
    for path, how in _compared("", before, after):
        pattern = re.sub(r"agentPoolProfiles\.[^.\[]+", "agentPoolProfiles[]", path)
        pattern = re.sub(r"\[\d+\]", "[]", pattern)
        # what was left out is ARM's choice: naming it later, or no more, is a change only where it was not that
        if how == UPDATE and any(pattern == fixed or pattern.startswith((f"{fixed}.", f"{fixed}[")) for fixed in kind.entry.fixed):
            return path
    return None


def merged(base: Any, old: Any, new: Any) -> Any:  # noqa: ANN401 -- whatever a property may hold
    """Apply to `base` what changed from `old` to `new`: how a refresh finds the inputs that would make what is there now."""
    if not all(isinstance(each, Mapping) for each in (base, old, new)):
        return _merged_list(base, old, new)
    result = {name: value for name, value in base.items() if not (name in old and name not in new)}
    for name, value in new.items():
        if name not in old:
            result[name] = value
        elif not _same(name, old[name], value):
            result[name] = merged(base[name], old[name], value) if name in base else value
    return result


def _merged_list(base: Any, old: Any, new: Any) -> Any:  # noqa: ANN401
    if not all(isinstance(each, list) for each in (base, old, new)):
        return new
    short = min(len(base), len(old))
    return [merged(base[index], old[index], item) if index < short else item for index, item in enumerate(new)]


def _compared(path: str, old: Any, new: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            yield from _entry(f"{path}.{name}" if path else name, name, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        olds, news = dict(enumerate(old)), dict(enumerate(new))
        for index in sorted({*olds, *news}):
            yield from _entry(f"{path}[{index}]", index, olds, news)
    elif new == UNKNOWN or not _same(path, old, new):
        yield path, UPDATE


def _entry(path: str, name: Any, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    if name not in old:
        yield path, ADD
    elif name not in new:
        yield path, DELETE
    else:
        yield from _compared(path, old[name], new[name])


def _same(name: str, old: Any, new: Any) -> bool:  # noqa: ANN401
    if name == "location" and isinstance(old, str) and isinstance(new, str):
        return location(old) == location(new)
    return bool(old == new and isinstance(old, bool) == isinstance(new, bool))


def _replaces(path: str, how: str, replacing: set[str]) -> bool:
    """Whether a change replaces. Items that come or go in a list never do."""
    if how != UPDATE and path.endswith("]"):
        return False
    pattern = re.sub(r"\[\d+\]", "[]", path)
    return any(pattern == each or pattern.startswith((f"{each}.", f"{each}[")) for each in replacing)


def _by_name(inputs: Mapping[str, Any]) -> dict[str, Any]:
    pools = inputs.get("agentPoolProfiles")
    if not isinstance(pools, list):
        return dict(inputs)
    named = {str(pool.get("name", index)): pool for index, pool in enumerate(pools) if isinstance(pool, Mapping)}
    return {**inputs, "agentPoolProfiles": named}
