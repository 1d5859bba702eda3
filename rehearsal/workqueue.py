"""A queue of keys for several workers: a key waits at most once, and is never worked on by two at a time."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable

from rehearsal.watching import Key

log = logging.getLogger(__name__)


class WorkQueue:
    """Keys to look at, now or after a delay."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, Key]] = []
        self._earliest: dict[Key, float] = {}
        self._active: set[Key] = set()

    def add(self, key: Key, delay: float = 0.0) -> None:
        """Asks for a look at the key in `delay` seconds, or earlier when that was asked for already."""
        when = time.monotonic() + delay
        with self._changed:
            if when < self._earliest.get(key, float("inf")):
                self._earliest[key] = when
                heapq.heappush(self._due, (when, key))
                self._changed.notify()

    def start(self, work: Callable[[Key], None], workers: int, name: str) -> None:
        """Starts threads that work until the process ends; what `work` raises is logged."""
        for index in range(workers):
            threading.Thread(target=self._run, args=(work,), name=f"{name}-{index}", daemon=True).start()

    def _run(self, work: Callable[[Key], None]) -> None:
        while True:
            key = self._take()
            try:
                work(key)
            except Exception:  # one bad object must not end the work on all others
                log.exception("working on %s", "/".join(key))
            finally:
                with self._changed:
                    self._active.discard(key)
                    self._changed.notify_all()

    def _take(self) -> Key:
        with self._changed:
            while True:
                now = time.monotonic()
                ready = self._pop(now)
                if ready is not None:
                    self._active.add(ready)
                    return ready
                self._changed.wait(self._due[0][0] - now if self._due and self._due[0][0] > now else None)

    def _pop(self, now: float) -> Key | None:
        """The first key that is due and that nobody works on."""
        busy: list[tuple[float, Key]] = []
        found: Key | None = None
        while found is None and self._due and self._due[0][0] <= now:
            when, key = heapq.heappop(self._due)
            if self._earliest.get(key) != when:
                continue  # asked for again at an earlier time, and done since
            if key in self._active:
                busy.append((when, key))
                continue
            del self._earliest[key]
            found = key
        for entry in busy:
            heapq.heappush(self._due, entry)
        return found
