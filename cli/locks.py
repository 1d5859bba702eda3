"""Locks that a killed engine left on a stack of a `file://` backend."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock and its holder.

    Attributes:
        pid: process id of the engine that took it.
        host: where that engine ran.
        since: when, as the engine wrote it.
    """

    pid: int
    host: str
    since: str

    @property
    def held(self) -> bool:
        """Whether the holder may still be at work: only a process of this host is known to be gone."""
        if self.host != socket.gethostname():
            return True
        try:
            return "pulumi" in psutil.Process(self.pid).name()
        except psutil.NoSuchProcess:
            return False


def locks(backend_url: str, stack: str) -> Iterator[Lock]:
    """The locks of a stack; none for backends other than `file://`, which know themselves who is at work."""
    if not backend_url.startswith("file://"):
        return
    folder = Path(backend_url.removeprefix("file://")).expanduser() / ".pulumi" / "locks"
    for path in folder.glob(f"**/{stack}/*.json"):
        content = json.loads(path.read_text())
        yield Lock(int(content["pid"]), str(content["hostname"]), str(content["timestamp"]))
