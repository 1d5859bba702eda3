"""The NIM operator's manager: makes what NIMServices and NIMCaches say, and says how far it is.

It acts only while its Deployment is available and all of its kinds are defined, as the real one, which runs in that Deployment.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from rehearsal.api import DEPLOYMENTS, JOBS, SERVICES, Api, ApiError, Object, Resource
from rehearsal.nims.caches import Caches
from rehearsal.nims.kinds import KINDS, NIM_CACHES, NIM_SERVICES, definition
from rehearsal.nims.pods import MANAGER, NAME
from rehearsal.nims.reconciling import Again
from rehearsal.nims.services import Services
from rehearsal.nims.serving import Servers
from rehearsal.watching import Key, Watcher, key_of
from rehearsal.workqueue import WorkQueue

log = logging.getLogger(__name__)
WORKERS: Final = 2
FIRST, LAST = 0.5, 30.0  # seconds until a failed pass is repeated, doubled each time
NOT_FOUND, CONFLICT = 404, 409
_OWNERS: Final = {"NIMService": NIM_SERVICES, "NIMCache": NIM_CACHES}


class Operator:
    """Follows the manager's Deployment, its kinds, and what belongs to them."""

    def __init__(self, api: Api, servers: Servers) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._defined: set[str] = set()
        self._available: set[Key] = set()
        self._watched: set[Resource] = set()
        self._specs: dict[tuple[Resource, Key], object] = {}
        self._failures: dict[tuple[Resource, Key], int] = {}
        self._reconcile: dict[Resource, Callable[[Object], None]] = {
            NIM_SERVICES: Services(api, servers).reconcile,
            NIM_CACHES: Caches(api).reconcile,
        }
        self._queues = {NIM_SERVICES: WorkQueue(), NIM_CACHES: WorkQueue()}

    def watchers(self) -> list[Watcher]:
        """The watches of what may belong to a NIMService or a NIMCache; accounts and definitions are told by others."""
        return [
            Watcher(self._api, DEPLOYMENTS, (self._on_manager, self.on_owned)),
            Watcher(self._api, SERVICES, (self.on_owned,)),
            Watcher(self._api, JOBS, (self.on_owned,)),
        ]

    def start(self) -> None:
        """Starts to work; the watches must have told once what exists."""
        for resource, queue in self._queues.items():
            queue.start(lambda key, resource=resource: self._work(resource, key), WORKERS, resource.plural)  # type: ignore[misc]

    def on_definition(self, change: str, item: Object) -> None:
        """Takes over a change of a definition: what isn't defined cannot be watched."""
        name = item["metadata"]["name"]
        established = change != "DELETED" and _is_established(item)
        with self._lock:
            before = self._acts()
            (self._defined.add if established else self._defined.discard)(name)
            awake = self._acts() and not before
        for resource in self._queues:
            if established and name == f"{resource.plural}.{resource.group_version.partition('/')[0]}" and resource not in self._watched:
                self._watched.add(resource)
                Watcher(self._api, resource, (self._handler(resource),)).start()
        if awake:
            self._wake()

    def on_owned(self, change: str, item: Object) -> None:
        """Something changed that may belong to a NIMService or a NIMCache."""
        if change == "ADDED":
            return
        for owner in item["metadata"].get("ownerReferences") or []:
            if resource := _OWNERS.get(owner["kind"]):
                self._queues[resource].add((item["metadata"]["namespace"], owner["name"]))

    def _on_manager(self, change: str, item: Object) -> None:
        labels = item["metadata"].get("labels") or {}
        if labels.get(NAME) != MANAGER or labels.get("control-plane") != "controller-manager":
            return
        there = change != "DELETED" and (item.get("status") or {}).get("availableReplicas", 0) > 0
        with self._lock:
            before = self._acts()
            (self._available.add if there else self._available.discard)(key_of(item))
            awake = self._acts() and not before
        if awake:
            self._wake()

    def _acts(self) -> bool:
        return bool(self._available) and all(definition(kind) in self._defined for kind in KINDS)

    def _wake(self) -> None:
        """A manager that starts looks at everything."""
        for resource, key in list(self._specs):
            self._queues[resource].add(key)

    def _handler(self, resource: Resource) -> Callable[[str, Object], None]:
        def handle(change: str, item: Object) -> None:
            key = key_of(item)
            if change == "DELETED":
                self._specs.pop((resource, key), None)
                self._failures.pop((resource, key), None)
            elif item["metadata"].get("deletionTimestamp") or self._specs.get((resource, key)) != item.get("spec"):
                # nothing but its specification and its end, as the real one: a label changes nothing
                self._specs[resource, key] = item.get("spec")
                self._queues[resource].add(key)
            if resource == NIM_CACHES:
                self._tell_users(key)

        return handle

    def _tell_users(self, cache: Key) -> None:
        """Looks at the NIMServices whose store is this cache."""
        for (resource, key), spec in list(self._specs.items()):
            store = (spec.get("storage") or {}) if isinstance(spec, dict) else {}
            if resource == NIM_SERVICES and key[0] == cache[0] and (store.get("nimCache") or {}).get("name") == cache[1]:
                self._queues[NIM_SERVICES].add(key)

    def _work(self, resource: Resource, key: Key) -> None:
        with self._lock:
            acts = self._acts()
        item = self._api.get(resource, key[1], key[0]) if acts else None
        if item is None:
            return
        try:
            self._reconcile[resource](item)
        except Again as again:
            self._queues[resource].add(key, again.seconds or self._back_off(resource, key))
        except ApiError as error:
            self._queues[resource].add(key, self._back_off(resource, key))
            if error.code not in {NOT_FOUND, CONFLICT}:
                raise
        else:
            self._failures.pop((resource, key), None)

    def _back_off(self, resource: Resource, key: Key) -> float:
        failures = self._failures.get((resource, key), 0)
        self._failures[resource, key] = failures + 1
        return float(min(FIRST * 2**failures, LAST))


def _is_established(item: Object) -> bool:
    conditions = (item.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)
