"""Locks that a killed engine left on a stack of a `file://` backend."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

from cli.project import PROJECT
from cli.state_file import backend_folder


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


def locks(backend_url: str, stack: str) -> list[Lock] | None:
    """The locks of a stack of this project; None where they cannot be read, as in every backend but `file://`."""
    folder = backend_folder(backend_url)
    if folder is None:
        return None
    return [_lock(path) for path in sorted((folder / "locks" / "organization" / PROJECT / stack).glob("*.json"))]


def _lock(path: Path) -> Lock:
    content = json.loads(path.read_text())
    return Lock(int(content["pid"]), str(content["hostname"]), str(content["timestamp"]))
