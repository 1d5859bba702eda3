"""Walks the settings models: which keys are legal at a place, and what a place is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from sdg.settings.base import Settings

KEY_MARK = "[key]"  # pydantic's mark in a location: the problem is the mapping's key itself


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the settings.

    Attributes:
        path: how a person writes it, from the top-level key on: `cluster.gpuPool.nodesMax`.
        label: last key of the path.
        model: the model that is found here, or around here for a leaf.
        leaf: whether the place holds a plain value.
        description, examples: those of the field.
        tags: legal kinds, where the place is a union, and `discriminator` is the key that holds them.
        holder: `tuple` for a whole list, `Mapping` for a whole mapping.
    """

    path: str
    label: str
    model: type[Settings]
    leaf: bool
    description: str = ""
    examples: tuple[object, ...] = ()
    tags: tuple[str, ...] = ()
    discriminator: str = ""
    holder: type | None = None


def keys_of(model: type[Settings]) -> tuple[str, ...]:
    """The keys that a model knows, as a person writes them."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def members(annotation: object) -> tuple[type[Settings], ...]:
    """The settings models inside a field's type: none for a plain value, several for a union, that of the items for a list or mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return (annotation,)
    if get_origin(annotation) in (Union, UnionType, Annotated, tuple, Mapping):
        return tuple(model for part in get_args(annotation) for model in members(part))
    return ()


def holder(annotation: object) -> type | None:
    """`tuple` for a list of values, `Mapping` for values by name, None for a value by itself."""
    origin = get_origin(annotation)
    if origin in (tuple, Mapping):
        return tuple if origin is tuple else Mapping
    parts = get_args(annotation) if origin in (Union, UnionType, Annotated) else ()
    return next((found for part in parts if (found := holder(part)) is not None), None)


def tag_of(model: type[Settings]) -> str | None:
    """The value of `kind` or `provider` that selects a model within its union."""
    for name in ("kind", "provider"):
        field = model.model_fields.get(name)
        if field is not None and (tag := tag_of_field(field)) is not None:
            return tag
    return None


def tag_of_field(field: FieldInfo) -> str | None:
    """The one value that a field may have, if there is but one."""
    values = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    return str(values[0]) if len(values) == 1 else None


def locate(model: type[Settings], location: tuple[int | str, ...]) -> Place:
    """The place that a pydantic location means; its first step is a top-level key."""
    walk = _Walk(model)
    for step in location:
        walk.take(step)
    return walk.place()


class _Walk:
    """Follows a location through the models. pydantic puts a union's tag into it, which no user ever wrote."""

    def __init__(self, model: type[Settings]) -> None:
        self._model = model
        self._models: tuple[type[Settings], ...] = (model,)
        self._field: FieldInfo | None = None
        self._held = False  # the next step is the item of a list or the key of a mapping
        self._item = False  # the last step was one
        self._key = False  # and it is the key itself that is wrong
        self._steps: list[str] = []
        self._labels: list[str] = []

    def take(self, step: int | str) -> None:
        if step == KEY_MARK:
            self._key = True
            return
        if not self._held and len(self._models) > 1 and (chosen := self._tagged(step)) is not None:
            self._models, self._model = (chosen,), chosen
            return
        self._steps.append(f"[{step}]" if isinstance(step, int) or not str(step).isidentifier() else f".{step}")
        self._labels.append(str(step))
        self._item, self._held = self._held, False
        if not self._item and len(self._models) == 1:
            self._model = self._models[0]
            self._field = next((f for name, f in self._model.model_fields.items() if step in (name, f.alias)), None)
            self._models = members(self._field.annotation) if self._field else ()
            self._held = self._field is not None and holder(self._field.annotation) is not None

    def _tagged(self, step: int | str) -> type[Settings] | None:
        return next((model for model in self._models if tag_of(model) == step), None)

    def place(self) -> Place:
        inside = self._models[0] if len(self._models) == 1 else self._model
        return Place(
            path="".join(self._steps).removeprefix("."),
            label=self._labels[-1] if self._labels else "",
            # an unknown key is judged by the model around it
            model=inside if self._field else self._model,
            leaf=not self._models or self._key,
            description=(self._field.description or "") if self._field else "",
            examples=self._examples(),
            tags=tuple(tag for model in self._models if (tag := tag_of(model))),
            discriminator=_discriminator(self._field) if self._field else "",
            holder=holder(self._field.annotation) if self._held and self._field else None,
        )

    def _examples(self) -> tuple[object, ...]:
        """Those of the field; for an item of a list, and for a field that has none, those of the values' own type."""
        if self._field is None:
            return ()
        own, of_values = tuple(self._field.examples or ()), tuple(_examples_of(self._field.annotation, keys=self._key))
        return of_values or own if self._item else own or of_values


def _discriminator(field: FieldInfo) -> str:
    """The key that holds the kind, where a field is a union or holds one."""
    inside = (found.discriminator for found in _described(field.annotation))
    return str(next((found for found in (field.discriminator, *inside) if found), ""))


def _described(annotation: object, *, keys: bool = False) -> Iterator[FieldInfo]:
    """What the parts of a type say of themselves.

    Args:
        keys: those of a mapping's keys, and not of its values.
    """
    parts: tuple[object, ...] = get_args(annotation) if get_origin(annotation) in (Union, UnionType, Annotated, tuple, Mapping) else ()
    if get_origin(annotation) is Mapping:
        parts = parts[:1] if keys else parts[1:]
    for part in parts:
        if isinstance(part, FieldInfo):
            yield part
        yield from _described(part, keys=keys)


def _examples_of(annotation: object, *, keys: bool = False) -> Iterator[object]:
    for field in _described(annotation, keys=keys):
        yield from field.examples or ()


def leaves(value: object, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Every text in a raw value, as (path, key, text); the keys of mappings are not texts."""
    match value:
        case str():
            yield path, _last(path), value
        case Mapping():
            for key, inner in value.items():
                yield from leaves(inner, f"{path}.{key}")
        case list() | tuple():
            for index, inner in enumerate(value):
                yield from leaves(inner, f"{path}[{index}]")
        case _:
            return


def _last(path: str) -> str:
    return path.rpartition(".")[2].partition("[")[0]
