"""Parses raw settings, section by section, so that one wrong section hides no problem of another. Knows no Pulumi."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, cast

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from sdg.catalog.key_shapes import key_shape
from sdg.settings import azure
from sdg.settings.errors import SettingsError, hint, sentence
from sdg.settings.model import NAMESPACE, StackSettings
from sdg.settings.rules import Sections, cross_field_problems
from sdg.settings.schema import keys_of, leaves
from sdg.settings.secrets import SECRET_KEYS

Raw = Mapping[str, object]


def parse(raw: Raw, hidden: Collection[str] = ()) -> StackSettings:
    """Reads what a stack says under `sdg:`, secrets left out.

    Args:
        raw: values by top-level key; objects as mappings or as JSON text, as Pulumi's config holds them.
        hidden: top-level keys whose values are secret and never shown.

    Raises:
        SettingsError: names every problem.
    """
    sections, problems = check(raw, hidden)
    if problems:
        raise SettingsError(problems)
    return StackSettings.model_validate(sections)


def check(raw: Raw, hidden: Collection[str] = ()) -> tuple[Sections, list[str]]:
    """The sections that can be read, and every problem with the rest and with what they ask of each other; see `parse`."""
    problems = list(_unknown(raw))
    raw = _with_defaults_of_cluster(raw)
    sections: dict[str, object] = {}
    for name, field in StackSettings.model_fields.items():
        key = field.alias or name
        if key in raw:
            value, found = _section(key, field, raw[key], hide_values=key in hidden)
            problems.extend(found)
            if not found:
                sections[name] = value
        elif field.is_required():
            problems.append(f"{NAMESPACE}:{key} is required: {str(field.description).lower()}")
        else:
            sections[name] = field.get_default(call_default_factory=True)
    readable = cast("Sections", sections)
    return readable, [*problems, *cross_field_problems(readable)]


def _unknown(raw: Raw) -> Iterator[str]:
    known = (*keys_of(StackSettings), *SECRET_KEYS)
    return (f"{NAMESPACE}:{key} is not a key here. {hint(key, known)}" for key in raw if key not in known)


def _with_defaults_of_cluster(raw: Raw) -> Raw:
    """What the stack says, with what follows from the kind of its cluster."""
    cluster = _decoded(StackSettings.model_fields["cluster"], raw.get("cluster"))
    if not (isinstance(cluster, Mapping) and cluster.get("kind") == "azure"):
        return raw
    completed = dict(raw)
    for key, defaults in azure.DEFAULTS.items():
        said = _decoded(StackSettings.model_fields[key], raw.get(key, {}))
        completed[key] = {**defaults, **said} if isinstance(said, Mapping) else said
    return completed


def _section(key: str, field: FieldInfo, raw: object, *, hide_values: bool) -> tuple[object, list[str]]:
    """One top-level key: its value, and what is wrong with it."""
    value = _decoded(field, raw)
    misplaced = list(_misplaced_credentials(key, value))
    form: Any = Annotated[field.annotation, Field(discriminator=field.discriminator)] if field.discriminator else field.annotation
    try:
        return TypeAdapter(form).validate_python(value, by_name=False), misplaced
    except ValidationError as error:
        found = []
        for detail in error.errors(include_url=False):
            if _counts_what_is_wrong(detail):
                continue
            detail["loc"] = (key, *detail["loc"])
            found.append(sentence(StackSettings, detail, hide_values=hide_values))
        return None, [*found, *misplaced]


def _counts_what_is_wrong(detail: ErrorDetails) -> bool:
    """Whether a list is found too short only because its entries are wrong, which is told of each."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _decoded(field: FieldInfo, raw: object) -> object:
    """Pulumi's config holds objects as JSON text; a text that isn't JSON stays what it is and is refused by its type."""
    if field.annotation is str or not isinstance(raw, str) or not raw.lstrip().startswith(("{", "[")):
        return raw
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def _misplaced_credentials(key: str, value: object) -> Iterator[str]:
    """Secrets are keys of their own: an object lands in components' inputs, which are printed."""
    for path, label, text in leaves(value):
        shape = key_shape(text, label)
        if shape:
            own_keys = ", ".join(SECRET_KEYS)
            yield f"{NAMESPACE}:{key}{path} holds what looks like a credential ({shape}); secrets have keys of their own: {own_keys}."
