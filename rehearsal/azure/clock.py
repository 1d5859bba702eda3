"""Time in the simulated Azure: operations take as long as they do there, compressed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

SPEED = 1000.0
"""Seconds of Azure's that pass in one second here: ten minutes in six tenths of a second."""


class Clock:
    """Waits for what takes time.

    Args:
        scale: seconds that pass here for each of Azure's; 0 waits for nothing.
    """

    def __init__(self, scale: float = 1 / SPEED) -> None:
        self.scale = scale
        self._ended = threading.Event()

    @classmethod
    def of_file(cls, file: Path) -> Self:
        """As fast as the file says, if there is one."""
        return cls(1 / float(file.read_text())) if file.exists() else cls()

    def wait(self, seconds: float) -> None:
        """Let that many of Azure's seconds pass; returns at once when the simulation ends."""
        if seconds > 0 and self.scale > 0:
            self._ended.wait(seconds * self.scale)

    def later(self, seconds: float, what: Callable[[], object]) -> None:
        """Do something when that many of Azure's seconds have passed, unless the simulation ends before; at once where nothing waits."""
        if seconds <= 0 or self.scale <= 0:
            what()
            return

        def waiting() -> None:
            if not self._ended.wait(seconds * self.scale):
                what()

        threading.Thread(target=waiting, name="later", daemon=True).start()

    def end(self) -> None:
        """Keep nobody waiting any more."""
        self._ended.set()

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def stamp(self) -> str:
        """The time as ARM writes it."""
        return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
