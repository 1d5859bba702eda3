"""Events on objects, counted up instead of repeated, as Kubernetes' own components do it."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections import OrderedDict

from rehearsal.api import EVENTS, Api, ApiError, Object

REMEMBERED = 2000  # events that may be counted up; older ones are written anew


def timestamp() -> str:
    """Now, as the API writes times."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Events:
    """Writes events as one component. May be used from several threads."""

    def __init__(self, api: Api, component: str) -> None:
        self._api, self._component = api, component
        self._lock = threading.Lock()
        self._written: OrderedDict[tuple[str, str, str], tuple[str, int]] = OrderedDict()

    def warn(self, subject: Object, reason: str, message: str) -> None:
        """Says that something is wrong with an object."""
        self._write(subject, "Warning", reason, message)

    def inform(self, subject: Object, reason: str, message: str) -> None:
        """Says what happens to an object."""
        self._write(subject, "Normal", reason, message)

    def _write(self, subject: Object, kind: str, reason: str, message: str) -> None:
        identity = (subject["metadata"]["uid"], reason, message)
        namespace = subject["metadata"]["namespace"]
        with self._lock:
            name, count = self._written.get(identity, (f"{subject['metadata']['name'][:200]}.{uuid.uuid4().hex[:16]}", 0))
            self._written[identity] = (name, count + 1)
            self._written.move_to_end(identity)
            if len(self._written) > REMEMBERED:
                self._written.popitem(last=False)
        if count:
            try:
                self._api.patch(EVENTS, name, {"count": count + 1, "lastTimestamp": timestamp()}, namespace)
            except ApiError as error:
                if error.code != 404:  # noqa: PLR2004 - forgotten by the API server: written anew
                    raise
            else:
                return
        self._api.create(EVENTS, self._event(subject, name, (kind, reason, message), count + 1))

    def _event(self, subject: Object, name: str, said: tuple[str, str, str], count: int) -> Object:
        metadata, now = subject["metadata"], timestamp()
        source = {"component": self._component}
        if node := subject.get("spec", {}).get("nodeName"):
            source["host"] = node
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"namespace": metadata["namespace"], "name": name},
            "involvedObject": {
                "apiVersion": subject.get("apiVersion", "v1"),
                "kind": subject["kind"],
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
            "type": said[0],
            "reason": said[1],
            "message": said[2],
            "source": source,
            "count": count,
            "firstTimestamp": now,
            "lastTimestamp": now,
        }
