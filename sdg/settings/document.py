"""Renders the settings' reference from their models: `docs/stacks.md` and a JSON schema for editors. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from sdg.catalog.compatibility import matrix
from sdg.catalog.versions import versions
from sdg.settings.base import Settings
from sdg.settings.model import NAMESPACE, StackSettings
from sdg.settings.schema import holder, members, tag_of, tag_of_field
from sdg.settings.secrets import SECRET_KEYS

HEADING: Final = """# Stack settings

What a stack may say, in `Pulumi.<stack>.yaml` below `config:`. Generated from the settings models; `make docs` writes it anew.
A wrong value, an unknown key or an impossible combination is refused before anything is created, all of them at once.
"""


def stacks_markdown() -> str:
    """The text of `docs/stacks.md`."""
    sections = [HEADING, *(_section(field) for field in StackSettings.model_fields.items()), _secrets(), _matrix(), _releases()]
    return "\n".join(sections)


def config_schema() -> dict[str, Any]:
    """A JSON schema for the `config` of a stack file; other namespaces' keys are left alone."""
    schema = StackSettings.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs", {})
    properties = {f"{NAMESPACE}:{key}": described for key, described in schema["properties"].items()}
    properties |= {f"{NAMESPACE}:{key}": {"description": secret.description} for key, secret in SECRET_KEYS.items()}
    config = {
        "type": "object",
        "properties": properties,
        "required": [f"{NAMESPACE}:{key}" for key in schema.get("required", [])],
        "patternProperties": {f"^(?!{NAMESPACE}:)": {}},
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file of an SDG stack",
        "type": "object",
        "properties": {"config": config},
        "$defs": definitions,
    }


def _section(named: tuple[str, FieldInfo]) -> str:
    name, field = named
    key = field.alias or name
    lines = [f"## `{NAMESPACE}:{key}`", "", field.description or "", ""]
    models = members(field.annotation)
    if not models:
        lines += [*_table([_Row(key, field)]), ""]
    for model in models:
        tag = tag_of(model) if len(models) > 1 else None
        lines += [*_model(model, tag), ""]
    return "\n".join(lines)


def _model(model: type[Settings], tag: str | None) -> Iterator[str]:
    purpose = (model.__doc__ or "").strip().splitlines()[0]
    if tag:
        yield f"**`{tag}`**: {purpose}"
        yield ""
    yield from _table(list(_rows(model)))


@dataclass(frozen=True, slots=True)
class _Row:
    """A plain value: its dotted key, and the kind of the union that it belongs to, if it stands in one."""

    key: str
    field: FieldInfo
    tag: str = ""


def _rows(model: type[Settings], prefix: str = "", tag: str = "") -> Iterator[_Row]:
    """The plain values below a model."""
    for name, field in _own_first(model):
        inner, holds = members(field.annotation), holder(field.annotation)
        if holds is tuple and len(inner) > 1:
            inner = ()  # a list of kinds that a table of their own describes
        held = ("[]" if holds is tuple else ".<name>") if inner and holds else ""
        key = f"{prefix}{field.alias or name}{held}"
        for member in inner:
            yield from _rows(member, f"{key}.", (tag_of(member) or "") if len(inner) > 1 else tag)
        if not inner:
            yield _Row(key, field, tag)


def _own_first(model: type[Settings]) -> list[tuple[str, FieldInfo]]:
    """Fields by the class that declares them, the model's own first."""

    def declared(name: str) -> int:
        return next(depth for depth, kind in enumerate(model.__mro__) if name in vars(kind).get("__annotations__", {}))

    return sorted(model.model_fields.items(), key=lambda named: declared(named[0]))


