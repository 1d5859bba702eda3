"""YAML to plain values, within bounds: a small text may stand for endless data, or for a structure too deep to walk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from sdg.spec.problem import Problem, SpecError, shown

DEEPEST: Final = 64
MOST_NODES: Final = 100_000
LONGEST_NUMBER: Final = 400
_STR: Final = "tag:yaml.org,2002:str"
# tags whose values are built while reading; a document with any other is built by PyYAML afterwards
_COLLECTIONS: Final[Mapping[type[Node], str]] = {MappingNode: "tag:yaml.org,2002:map", SequenceNode: "tag:yaml.org,2002:seq"}
_SCALARS: Final = frozenset({_STR, *(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null", "timestamp"))})
_NUMBERS: Final = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})

LineOf = Callable[[int], int | None]
"""From a line of the text, from 0, to a line of the original file, from 1."""


class _Loader(yaml.CSafeLoader):
    """Reads events with libyaml, composes and bounds them here, and builds values as PyYAML's safe loader does."""


@dataclass(slots=True)
class _Open:
    """A collection that is being read.

    Attributes:
        node: with the children so far.
        value: that the node stands for, so far.
        size: of the tree below it, with every alias written out.
        key: of a mapping, waiting for its value; with what the key stands for.
    """

    node: CollectionNode
    value: Any
    anchor: str | None
    size: int = 1
    key: tuple[Node, Any] | None = None


@dataclass(slots=True)
class _Composer:
    """Nodes and values from events, without recursion.

    Attributes:
        root: node of the document.
        value: of the document, where `plain`.
        plain: whether the document has nothing but usual maps, lists and scalars.
        anchors: node, value and size of what an alias stands for.

    Raises:
        SpecError: too deep, too large, or a collection that contains itself.
    """

    loader: Any
    line_of: LineOf
    root: Node | None = None
    value: Any = None
    plain: bool = True
    open: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Node, Any, int]] = field(default_factory=dict)

    def read(self) -> None:
        documents, next_event = 0, self.loader.get_event
        while (event := next_event()) is not None:
            kind = type(event)
            if kind is ScalarEvent:
                self._scalar(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._begin(event)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._finish(event)
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise self._refusal(event, "a second document starts here, and a spec is one", rule="yaml")

    def _scalar(self, event: Any) -> None:  # noqa: ANN401 - PyYAML has no types for its loader
        tag = event.tag
        if tag is None or tag == "!":
            tag = self.loader.resolve(ScalarNode, event.value, event.implicit) if event.implicit[0] else _STR
        if tag in _NUMBERS and len(event.value) > LONGEST_NUMBER:
            raise self._refusal(event, f"a number has {len(event.value)} characters", f"at most {LONGEST_NUMBER}, or quotes around it")
        node, value = ScalarNode(tag, event.value, event.start_mark, event.end_mark, style=event.style), event.value
        if tag not in _SCALARS:
            self.plain = False
        elif tag != _STR:
            value = self.loader.construct_object(node)
        self._place(node, value, event, 1)
        if event.anchor:
            self.anchors[event.anchor] = (node, value, 1)

    def _begin(self, event: Any) -> None:  # noqa: ANN401
        kind = MappingNode if isinstance(event, MappingStartEvent) else SequenceNode
        tag = event.tag
        if tag is None or tag == "!":
            tag = self.loader.resolve(kind, None, event.implicit)
        self.plain = self.plain and tag == _COLLECTIONS[kind]
        if len(self.open) >= DEEPEST:
            raise self._refusal(event, "is nested too deep", f"at most {DEEPEST} levels")
        node = kind(tag, [], event.start_mark, None, flow_style=event.flow_style)
        self.open.append(_Open(node, {} if kind is MappingNode else [], event.anchor))
        if event.anchor:
            self.anchors.pop(event.anchor, None)

    def _finish(self, event: Any) -> None:  # noqa: ANN401
        done = self.open.pop()
        done.node.end_mark = event.end_mark
        self._place(done.node, done.value, event, done.size)
        if done.anchor:
            self.anchors[done.anchor] = (done.node, done.value, done.size)

    def _alias(self, event: Any) -> None:  # noqa: ANN401
        known = self.anchors.get(event.anchor)
        if known is None:
            inside = any(level.anchor == event.anchor for level in self.open)
            raise self._refusal(event, f"`*{event.anchor}` {'contains itself' if inside else 'names no anchor before it'}", rule="yaml")
        self._place(known[0], known[1], event, known[2])

    def _place(self, node: Node, value: Any, event: Any, size: int) -> None:  # noqa: ANN401
        """Puts a complete node, and its value, where they belong."""
        if not self.open:
            self.root, self.value = node, value
            return
        level = self.open[-1]
        level.size += size
        if level.size > MOST_NODES:
            raise self._refusal(event, f"holds more than {MOST_NODES} values, aliases written out", "fewer")
        if isinstance(level.node, SequenceNode):
            level.node.value.append(node)
            level.value.append(value)
        elif level.key is None:
            level.key = (node, value)
            self.plain = self.plain and isinstance(node, ScalarNode)
        else:
            key, name = level.key
            level.node.value.append((key, node))
            if self.plain:
                level.value[name] = value
            level.key = None

    def _refusal(self, event: Event, message: str, legal: str = "", rule: str = "bounds") -> SpecError:
        return SpecError([Problem(self.line_of(event.start_mark.line if event.start_mark else 0), "", "", message, legal, rule=rule)])


def load(text: str, line_of: LineOf) -> tuple[Any, Node | None]:
    """The value that a text stands for, and its nodes.

    Raises:
        SpecError: it is no YAML, or out of bounds.
    """
    try:
        loader = _Loader(text)
    except yaml.YAMLError as error:
        raise SpecError([_syntax(error, line_of)]) from error
    try:
        found = _Composer(loader, line_of)
        found.read()
        value = found.value if found.plain or found.root is None else loader.construct_document(found.root)
    except SpecError:  # is a ValueError, too
        raise
    except yaml.YAMLError as error:
        raise SpecError([_syntax(error, line_of)]) from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise SpecError.of(f"holds a value that cannot be read: {shown(str(error))}", rule="yaml") from error
    finally:
        loader.dispose()
    return value, found.root


def _syntax(error: yaml.YAMLError, line_of: LineOf) -> Problem:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    context = getattr(error, "context", None)
    line = line_of(mark.line) if mark else None
    message = f"the rendered workflow spec is not valid YAML: {context + ': ' if context else ''}{what}"
    return Problem(line, "", "", message, rule="yaml")


def repeated_keys(root: Node | None) -> Iterator[tuple[tuple[str | int, ...], int]]:
    """Paths of keys that a mapping has twice, with their lines in the text, from 0; the last one counts."""
    waiting: list[tuple[tuple[str | int, ...], Node]] = [] if root is None else [((), root)]
    seen: set[int] = set()
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            waiting.extend(((*path, index), item) for index, item in enumerate(node.value) if not isinstance(item, ScalarNode))
        elif isinstance(node, MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                name = str(key.value) if isinstance(key, ScalarNode) else ""
                if name and name in keys:
                    yield (*path, name), key.start_mark.line
                keys.add(name)
                if not isinstance(value, ScalarNode):
                    waiting.append(((*path, name), value))
