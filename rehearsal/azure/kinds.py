"""The resources that the simulated Azure knows: the data of `kinds.yaml`, joined with what is published of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from rehearsal.azure.schema import published, sdk

PREFIX = "azure-native:"
PROVIDED = ("subscriptionId",)
"""What the provider puts into paths, not the program."""


class Model(BaseModel):
    """Base: nothing that nobody reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Busy(Model):
    """What a change locks, and how ARM refuses another change meanwhile. `below` is the type whose whole tree is locked."""

    below: str
    status: int
    code: str
    message: str


class Name(Model):
    """What holds for a name in a path."""

    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None


class Entry(Model):
    """One entry of the file; its head explains each field."""

    type: str
    package: str | None = None
    path: str | None = None
    model: str | None = None
    names: Mapping[str, Name] = Field(default_factory=dict)
    autoname: str = "random"
    seconds: tuple[float, float, float]
    replace: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    busy: str | None = None
    children: str = "go"
    outlives: bool = False
    in_use: str | None = None
    globally: bool = Field(default=False, alias="global")
    kept: int | None = None
    singleton: bool = False
    hidden: tuple[str, ...] = ()


class _File(Model):
    busy: Mapping[str, Busy]
    kinds: Mapping[str, Entry]


@dataclass(frozen=True)
class Kind:
    """One kind of resource.

    Attributes:
        token: the SDK's, `azure-native:network:Subnet`.
        entry: its data.
        api_version: ARM's.
        path: ARM's path, with the names of the SDK in braces.
        parameters: the names in the path, in order, with their rules.
        inputs, outputs, types: properties, see `rehearsal.azure.schema.sdk.Described`; inputs carry the published rules too.
    """

    token: str
    entry: Entry
    api_version: str
    path: str
    parameters: Mapping[str, Mapping[str, Any]]
    inputs: Mapping[str, sdk.Kind]
    outputs: Mapping[str, sdk.Kind]
    types: Mapping[str, Mapping[str, sdk.Kind]] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """ARM's type."""
        return self.entry.type

    @property
    def busy(self) -> Busy | None:
        """What a change of it locks."""
        return _file().busy[self.entry.busy] if self.entry.busy else None

    @property
    def autonamed(self) -> str | None:
        """The path's name that a program may leave out."""
        return next((name for name in reversed(list(self.parameters)) if not self.inputs.get(name, {}).get("required")), None)

    def id_of(self, subscription: str, inputs: Mapping[str, Any]) -> str:
        """The id that a resource with these inputs has."""

        def value(match: re.Match[str]) -> str:
            name = match[1]
            return subscription if name in PROVIDED else str(inputs.get(name, "")).strip("/")

        return re.sub(r"{(\w+)}", value, self.path)

    def names_in(self, id: str) -> dict[str, str]:  # noqa: A002 -- it is called id everywhere
        """The names of the path as they are in an id; none of an id that is no such resource's."""
        pattern = re.sub(r"\\{(\w+)\\}", lambda found: f"(?P<{found[1]}>{'.+' if _is_path(found[1]) else '[^/]+'})", re.escape(self.path))
        found = re.fullmatch(pattern, id, re.IGNORECASE)
        named = found.groupdict() if found else {}
        return {name: f"/{text}" if _is_path(name) else text for name, text in named.items() if name not in PROVIDED}


class UnknownKind(LookupError):
    """A resource that the simulated Azure doesn't know."""


def tokens() -> list[str]:
    """The SDK's tokens of all kinds."""
    return [f"{PREFIX}{name}" for name in _file().kinds]


