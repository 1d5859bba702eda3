"""How the azure-native provider goes about ARM: what it checks before, how it plans, what it tries again, what it keeps.

Source: the provider's own code, `provider/pkg/provider/provider.go` and `diff.go`, in pulumi/pulumi-azure-native. Values are plain: what is
secret is marked again by the plugin, and an unknown is the engine's own text for it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from rehearsal.azure import answers, differences, kinds, node_pools, projection, validation
from rehearsal.azure.account import SUBSCRIPTION
from rehearsal.azure.differences import Change
from rehearsal.azure.errors import ArmError
from rehearsal.azure.ids import GROUP
from rehearsal.azure.kinds import Kind
from rehearsal.azure.validation import Problem
from rehearsal.azure.values import UNKNOWN
from rehearsal.azure.world import Resource, World

Fields = dict[str, Any]
VERSION, RANDOM_NAME = "azureApiVersion", "__createBeforeDelete"
RETRIES = (20.0, 60.0, 120.0)
"""Azure's seconds before each further try."""
RETRIED = (408, 429, 500, 502, 503, 504)
BUSY = "AnotherOperationInProgress"
_SUFFIX = 8
_Result = TypeVar("_Result")


class ProviderFailure(Exception):
    """What the provider itself refuses."""


@dataclass(frozen=True)
class Naming:
    """How a name is made when the program gives none: the resource's name in the program, a seed, and the engine's own wish."""

    name: str
    seed: str = ""
    proposed: str = ""
    enforced: bool = False
    disabled: bool = False


@dataclass(frozen=True)
class Settings:
    """The provider's settings that matter here."""

    subscription: str = SUBSCRIPTION
    location: str = ""


