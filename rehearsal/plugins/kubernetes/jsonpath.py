"""The part of kubectl's JSONPath that waiting for a value needs: fields, indices, `[*]` and `[?(@.field=="value")]`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rehearsal.plugins.kubernetes.documents import Json

_STEP = re.compile(
    r"""
      \.(?P<field>(?:\\.|[^.\[\\])+)
    | \[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]
    | \[(?P<index>-?\d+)\]
    | (?P<all>\[\*\]|\.\*)
    | \[\?\(@\.(?P<name>[\w.\-/]+)\s*==\s*["'](?P<value>.*?)["']\)\]
    """,
    re.VERBOSE,
)


class BadPath(ValueError):
    """The expression is not understood."""


def find(expression: str, value: Json) -> list[Json]:
    """Return every value that the expression, `{.status.phase}` with or without braces, names.

    Raises:
        BadPath: the expression is not understood.
    """
    path = expression.strip().removeprefix("{").removesuffix("}").strip()
    path = path.removeprefix("$")
    if path and path[0] not in ".[":
        path = f".{path}"
    found, position = [value], 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise BadPath(f"cannot read {expression!r} at {path[position:]!r}")
        found = [item for current in found for item in _follow(step, current)]
        position = step.end()
    return found


def _follow(step: re.Match[str], value: Json) -> Iterator[Json]:
    if step["all"]:
        yield from value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    elif step["index"] is not None:
        if isinstance(value, list) and -len(value) <= int(step["index"]) < len(value):
            yield value[int(step["index"])]
    elif step["name"] is not None:
        for item in value if isinstance(value, list) else ():
            if [str(found) for found in find(step["name"], item)] == [step["value"]]:
                yield item
    else:
        key = step["key"] if step["key"] is not None else step["field"].replace("\\.", ".")
        if isinstance(value, dict) and key in value:
            yield value[key]
