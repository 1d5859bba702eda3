"""Pod templates: laid over each other, and filled in with a task's values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_TOKEN = re.compile(r"\{\{\s*([A-Z0-9_]+)\s*\}\}")


def merge_templates(templates: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Later templates over earlier ones: maps merge, list items with the same `name` merge, other items are added."""
    result: dict[str, Any] = {}
    for template in templates:
        result = _merge(result, template)
    return result


def fill(value: Any, variables: Mapping[str, str]) -> Any:  # noqa: ANN401 - any part of a template
    """`value` with every `{{TOKEN}}` replaced; unknown tokens stay."""
    if isinstance(value, Mapping):
        return {key: fill(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, variables) for item in value]
    if isinstance(value, str):
        return _TOKEN.sub(lambda match: variables.get(match[1], match[0]), value)
    return value


def _merge(base: Any, over: Any) -> Any:  # noqa: ANN401 - any part of a template
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return {**base, **{key: _merge(base[key], value) if key in base else value for key, value in over.items()}}
    if isinstance(base, list) and isinstance(over, list):
        return _merge_lists(base, over)
    return over


def _merge_lists(base: list[Any], over: list[Any]) -> list[Any]:
    result = list(base)
    for item in over:
        name = item.get("name") if isinstance(item, Mapping) else None
        index = next((i for i, old in enumerate(result) if name and isinstance(old, Mapping) and old.get("name") == name), None)
        if index is None:
            result.append(item)
        else:
            result[index] = _merge(result[index], item)
    return result