class Provider:
    """One azure-native provider over the simulated Azure."""

    def __init__(self, world: World) -> None:
        self._world = world

    def check(self, token: str, inputs: Fields, olds: Fields, naming: Naming, settings: Settings) -> tuple[Fields, list[Problem]]:
        """Complete inputs as the provider does, and say what is wrong with them."""
        kind = kinds.of_token(token)
        found = {**self._named(kind, inputs, olds, naming)}
        if "location" in kind.inputs and "location" not in found:
            where = self._location(olds, found, settings)
            found |= {"location": where} if where else {}
        found.setdefault(VERSION, kind.api_version)
        return found, validation.problems(kind, found)

    def diff(self, token: str, olds: Fields, news: Fields) -> list[Change]:
        """What an update would change. The engine deletes before it replaces, unless the name was made up."""
        return differences.changes(kinds.of_token(token), olds, news)

    def preview(self, token: str, inputs: Fields, state: Fields | None = None) -> Fields:
        """What is known of a resource before it is created or changed; of a change, name and region stay."""
        kind = kinds.of_token(token)
        stable = {name: value for name, value in (state or {}).items() if name in {"name", "location"}}
        return {**projection.preview(kind, inputs), VERSION: kind.api_version, **stable}

    def create(self, token: str, inputs: Fields, settings: Settings) -> Resource:
        """Create a resource.

        Raises:
            ProviderFailure: it is there already, and would be overwritten.
            ArmError: ARM refuses.
        """
        kind = kinds.of_token(token)
        id_ = kind.id_of(settings.subscription, inputs)
        if self._world.read(kind.type, id_) is not None and not kind.entry.singleton:
            raise ProviderFailure(f"cannot create already existing resource '{id_}'")
        return self._trying(lambda: self._put(kind, id_, inputs))

    def update(self, token: str, id: str, inputs: Fields) -> Resource:  # noqa: A002 -- it is called id everywhere
        """Change a resource, or make it where it has vanished: to ARM both are one.

        Raises:
            ArmError: ARM refuses.
        """
        kind = kinds.of_token(token)
        return self._trying(lambda: self._put(kind, id, inputs))

    def delete(self, token: str, id: str) -> None:  # noqa: A002
        """Delete a resource.

        Raises:
            ArmError: ARM refuses.
        """
        self._trying(lambda: self._world.delete(kinds.of_token(token).type, id))

    def left(self, token: str, inputs: Fields, settings: Settings) -> Resource:
        """What a creation left behind that failed on the way.

        Raises:
            ProviderFailure: nothing.
        """
        kind = kinds.of_token(token)
        id_ = kind.id_of(settings.subscription, inputs)
        found = self._world.read(kind.type, id_)
        if found is None:
            raise ProviderFailure(f"resource created but read failed: '{id_}' is gone")
        return node_pools.shown(self._world, found)

    def existing(self, token: str, id: str) -> Resource | None:  # noqa: A002
        """A resource as it is; None where it is gone."""
        found = self._world.read(kinds.of_token(token).type, id)
        return found and node_pools.shown(self._world, found)

    def refreshed(self, token: str, resource: Resource, state: Fields, inputs: Fields) -> Fields:
        """The inputs that would make what there is: those that there were, with what has changed since; all of them for an import."""
        kind = kinds.of_token(token)
        now = projection.inputs_of(kind, resource.outputs)
        if not inputs:
            return {**kind.names_in(resource.id), **now, VERSION: kind.api_version}
        before = projection.inputs_of(kind, state)
        found: Fields = differences.merged(inputs, before, now)
        return found

    def invoke(self, token: str, arguments: Fields, settings: Settings) -> Mapping[str, Any]:
        """Run one of the provider's functions.

        Raises:
            ProviderFailure: there is no such function.
            ArmError: ARM refuses.
        """
        return self._trying(lambda: answers.answer(self._world, token, arguments, settings.subscription))

    def _put(self, kind: Kind, id: str, inputs: Fields) -> Resource:  # noqa: A002
        own = _own(inputs)
        if kind.type == node_pools.CLUSTER:
            own, pools = node_pools.parted(self._world, id, own)
            for pool, wanted in pools:
                self._world.update(pool.type, pool.id, wanted)
        return node_pools.shown(self._world, self._world.create(kind.type, id, own))

    def _named(self, kind: Kind, inputs: Fields, olds: Fields, naming: Naming) -> Fields:
        name = kind.autonamed
        if name is None or inputs.get(name) is not None:
            return inputs
        if name in olds:
            flag = {RANDOM_NAME: olds[RANDOM_NAME]} if RANDOM_NAME in olds else {}
            return {**inputs, name: olds[name], **flag}
        if naming.disabled:
            return inputs
        if naming.enforced or (naming.proposed and kind.entry.autoname != "uuid"):
            return {**inputs, name: naming.proposed, RANDOM_NAME: True}
        digest = hashlib.sha256(f"{naming.seed}{naming.name}".encode()).hexdigest()
        made = str(uuid.UUID(digest[:32])) if kind.entry.autoname == "uuid" else f"{naming.name}{digest[:_SUFFIX]}"
        return {**inputs, name: made, RANDOM_NAME: True}

    def _location(self, olds: Fields, inputs: Fields, settings: Settings) -> str:
        """Where a resource lies that doesn't say: where it lay, where the provider is set to, where its group lies."""
        if known := olds.get("location") or settings.location:
            return str(known)
        group = inputs.get("resourceGroupName")
        if group == UNKNOWN:
            return UNKNOWN
        found = self._world.read(GROUP, f"/subscriptions/{settings.subscription}/resourceGroups/{group}")
        return str(found.outputs.get("location", "")) if found else ""

    def _trying(self, work: Callable[[], _Result]) -> _Result:
        """Do something, again and again where ARM is busy or stumbles."""
        for pause in RETRIES:
            try:
                return work()
            except ArmError as error:
                if error.accepted or (error.status not in RETRIED and error.code != BUSY):
                    raise
            self._world.clock.wait(pause)
        return work()


def _own(inputs: Fields) -> Fields:
    """Inputs without what the provider added for itself."""
    return {name: value for name, value in inputs.items() if name not in {VERSION, RANDOM_NAME}}
