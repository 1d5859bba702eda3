"""What services do beyond what models say: rules that bite, what they compute, and what they answer on request.

A service registers functions for ARM types; `services/` holds them, one module per area.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from rehearsal.azure.offers import Offers
from rehearsal.azure.resources import Resource

Fields = Mapping[str, Any]


class View(Protocol):
    """What services may look at."""

    @property
    def offers(self) -> Offers: ...

    def read(self, type: str, id: str) -> Resource | None: ...  # noqa: A002 -- they are called so everywhere
    def resources(self, type: str | None = None) -> list[Resource]: ...  # noqa: A002


@dataclass(frozen=True)
class Request:
    """A creation or an update that somebody asks for.

    Attributes:
        inputs: what the resource shall be.
        old: what it is; None for a creation.
    """

    view: View
    type: str
    id: str
    inputs: Fields
    old: Resource | None

    @property
    def name(self) -> str:
        """The innermost name."""
        return self.id.rpartition("/")[2]


Rule = Callable[[Request], None]
"""Raises an `ArmError` where the service refuses."""
Outputs = Callable[[View, Resource], Fields]
"""What a service adds to a resource's outputs; the same for the same resource, however often it is asked."""
Guard = Callable[[View, Resource], None]
"""Raises an `ArmError` where the service refuses to delete."""
Farewell = Callable[[View, Resource], Iterable[tuple[Resource, Fields]]]
"""Outputs of other resources that change when one is gone."""
Secrets = Callable[[], Mapping[str, str]]
"""Keys that a service makes for a new resource."""

rules: dict[str, list[Rule]] = {}
computed: dict[str, list[Outputs]] = {}
guards: dict[str, list[Guard]] = {}
farewells: dict[str, list[Farewell]] = {}
keys: dict[str, Secrets] = {}

_Function = TypeVar("_Function", Rule, Outputs, Guard, Farewell)


def rule(*types: str) -> Callable[[Rule], Rule]:
    """Register what a service insists on when resources of these types are created or changed."""
    return _registered(rules, types)


def outputs(*types: str) -> Callable[[Outputs], Outputs]:
    """Register what a service says of resources of these types."""
    return _registered(computed, types)


def guard(*types: str) -> Callable[[Guard], Guard]:
    """Register when a service refuses to delete resources of these types."""
    return _registered(guards, types)


def farewell(*types: str) -> Callable[[Farewell], Farewell]:
    """Register what changes elsewhere when resources of these types are gone."""
    return _registered(farewells, types)


def makes_keys(type: str) -> Callable[[Secrets], Secrets]:  # noqa: A002
    """Register how a service makes the keys of a new resource."""

    def register(function: Secrets) -> Secrets:
        keys[type.lower()] = function
        return function

    return register


def derived(resource: Resource, what: str) -> str:
    """A GUID that belongs to this resource alone: another one of the same name gets another."""
    return str(uuid.uuid5(uuid.UUID(resource.uid), what))


def _registered(table: dict[str, list[_Function]], types: tuple[str, ...]) -> Callable[[_Function], _Function]:
    def register(function: _Function) -> _Function:
        for type_ in types:
            table.setdefault(type_.lower(), []).append(function)
        return function

    return register
