"""`Diff`: what separates the stored inputs from new ones, property by property."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rehearsal.plugins.properties import UNKNOWN, Properties, Property, Secret
from rehearsal.plugins.provider import Change, Difference


def compare(old: Properties, new: Properties) -> Difference:
    """Compare inputs with inputs: everything is changed in place, `triggers` too; their SDK asks the engine to replace."""
    changes = dict(_changes("", old, new))
    changed = sorted({path.partition(".")[0].partition("[")[0] for path in changes})
    return Difference(bool(changes), detailed=changes, properties=changed)


def _changes(path: str, old: Property, new: Property) -> Iterator[tuple[str, Change]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _entry(f"{path}.{key}" if path else key, key, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        olds, news = _by_index(old), _by_index(new)
        for index in max(olds, news, key=len):
            yield from _entry(f"{path}[{index}]", index, olds, news)
    elif _value(old) != _value(new) or new is UNKNOWN:
        yield path, Change.UPDATE


def _entry(path: str, key: str, old: Mapping[str, Property], new: Mapping[str, Property]) -> Iterator[tuple[str, Change]]:
    if key not in new:
        yield path, Change.DELETE
    elif key not in old:
        yield path, Change.ADD
    else:
        yield from _changes(path, old[key], new[key])


def _by_index(items: list[Property]) -> dict[str, Property]:
    return {str(index): item for index, item in enumerate(items)}


def _value(value: Property) -> Property:
    """A secret that is none any more, or the other way round, is no other value."""
    return _value(value.value) if isinstance(value, Secret) else value
