"""Everything that exists in the simulated Azure, and every way of changing it.

Resources have ARM's types and ids; their properties have the shape of the Pulumi SDK (camelCase, what ARM nests below `properties` lifted
to the top where the SDK does so). May be used from several threads: each change is one operation, which takes its time and may fail.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from rehearsal.azure import admission, behaviour, kinds, projection, services
from rehearsal.azure.account import SUBSCRIPTION
from rehearsal.azure.behaviour import Request
from rehearsal.azure.clock import Clock
from rehearsal.azure.errors import ArmError, not_found
from rehearsal.azure.ids import key
from rehearsal.azure.locks import Locks
from rehearsal.azure.names import DAY, Gone, Names
from rehearsal.azure.offers import Offers
from rehearsal.azure.quota import Quota, machines_of
from rehearsal.azure.resources import CREATING, DELETING, FAILED, SUCCEEDED, UPDATING, Fields, Resource
from rehearsal.azure.store import Store
from rehearsal.faults import Faults

_CREATE, _UPDATE, _DELETE = range(3)
__all__ = ["CREATING", "DELETING", "FAILED", "SUCCEEDED", "UPDATING", "Fields", "Resource", "World"]

Created = Callable[[Resource], Fields | None]
"""Called while a creation goes on, when all else is done. What it returns becomes outputs; an `ArmError` fails the creation, and the
resource stays in the state `Failed`, as in Azure. May take as long as it needs."""
Updated = Callable[[Resource, Resource], Fields | None]
"""The same for an update: the resource before and after."""
Deleted = Callable[[Resource], None]
"""Called before a resource vanishes."""
Answer = Callable[[Resource, Fields], Fields]
"""Answers a function of a resource: the resource and the function's arguments."""