@cache
def of_token(token: str) -> Kind:
    """The kind with an SDK's token.

    Raises:
        UnknownKind: there is none.
    """
    short = token.removeprefix(PREFIX)
    entry = _file().kinds.get(short)
    if entry is None or not token.startswith(PREFIX):
        raise UnknownKind(f"{token} is not simulated. A rehearsal knows {', '.join(sorted(_file().kinds))}.")
    module, _, resource = short.partition(":")
    described = sdk.describe(module, resource)
    path, parameters = _path(entry, described.inputs)
    inputs = {name: dict(kind) for name, kind in described.inputs.items()}
    types = {name: {key: dict(kind) for key, kind in fields.items()} for name, fields in described.types.items()}
    if entry.package:
        _Join(entry.package, types).rules(inputs, entry.model or resource)
    return Kind(token, entry, described.api_version, path, parameters, inputs, described.outputs, types)


def of_type(type: str) -> Kind:  # noqa: A002 -- it is called type everywhere
    """The kind of an ARM type.

    Raises:
        UnknownKind: there is none.
    """
    found = _by_type().get(type.lower())
    if found is None:
        raise UnknownKind(f"{type} is not simulated.")
    return of_token(found)


def known(type: str) -> bool:  # noqa: A002
    """Whether an ARM type is simulated."""
    return type.lower() in _by_type()


def entry_of(type: str) -> Entry:  # noqa: A002
    """The data of an ARM type, without what is published of it."""
    return _file().kinds[_by_type()[type.lower()].removeprefix(PREFIX)]


@cache
def _by_type() -> Mapping[str, str]:
    return {entry.type.lower(): f"{PREFIX}{name}" for name, entry in _file().kinds.items()}


@cache
def _file() -> _File:
    return _File.model_validate(yaml.safe_load((Path(__file__).parent / "kinds.yaml").read_text(encoding="utf-8")))


def _path(entry: Entry, inputs: Mapping[str, sdk.Kind]) -> tuple[str, dict[str, Mapping[str, Any]]]:
    """The path with the SDK's spelling of its names, and what holds for each."""
    endpoint = published.endpoint(entry.package, entry.type) if entry.package else published.Endpoint(entry.path or "")
    if endpoint is None:
        raise UnknownKind(f"{entry.package} puts no {entry.type}.")
    spelled = {name.lower(): name for name in inputs}
    found: dict[str, Mapping[str, Any]] = {}
    path = endpoint.path
    for name in re.findall(r"{(\w+)}", path):
        own = name if name in PROVIDED else spelled.get(name.lower(), name)
        path = path.replace(f"{{{name}}}", f"{{{own}}}")
        if own not in PROVIDED:
            more = entry.names[own].model_dump(exclude_none=True) if own in entry.names else {}
            found[own] = {**endpoint.parameters.get(name, {}), **more}
    return path.replace("/resourcegroups/", "/resourceGroups/"), found


def _is_path(name: str) -> bool:
    return name in {"scope", "resourceUri"}


class _Join:
    """Puts the rules of a management package's models on the SDK's properties."""

    def __init__(self, package: str, types: Mapping[str, dict[str, sdk.Kind]]) -> None:
        self._package, self._types = package, types
        self._seen: set[tuple[str, str]] = set()

    def rules(self, properties: Mapping[str, sdk.Kind], model: str) -> None:
        """Add what a model says of properties, and of what they hold."""
        attributes = published.attributes(self._package, model)
        by_wire = {each.wire.lower(): each for each in attributes}
        by_name = {each.python.replace("_", ""): each for each in attributes}
        for wire, kind in properties.items():
            found = by_wire.get(wire.lower()) or by_name.get(str(kind.get("attribute", wire)).replace("_", "").lower())
            if found:
                kind.update(found.rules)
                self._within(kind, found.model)
            self._enumeration(kind)

    def _within(self, kind: sdk.Kind, model: str) -> None:
        inner = kind
        while "items" in inner:
            inner = inner["items"]
        self._enumeration(inner)
        reference = inner.get("ref")
        if reference and (reference, model) not in self._seen:
            self._seen.add((reference, model))
            self.rules(self._types[reference], model)

    def _enumeration(self, kind: sdk.Kind) -> None:
        if "enum" in kind:
            more = published.enumerations(self._package).get(str(kind.get("name", "")).lower(), ())
            kind["enum"] = list(dict.fromkeys([*kind["enum"], *more]))
