"""Who listens on a port of this host."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that holds a port; both unknown when it belongs to another user.

    Attributes:
        what: what it is for, when it is a forward of ours.
    """

    pid: int | None = None
    name: str = ""
    what: str = ""

    def __str__(self) -> str:
        who = f"{self.name or 'process'} (pid {self.pid})" if self.pid else "a process of another user"
        return f"{who}, {self.what}" if self.what else who


def owner_of(port: int) -> Owner | None:
    """Who listens on a TCP port, on any address; None when nobody does."""
    try:
        held = [
            entry
            for entry in psutil.net_connections("tcp")
            if entry.status == psutil.CONN_LISTEN and entry.laddr and entry.laddr.port == port
        ]
    except psutil.AccessDenied:  # macOS shows only root the sockets of others
        return Owner() if _refuses_to_bind(port) else None
    if not held:
        return None
    return next((Owner(entry.pid, _name(entry.pid)) for entry in held if entry.pid), Owner())


def _name(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return ""


def _refuses_to_bind(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