class World:
    """The simulated Azure.

    Args:
        file: keeps everything for the processes that come after this one; None keeps nothing.

    Attributes:
        faults: switches that make it fail.
        clock: how long operations take.
        quota: vCPUs that may be used.
        offers: what regions have.
    """

    def __init__(self, faults: Faults | None = None, clock: Clock | None = None, file: Path | None = None) -> None:
        services.load()
        self.faults, self.clock = faults or Faults(), clock or Clock()
        self.quota, self.offers = Quota(self.resources, self.faults), Offers(self.faults)
        self._lock, self._locks, self._names, self._store = threading.RLock(), Locks(), Names(), Store(file)
        self._created: dict[str, list[Created]] = defaultdict(list)
        self._updated: dict[str, list[Updated]] = defaultdict(list)
        self._deleted: dict[str, list[Deleted]] = defaultdict(list)
        self._answers: dict[str, Answer] = {}
        self._resources: dict[str, Resource] = {}
        self._load()

    def on_created(self, type: str, callback: Created) -> None:  # noqa: A002 -- it is called type everywhere
        """Take part in every creation of a type."""
        self._created[type.lower()].append(callback)

    def on_updated(self, type: str, callback: Updated) -> None:  # noqa: A002
        """Take part in every update of a type."""
        self._updated[type.lower()].append(callback)

    def on_deleted(self, type: str, callback: Deleted) -> None:  # noqa: A002
        """Take part in every deletion of a type, also when it goes with its parent or resource group."""
        self._deleted[type.lower()].append(callback)

    def on_invoke(self, function: str, callback: Answer) -> None:
        """Answer a function of the SDK (`listManagedClusterAdminCredentials`) for the resource that its arguments name."""
        self._answers[function] = callback

    def answer(self, function: str) -> Answer | None:
        """Who answers a function; None where nobody was registered."""
        return self._answers.get(function)

    def resources(self, type: str | None = None) -> list[Resource]:  # noqa: A002
        """What there is, of one type or of all, by id."""
        with self._lock:
            found = [one for _, one in sorted(self._resources.items())]
        return [one for one in found if type is None or one.type.lower() == type.lower()]

    def read(self, type: str, id: str) -> Resource | None:  # noqa: A002
        """One resource; None when there is none of this type and id."""
        with self._lock:
            found = self._resources.get(key(id))
        return found if found and found.type.lower() == type.lower() else None

    def gone(self, type: str | None = None) -> list[Gone]:  # noqa: A002
        """Deleted resources that keep their names, of one type or of all."""
        with self._lock:
            return [one for one in self._names.all(self.clock.now()) if type is None or one.type.lower() == type.lower()]

    def purge(self, type: str, name: str) -> None:  # noqa: A002
        """End a deleted resource for good, so that its name is free.

        Raises:
            ArmError: there is none, or it is protected.
        """
        with self._lock:
            found = self._names.find(type, name, self.clock.now())
            if found is None:
                raise not_found(name)
            admission.refuse_protected(found)
            self._names.drop(type, name)
            self._save()

    def create(self, type: str, id: str, inputs: Fields) -> Resource:  # noqa: A002
        """Create a resource, or change it where it is there already, as ARM does; returns when the operation has ended.

        Raises:
            ArmError: it was refused, or failed on the way (`accepted`).
        """
        if self.read(type, id) is not None:
            return self.update(type, id, inputs)
        kind = kinds.of_type(type)
        admission.injected(self.faults, type, id, "create")
        with self._locks.holding(kind.busy, id):
            with self._lock:
                new = self._admitted(kind, id, inputs)
            return self._finish(new, kind.entry.seconds[_CREATE], list(self._created[type.lower()]))

    def update(self, type: str, id: str, inputs: Fields) -> Resource:  # noqa: A002
        """Change a resource; returns when the operation has ended.

        Raises:
            ArmError: it was refused, or failed on the way (`accepted`).
        """
        kind = kinds.of_type(type)
        admission.injected(self.faults, type, id, "update")
        with self._locks.holding(kind.busy, id):
            with self._lock:
                old = self._existing(type, id)
                request = Request(self, type, id, inputs, old)
                admission.admit(request)
                admission.refuse_fixed(request)
                self._check_quota(old, inputs)
                new = replace(old, inputs=dict(inputs), outputs=projection.plain(kind, inputs), state=UPDATING)
                new = self._put(replace(new, outputs=self._said(new, kept=old.outputs)))
            return self._finish(new, kind.entry.seconds[_UPDATE], [partial(call, old) for call in self._updated[type.lower()]])

    def amend(self, type: str, id: str, outputs: Fields) -> Resource:  # noqa: A002
        """Note what happened by itself, such as a pool that an autoscaler made larger.

        Raises:
            ArmError: there is no such resource, or the quota does not allow it.
        """
        with self._lock:
            old = self._existing(type, id)
            self._check_quota(old, {**old.outputs, **outputs})
            return self._put(replace(old, outputs={**old.outputs, **outputs}))

    def delete(self, type: str, id: str) -> None:  # noqa: A002
        """Delete a resource with what is nested in it; what is not there is no error, as in ARM.

        Raises:
            ArmError: it was refused, or failed on the way.
        """
        kind = kinds.of_type(type)
        admission.injected(self.faults, type, id, "delete")
        with self._locks.holding(kind.busy, id):
            with self._lock:
                old = self.read(type, id)
                if old is None:
                    return
                nested = self._nested(old)
                admission.refuse_deletion(self, old, nested)
                self._put(replace(old, state=DELETING))
            self._wait(type, kind.entry.seconds[_DELETE])
            for one in [*nested, old]:
                self._vanish(one)

    def _admitted(self, kind: kinds.Kind, id: str, inputs: Fields) -> Resource:  # noqa: A002
        request = Request(self, kind.type, id, inputs, None)
        admission.admit(request)
        admission.refuse_taken(request, self.faults)
        gone = self._kept(kind, request.name)
        admission.refuse_kept(request, gone)
        made = behaviour.keys.get(kind.type.lower(), dict)()
        new = Resource(kind.type, id, dict(inputs), projection.plain(kind, inputs), CREATING, made)
        self.quota.check(machines_of(new, self.resources))
        if gone:
            self._names.drop(kind.type, request.name)
        return self._put(replace(new, outputs=self._said(new)))

    def _kept(self, kind: kinds.Kind, name: str) -> Gone | None:
        """The deleted resource that keeps a name: one of this world, or one that a switch speaks of."""
        if not kind.entry.kept:
            return None
        now = self.clock.now()
        if name in (self.faults.get("azure.name") or {}).get("deleted", []):
            return Gone(kind.type, f"/subscriptions/{SUBSCRIPTION}/resourceGroups/gone/providers/{kind.type}/{name}", "", now, now + DAY)
        return self._names.find(kind.type, name, now)

    def _said(self, resource: Resource, kept: Fields | None = None) -> dict[str, Any]:
        """All that ARM says of a resource: what was asked for, over what services add, over what hooks once added."""
        found = dict(resource.outputs)
        for compute in behaviour.computed.get(resource.type.lower(), []):
            found = _under(found, compute(self, replace(resource, outputs=found)))
        kind = kinds.of_type(resource.type)
        own = {"name": resource.name, "type": kind.type, "id": resource.id, "azureApiVersion": kind.api_version}
        own |= {"provisioningState": SUCCEEDED}
        found = {name: value for name, value in {**found, **own}.items() if name in kind.outputs or name == "id"}
        added = {name: value for name, value in (kept or {}).items() if name not in kind.inputs}
        return {**added, **found}

    def _finish(self, resource: Resource, seconds: float, calls: list[Callable[[Resource], Fields | None]]) -> Resource:
        """Let an operation take its time and its part in hooks; what happens to the resource by itself meanwhile is kept."""
        ended = FAILED
        try:
            self._wait(resource.type, seconds)
            admission.failing(self.faults, resource.type, resource.name)
            for call in calls:
                self._added(resource, call(self._existing(resource.type, resource.id)) or {})
            ended = SUCCEEDED
        except ArmError as error:
            error.accepted = True
            raise
        finally:
            done = self._ended(resource, ended)
        return done

    def _added(self, resource: Resource, outputs: Fields) -> None:
        with self._lock:
            now = self._existing(resource.type, resource.id)
            self._put(replace(now, outputs={**now.outputs, **outputs}))

    def _ended(self, resource: Resource, state: str) -> Resource:
        with self._lock:
            now = self.read(resource.type, resource.id)
            if now is None:
                return resource
            shown = {"provisioningState": state} if "provisioningState" in now.outputs else {}
            return self._put(replace(now, state=state, outputs={**now.outputs, **shown}))

    def _vanish(self, resource: Resource) -> None:
        try:
            for callback in self._deleted[resource.type.lower()]:
                callback(resource)
        except BaseException:
            self._ended(resource, FAILED)
            raise
        entry = kinds.entry_of(resource.type)
        with self._lock:
            self._resources.pop(key(resource.id), None)
            for say in behaviour.farewells.get(resource.type.lower(), []):
                for other, outputs in say(self, resource):
                    self.amend(other.type, other.id, outputs)
            if entry.kept:
                self._names.keep(self._kept_as(resource, entry.kept))
            self._save()

    def _kept_as(self, resource: Resource, days: int) -> Gone:
        properties, now = resource.inputs.get("properties") or {}, self.clock.now()
        until = now + (properties.get("softDeleteRetentionInDays") or days) * DAY
        where, protected = str(resource.outputs.get("location", "")), bool(properties.get("enablePurgeProtection"))
        return Gone(resource.type, resource.id, where, now, until, protected)

    def _nested(self, resource: Resource) -> list[Resource]:
        """What goes with a resource, the innermost first. What is said of it from outside stays."""
        below = f"{key(resource.id)}/"
        found = [one for one in self.resources() if key(one.id).startswith(below) and not kinds.entry_of(one.type).outlives]
        return sorted(found, key=lambda one: -one.id.count("/"))

    def _check_quota(self, old: Resource, said: Fields) -> None:
        now = machines_of(old, self.resources)
        if now:
            fields = {**said, "location": old.outputs.get("location", "")}
            self.quota.check(machines_of(old, self.resources, fields), now)

    def _wait(self, type: str, seconds: float) -> None:  # noqa: A002
        slow = self.faults.get("azure.slow") or {}
        extra = float(slow.get("seconds", 0)) if slow.get("type", type).lower() == type.lower() else 0.0
        self.clock.wait(seconds + extra)

    def _existing(self, type: str, id: str) -> Resource:  # noqa: A002
        found = self.read(type, id)
        if found is None:
            raise not_found(id)
        return found

    def _put(self, resource: Resource) -> Resource:
        with self._lock:
            self._resources[key(resource.id)] = resource
            self._save()
        return resource

    def _save(self) -> None:
        self._store.save((asdict(one) for one in self._resources.values()), self._names.dump())

    def _load(self) -> None:
        saved = self._store.load()
        for entry in saved.get("resources", []):
            one = Resource(**entry)
            # an operation that the process took along has failed: nobody will end it
            ended = one if one.state in {SUCCEEDED, FAILED} else replace(one, state=FAILED)
            self._resources[key(one.id)] = ended
        self._names.load(saved.get("gone", []))


def _under(asked: Any, added: Any) -> Any:  # noqa: ANN401 -- whatever a property may hold
    """What services add, below what was asked for, object by object and item by item."""
    if isinstance(asked, Mapping) and isinstance(added, Mapping):
        return {**added, **{name: _under(value, added[name]) if name in added else value for name, value in asked.items()}}
    if isinstance(asked, list) and isinstance(added, list) and len(asked) == len(added):
        return [_under(one, other) for one, other in zip(asked, added, strict=True)]
    return asked