def _table(rows: list[_Row]) -> Iterator[str]:
    yield "| Key | Legal | Default | Meaning |"
    yield "|---|---|---|---|"
    for row in rows:
        kind = f"With `{row.tag}`: " if row.tag and tag_of_field(row.field) is None else ""
        cells = (f"`{row.key}`", _legal(row.field), _default(row.field), f"{kind}{row.field.description or ''}")
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _legal(field: FieldInfo) -> str:
    bounds = {type(mark): mark for mark in field.metadata if isinstance(mark, Ge | Le)}
    limits = [f"at least {bounds[Ge].ge}"] if Ge in bounds else []  # type: ignore[union-attr]
    limits += [f"at most {bounds[Le].le}"] if Le in bounds else []  # type: ignore[union-attr]
    example = f", as `{_written(field.examples[0])}`" if field.examples else ""
    return ", ".join([_kind(field.annotation) + example, *limits])


def _kind(annotation: object) -> str:
    """What a value is, in words."""
    if tags := [tag for model in members(annotation) if (tag := tag_of(model))]:
        return f"list of objects as these tables describe, each of another provider: {' or '.join(f'`{tag}`' for tag in tags)}"
    for part in _plain_types(annotation):
        if (words := _words(part)) is not None:
            return words
    raise TypeError(f"no words for {annotation}")


_WORDS: Final[Mapping[object, str]] = {int: "whole number", float: "number", bool: "true or false", str: "text"}


def _words(part: object) -> str | None:
    """What a value of a plain type is; None for what only constrains one."""
    origin = get_origin(part) or part
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in get_args(part))
    if origin is tuple:
        return f"list of: {_kind(get_args(part)[0])}"
    if origin is Mapping:
        values = [words for value in _plain_types(get_args(part)[1]) if (words := _words(value))]
        return f"object of {'texts, numbers, true or false' if len(values) > 1 else f'{values[0]}s'}"
    return _WORDS.get(origin)


def _plain_types(annotation: object) -> Iterator[object]:
    """The types that a field's type is made of, optional and constrained ones unwrapped."""
    if get_origin(annotation) in (Union, UnionType, Annotated):
        for part in get_args(annotation):
            yield from _plain_types(part)
    else:
        yield annotation


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return "" if value is None or value is PydanticUndefined else f"`{_written(value)}`"


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(to_jsonable_python(value, by_alias=True, exclude_none=True))


def _secrets() -> str:
    lines = [
        "## Secrets",
        "",
        "Keys of their own, never inside an object. The first that is set counts: the stack's own secret",
        f"(`pulumi config set --secret {NAMESPACE}:ngcApiKey`), the environment variable, the same variable in `.env`.",
        "",
        "| Key | Variable | Meaning |",
        "|---|---|---|",
        *(f"| `{NAMESPACE}:{key}` | `{secret.variable}` | {secret.description} |" for key, secret in SECRET_KEYS.items()),
        "",
    ]
    return "\n".join(lines)


def _matrix() -> str:
    """The compatibility matrix, as a table."""
    known = matrix()
    lines = ["## Clusters and inference providers", "", f"| | {' | '.join(known.providers)} |", "|---" * (len(known.providers) + 1) + "|"]
    for name, kind in known.clusters.items():
        marks = ["yes" if provider in kind.inference else "no" for provider in known.providers]
        lines.append(f"| `{name}` | {' | '.join(marks)} |")
    reasons = [f"- {entry.provider} on {entry.cluster}: {entry.reason}." for entry in known.reasons]
    available = [f"`{name}`" for name in (*known.deployable_clusters(), *known.deployable_providers())]
    return "\n".join([*lines, "", *reasons, "", f"Available now: {', '.join(available)}.", ""])


def _releases() -> str:
    lines = ["## OSMO profiles", "", "| Profile | Charts | Images | Client | Kubernetes |", "|---|---|---|---|---|"]
    rows = (
        f"| `{name}` | {release.chart} | {release.tag} | {release.cli} | `{profile.kubernetes}` |"
        for name, profile in versions().profiles.items()
        for release in profile.releases
    )
    return "\n".join([*lines, *rows, ""])
