"""Where in the original file each part of a rendered document stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = tuple[str | int, ...]

_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_ODD_BREAK: Final = re.compile("\r(?!\n)|[\x85\u2028\u2029]")


def as_yaml_counts(text: str, lines: Sequence[int] = ()) -> Sequence[int]:
    """Origins of lines as YAML counts them, which also ends one at a few characters that no editor ends one at.

    Args:
        text: that YAML reads.
        lines: origin of each of its lines, from 1; empty where they are the same.
    """
    if not _ODD_BREAK.search(text):
        return lines
    counted, number = [lines[0] if lines else 1], 0
    for found in _BREAK.finditer(text):
        number += found[0].endswith("\n")
        counted.append(lines[min(number, len(lines) - 1)] if lines else number + 1)
    return counted


@dataclass(frozen=True, slots=True)
class Source:
    """From lines of a rendered section to lines of the file.

    Attributes:
        first: the section's first line in the file, from 1.
        of_rendered: for each line of the rendered text the section's line that it came from, from 1; empty where they are the same.
    """

    first: int = 1
    of_rendered: Sequence[int] = ()

    def line(self, rendered: int) -> int | None:
        """The file's line, from 1, of a line of the rendered text, from 0."""
        if not self.of_rendered:
            return self.first + rendered
        return self.first - 1 + self.of_rendered[min(rendered, len(self.of_rendered) - 1)]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of the original file, from 1, by path; looked up in the parsed sections.

    Attributes:
        roots: nodes of each section, whose paths all start with the section's key, and where its lines came from.
    """

    roots: Mapping[str, tuple[Node | None, Source]] = field(default_factory=dict)

    def of(self, path: Path) -> int | None:
        """The line of a path, else of its nearest ancestor."""
        if not path or path[0] not in self.roots:
            return None
        node, source = self.roots[str(path[0])]
        line = 0
        for part in path:
            step = _step(node, part)
            if step is None:
                break
            line, node = step
        return source.line(line)


def _step(node: Node | None, part: str | int) -> tuple[int, Node] | None:
    """The line where a part of a collection starts, and the part."""
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item.start_mark.line, item
    if isinstance(node, MappingNode):
        for key, value in reversed(node.value):
            if isinstance(key, ScalarNode) and key.value == str(part):
                return key.start_mark.line, value
    return None
