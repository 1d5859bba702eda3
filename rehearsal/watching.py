"""List and watch: tells a handler about every object of a kind, from the start and for as long as the process lives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from rehearsal.api import Api, ApiError, Object, Resource

log = logging.getLogger(__name__)
RETRY = 0.5  # seconds between attempts while the API server does not answer
GONE = 410

Handler = Callable[[str, Object], None]
"""Called with "ADDED", "MODIFIED" or "DELETED" and the object (for DELETED its last state)."""
Key = tuple[str, str]


def key_of(item: Object) -> Key:
    """Namespace (empty for cluster-scoped kinds) and name."""
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


@dataclass
class Watcher:
    """Follows one kind in a thread of its own.

    Attributes:
        handlers: called in the watcher's thread, one after the other; what they raise is logged and does not end the watch.
        synced: set once the first list has been told.
    """

    api: Api
    resource: Resource
    handlers: tuple[Handler, ...]
    synced: threading.Event = field(default_factory=threading.Event)
    _known: dict[Key, Object] = field(default_factory=dict)

    def start(self) -> None:
        """Starts to follow; ends with the process."""
        threading.Thread(target=self._follow, name=f"watch-{self.resource.plural}", daemon=True).start()

    def _follow(self) -> None:
        version = said = ""
        while True:
            try:
                version = self._watch(version or self._list())
                said = ""
            except ApiError as error:
                version = ""  # the API server may come back as another cluster's, whose versions begin anew
                if error.code == GONE:
                    continue
                if str(error) != said:
                    log.warning("watch of %s: %s", self.resource.plural, error)
                said = str(error)
                threading.Event().wait(RETRY)
            except Exception:  # the thread must live, whatever a broken stream brings
                log.exception("watch of %s", self.resource.plural)
                version = ""
                threading.Event().wait(RETRY)

    def _list(self) -> str:
        """Tells the difference between what is known and what there is; returns the version to watch from."""
        found = self.api.list(self.resource)
        items = {key_of(item): item for item in found["items"]}
        for key, item in list(self._known.items()):
            if key not in items:
                self._tell("DELETED", item)
        for key, item in items.items():
            self._tell("MODIFIED" if key in self._known else "ADDED", item)
        self.synced.set()
        return str(found["metadata"]["resourceVersion"])

    def _watch(self, version: str) -> str:
        for event in self.api.watch(self.resource, version):
            version = event["object"]["metadata"]["resourceVersion"]
            if event["type"] != "BOOKMARK":
                self._tell(event["type"], event["object"])
        return version

    def _tell(self, change: str, item: Object) -> None:
        if change == "DELETED":
            self._known.pop(key_of(item), None)
        else:
            # enough to tell a deletion that happened while nobody watched, and no contents of Secrets
            self._known[key_of(item)] = {"metadata": {field: item["metadata"].get(field, "") for field in ("namespace", "name", "uid")}}
        for handle in self.handlers:
            try:
                handle(change, item)
            except Exception:  # one bad object must not end the watch of all others
                log.exception("handling %s of %s %s", change, self.resource.plural, "/".join(key_of(item)))
