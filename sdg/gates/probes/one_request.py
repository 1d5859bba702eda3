"""The one real request to an endpoint: in a thread of its own, never again once it was answered, and ever less often until then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sdg.gates.checks import Check, Status

NAME: Final = "endpoint-request"
_AGAIN: Final = 5.0  # seconds until a request that failed is sent again; doubled with each
_AGAIN_AT_MOST: Final = 60.0  # seconds
_QUICK: Final = 1.0  # seconds that a look waits for an answer that comes at once


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request.

    Attributes:
        words: what came back, or what went wrong.
        remedy: what to do; empty after an answer.
        seconds: until the answer was there.
    """

    good: bool
    words: str
    remedy: str = ""
    seconds: float = 0.0


class OneRequest:
    """Sends one request until it is answered.

    Args:
        send: sends it and says what became of it; whatever it raises is an outcome as well. It ends by itself.
    """

    def __init__(self, subject: str, expected: str, send: Callable[[], Outcome]) -> None:
        self._subject, self._expected, self._send = subject, expected, send
        self._outcome: Outcome | None = None
        self._answered_at = ""
        self._thread: threading.Thread | None = None
        self._began = self._due = time.monotonic()
        self._pause = _AGAIN  # until the next try

    def check(self) -> Check:
        """Sends it if it is due; what is known about it by now."""
        if not self._good and not self._under_way and time.monotonic() >= self._due:
            self._begin()
        if self._thread is not None and not self._good:
            self._thread.join(_QUICK)
        if self._good:
            return Check(NAME, self._subject, Status.PASSED, self._words, self._expected)
        return Check(NAME, self._subject, Status.FAILED, self._words, self._expected, self._remedy, stuck=self._outcome is not None)

    def evidence(self) -> Mapping[str, object]:
        """How long the answer took, and when it came; nothing before that."""
        outcome = self._outcome
        return {"seconds": outcome.seconds, "at": self._answered_at} if outcome is not None and outcome.good else {}

    @property
    def _good(self) -> bool:
        return self._outcome is not None and self._outcome.good

    @property
    def _under_way(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def _remedy(self) -> str:
        return self._outcome.remedy if self._outcome else "A first answer may take minutes."

    @property
    def _words(self) -> str:
        last = self._outcome.words if self._outcome else ""
        if not self._under_way:
            return last
        waited = f"no answer yet, {int(time.monotonic() - self._began)} s after it was sent"
        return f"{waited}; the last one: {last}" if last else waited

    def _begin(self) -> None:
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"request-{self._subject}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            outcome = self._send()
        except Exception as error:  # noqa: BLE001 (whatever it is, it must be seen: nobody else notices that this thread ended)
            outcome = Outcome(good=False, words=f"{type(error).__name__}: {error}"[:300])
        self._due = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _AGAIN_AT_MOST)
        self._answered_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._outcome = outcome
