"""What the passes over NIMServices and NIMCaches have in common."""

from __future__ import annotations

from rehearsal.api import Api, Object, Resource
from rehearsal.events import Events
from rehearsal.nims.rendering import PARENT_HASH


class Again(Exception):
    """The object has to be looked at again although nothing changes.

    Attributes:
        seconds: until then; 0 for later and later.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds


class Rejected(Exception):
    """What was wanted cannot be made.

    Attributes:
        reason: of the condition.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Writer:
    """Writes objects and statuses as one controller.

    Args:
        finalizer: that keeps the controller's objects until it has looked at their end.
    """

    def __init__(self, api: Api, resource: Resource, finalizer: str, component: str) -> None:
        self.api, self._resource, self._finalizer = api, resource, finalizer
        self.events = Events(api, component)

    def is_going(self, item: Object) -> bool:
        """Whether an object is being deleted, which it then may; one that stays gets the finalizer."""
        metadata = item["metadata"]
        held, going = list(metadata.get("finalizers") or []), bool(metadata.get("deletionTimestamp"))
        if going == (self._finalizer in held):
            kept = [one for one in held if one != self._finalizer] if going else [*held, self._finalizer]
            self.api.patch(self._resource, metadata["name"], {"metadata": {"finalizers": kept}}, metadata["namespace"])
        return going

    def sync(self, resource: Resource, body: Object) -> None:
        """Makes an object, or writes it anew when what it belongs to was changed. Changes that others made to it stay."""
        metadata = body["metadata"]
        found = self.api.get(resource, metadata["name"], metadata["namespace"])
        if found is None or _hash(found) != _hash(body):
            self.api.apply(resource, body)

    def say(self, item: Object, status: Object) -> bool:
        """Writes a status unless it says this already; whether it did."""
        before = item.get("status") or {}
        if all(before.get(key) == value for key, value in status.items()):
            return False
        metadata = item["metadata"]
        self.api.patch(self._resource, metadata["name"], {"status": status}, metadata["namespace"], "status")
        item["status"] = {**before, **status}
        return True


def _hash(body: Object) -> str:
    return str((body["metadata"].get("annotations") or {}).get(PARENT_HASH, ""))
