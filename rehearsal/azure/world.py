"""Everything that exists in the simulated Azure, and every way of changing it.

Resources have ARM's types and ids; their properties have the shape of the Pulumi SDK (camelCase, what ARM nests below `properties` lifted
to the top). May be used from several threads: each change is one operation, which takes its time and may fail.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rehearsal.azure.clock import Clock
from rehearsal.azure.errors import ArmError, not_found
from rehearsal.azure.ids import ResourceId, key
from rehearsal.faults import Faults

Fields = Mapping[str, Any]
SUCCEEDED, FAILED, CREATING, UPDATING, DELETING = "Succeeded", "Failed", "Creating", "Updating", "Deleting"


@dataclass(frozen=True)
class Resource:
    """One resource as it is now.

    Attributes:
        type: ARM's, `Microsoft.ContainerService/managedClusters`.
        id: ARM's.
        inputs: what it was last asked to be.
        outputs: what ARM says of it, also what nobody asked for (`fqdn`).
        state: provisioning state.
        secrets: keys and the like, which ARM gives out only on request.
    """

    type: str
    id: str
    inputs: Fields
    outputs: Fields
    state: str = SUCCEEDED
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The innermost name of its id."""
        return self.id.rstrip("/").rpartition("/")[2]

    @property
    def resource_group(self) -> str:
        """Name of its group; empty for what is in none."""
        parsed = ResourceId.parse(self.id)
        return parsed.group if parsed else ""


Created = Callable[[Resource], Fields | None]
"""Called while a creation goes on, when all else is done. What it returns becomes outputs; an `ArmError` fails the creation, and the
resource stays in the state `Failed`, as in Azure. May take as long as it needs."""
Updated = Callable[[Resource, Resource], Fields | None]
"""The same for an update: the resource before and after."""
Deleted = Callable[[Resource], None]
"""Called before a resource vanishes."""


class World:
    """The simulated Azure.

    Attributes:
        faults: switches that make it fail.
        clock: how long operations take.
    """

    def __init__(self, faults: Faults | None = None, clock: Clock | None = None) -> None:
        self.faults, self.clock = faults or Faults(), clock or Clock()
        self._lock = threading.RLock()
        self._resources: dict[str, Resource] = {}
        self._created: dict[str, list[Created]] = defaultdict(list)
        self._updated: dict[str, list[Updated]] = defaultdict(list)
        self._deleted: dict[str, list[Deleted]] = defaultdict(list)

    def on_created(self, type: str, callback: Created) -> None:  # noqa: A002 -- it is called type everywhere
        """Take part in every creation of a type."""
        self._created[type.lower()].append(callback)

    def on_updated(self, type: str, callback: Updated) -> None:  # noqa: A002
        """Take part in every update of a type."""
        self._updated[type.lower()].append(callback)

    def on_deleted(self, type: str, callback: Deleted) -> None:  # noqa: A002
        """Take part in every deletion of a type, also when it goes with its parent or resource group."""
        self._deleted[type.lower()].append(callback)

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

    def create(self, type: str, id: str, inputs: Fields) -> Resource:  # noqa: A002
        """Create a resource; returns when the operation has ended.

        Raises:
            ArmError: it was refused, or failed on the way (`accepted`).
        """
        resource = Resource(type, id, dict(inputs), dict(inputs), CREATING)
        self._put(resource)
        return self._finish(
            resource, lambda: self._told(resource, [lambda call=call: call(resource) for call in self._created[type.lower()]])
        )

    def update(self, type: str, id: str, inputs: Fields) -> Resource:  # noqa: A002
        """Change a resource; returns when the operation has ended.

        Raises:
            ArmError: it was refused, or failed on the way (`accepted`).
        """
        old = self._existing(type, id)
        new = replace(old, inputs=dict(inputs), outputs={**old.outputs, **inputs}, state=UPDATING)
        self._put(new)
        return self._finish(new, lambda: self._told(new, [lambda call=call: call(old, new) for call in self._updated[type.lower()]]))

    def amend(self, type: str, id: str, outputs: Fields) -> Resource:  # noqa: A002
        """Note what happened by itself, such as a pool that an autoscaler made larger."""
        with self._lock:
            old = self._existing(type, id)
            new = replace(old, outputs={**old.outputs, **outputs})
            self._put(new)
        return new

    def delete(self, type: str, id: str) -> None:  # noqa: A002
        """Delete a resource; what is not there is no error, as in ARM.

        Raises:
            ArmError: it was refused, or failed on the way.
        """
        old = self.read(type, id)
        if old is None:
            return
        for callback in self._deleted[type.lower()]:
            callback(old)
        with self._lock:
            self._resources.pop(key(id), None)

    def _existing(self, type: str, id: str) -> Resource:  # noqa: A002
        found = self.read(type, id)
        if found is None:
            raise not_found(id)
        return found

    def _put(self, resource: Resource) -> None:
        with self._lock:
            self._resources[key(resource.id)] = resource

    def _told(self, resource: Resource, calls: list[Callable[[], Fields | None]]) -> Resource:
        for call in calls:
            resource = replace(resource, outputs={**resource.outputs, **(call() or {})})
        return resource

    def _finish(self, resource: Resource, work: Callable[[], Resource]) -> Resource:
        try:
            done = replace(work(), state=SUCCEEDED)
        except ArmError as error:
            self._put(replace(resource, state=FAILED))
            error.accepted = True
            raise
        self._put(done)
        return done
