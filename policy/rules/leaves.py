"""Walks a resource's properties as a rule sees them: wrapped by the SDK, where reading an unknown value raises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pulumi import StringAsset
from pulumi_policy.proxy import UnknownValueError

from sdg.catalog.key_shapes import redacted

Path = tuple[str, ...]
# an environment variable is {name, value}: what the value is called stands beside it
VALUE: Final = "value"
NAME_OF_VALUE: Final = "name"
OPTION: Final = "-"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One text among the properties.

    Attributes:
        path: the steps to it; a list's index is one.
        label: what the text is called: its key, an environment variable's name, the option before an argument.
    """

    path: Path
    label: str
    text: str

    @property
    def shown_path(self) -> str:
        """The path for a message; keys are the user's text too, so one that is a credential is left out."""
        return ".".join(redacted(step) for step in self.path)


def leaves(properties: Mapping[str, object]) -> Iterator[Leaf]:
    """Every known text, keys of mappings included. Unknown values are passed over: they are judged when the update knows them."""
    yield from _below(properties, (), "")


def known(properties: Mapping[str, object], path: Path) -> object:
    """The value at a path, where a list's index is a step; None when there is none or it isn't known yet."""
    value: object = properties
    for step in path:
        match value:
            case Mapping():
                value = _entry(value, step)
            case Sequence() if not isinstance(value, str) and step.isdigit() and int(step) < len(value):
                value = _item(value, int(step))
            case _:
                return None
    return value


def _below(value: object, path: Path, label: str) -> Iterator[Leaf]:
    match value:
        case str():
            yield Leaf(path, label, value)
        case StringAsset():
            yield Leaf((*path, "text"), label, str(value.text))
        case Mapping():
            yield from _of_mapping(value, path)
        case Sequence():
            yield from _of_list(value, path, label)
        case _:
            return


def _of_mapping(mapping: Mapping[str, object], path: Path) -> Iterator[Leaf]:
    for key in mapping:
        yield Leaf((*path, key), "", key)
        name = _entry(mapping, NAME_OF_VALUE) if key == VALUE else None
        yield from _below(_entry(mapping, key), (*path, key), name if isinstance(name, str) else key)


def _of_list(items: Sequence[object], path: Path, label: str) -> Iterator[Leaf]:
    before = ""
    for index in range(len(items)):
        item = _item(items, index)
        yield from _below(item, (*path, str(index)), before or label)
        before = item if isinstance(item, str) and item.startswith(OPTION) else ""


def _entry(mapping: Mapping[str, object], key: str) -> object:
    """What a key holds; None for what isn't there or isn't known yet."""
    try:
        return mapping.get(key)
    except UnknownValueError:
        return None


def _item(items: Sequence[object], index: int) -> object:
    try:
        return items[index]
    except UnknownValueError:
        return None
