"""Waiting for objects to become ready or to be gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from rehearsal.plugins.kubernetes.api import Api, ApiError, Unreachable
from rehearsal.plugins.kubernetes.checkpoint import name_of
from rehearsal.plugins.kubernetes.documents import Object
from rehearsal.plugins.kubernetes.readiness import Look, Readiness, condition

DELETION_TIMEOUT = 300.0
_TIMEOUTS = {"PersistentVolumeClaim": 300.0, "Pod": 300.0, "PersistentVolume": 300.0}
_DEFAULT_TIMEOUT = 600.0
_POLL = 0.1
_SETTLED_POLL = 0.2
_SETTLED_AFTER = 2.0


class NotReady(Exception):
    """An object exists but did not become ready in time, failed, or nobody waits any more."""

    def __init__(self, message: str, live: Object, reasons: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.live = live
        self.reasons = list(reasons)


class Waiter:
    """Waits for one object. `say` is told, in the user's words, what is missing whenever that changes."""

    def __init__(self, api: Api, path: str, cancelled: threading.Event, say: Callable[[str], None]) -> None:
        self._api = api
        self._path = path
        self._cancelled = cancelled
        self._say = say

    def until_ready(self, live: Object, look: Look, timeout: float) -> Object:
        """Return the object as soon as it is ready.

        Raises:
            NotReady: it is not in time, it failed, or the operation was cancelled.
        """
        started, said = time.monotonic(), ""
        limit = timeout or _TIMEOUTS.get(str(live.get("kind")), _DEFAULT_TIMEOUT)
        while True:
            readiness = look(live, self._api)
            if readiness.ready:
                if said:
                    self._say("")  # takes the last message away
                return live
            self._give_up(readiness, live, expired=time.monotonic() - started >= limit)
            if readiness.waiting_for != said:
                said = readiness.waiting_for
                self._say(said)
            self._pause(started)
            live = self._again(live)

    def until_gone(self, live: Object, timeout: float) -> None:
        """Return as soon as the object is deleted, or another one has taken its name.

        Raises:
            NotReady: it is still there when time is over, or the operation was cancelled.
        """
        started, uid = time.monotonic(), live["metadata"].get("uid")
        while True:
            try:
                current = self._api.get(self._path)
            except ApiError as error:
                if error.not_found:
                    return
                raise
            if current["metadata"].get("uid") != uid:
                return
            if self._cancelled.is_set():
                raise NotReady(f"Resource operation was cancelled for {name_of(live)!r}", current)
            if time.monotonic() - started >= (timeout or DELETION_TIMEOUT):
                raise NotReady(f"'{name_of(live)}' timed out waiting to be deleted", current, _what_remains(current))
            self._pause(started)

    def _give_up(self, readiness: Readiness, live: Object, *, expired: bool) -> None:
        if readiness.failed:
            raise NotReady(readiness.failed, live, readiness.reasons)
        if self._cancelled.is_set():
            raise NotReady(f"Resource operation was cancelled for '{name_of(live)}'", live, readiness.reasons)
        if expired:
            raise NotReady(f"'{name_of(live)}' timed out waiting to be Ready", live, readiness.reasons)

    def _again(self, live: Object) -> Object:
        try:
            return self._api.get(self._path)
        except ApiError as error:
            if error.not_found:
                raise NotReady(f"'{name_of(live)}' was deleted while it was waited for", live) from None
            raise
        except Unreachable:
            return live  # an API server that restarts is waited for like any other cause

    def _pause(self, started: float) -> None:
        self._cancelled.wait(_POLL if time.monotonic() - started < _SETTLED_AFTER else _SETTLED_POLL)


def _what_remains(namespace: Object) -> list[str]:
    kinds = ("NamespaceDeletionDiscoveryFailure", "NamespaceContentRemaining", "NamespaceFinalizersRemaining")
    told = [condition(namespace, kind) for kind in kinds]
    finalizers = namespace["metadata"].get("finalizers") or []
    return [entry["message"] for entry in told if entry.get("status") == "True"] + (
        [f"finalizers: {', '.join(finalizers)}"] if finalizers else []
    )
