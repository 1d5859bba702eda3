"""Fault switches: what a rehearsal shall suffer from, set over the control API and read by the services and loops.

Names and fields are listed in `KNOWN`; a switch that nobody knows would be a test that proves nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rehearsal.state import read_json, write_private
from rehearsal.switches import BODIES

Fields = dict[str, Any]

KNOWN: Mapping[str, tuple[str, ...]] = {
    "osmo.outcome": ("workflow", "task", "status", "exitCode", "log", "message", "seconds"),
    "osmo.http": ("status",),
    "osmo.reset": (),
    "osmo.delay": ("seconds",),
    "osmo.version": ("version",),
    "osmo.registry": ("unreachable",),
    "database.refuses": ("message",),
    "database.tables": ("count",),
    "pod.crash": ("namespace", "prefix", "reason", "exitCode", "message", "log"),
    "pod.slow": ("namespace", "prefix", "seconds"),
    **{name: tuple(body.model_fields) for name, body in BODIES.items()},
    "charts.http": ("status",),
    "prices.http": ("status",),
    "azure.login": ("state",),
    "azure.subscription": ("state",),
    "azure.provider": ("namespaces", "state"),
    "azure.roles": ("roles", "group"),
    "azure.quota": ("location", "family", "limit"),
    "azure.sku": ("location", "size", "zones", "reason", "absent"),
    "azure.kubernetes": ("location", "without"),
    "azure.postgresql": ("location", "reason"),
    "azure.redis": ("location",),
    "azure.name": ("taken", "deleted"),
    "azure.model": ("location", "model", "retires"),
    "azure.address": ("addresses", "status"),
    "azure.http": ("path", "status", "retryAfter", "times"),
    "azure.operation": ("type", "name", "operation", "status", "code", "message", "times"),
    "azure.fails": ("type", "name", "code", "message"),
    "azure.slow": ("type", "seconds"),
    "host.snap": ("message",),
    "host.microk8s": (),
    "host.sudo": (),
    "host.driver": ("version",),
    "host.optix": (),
    "host.disk": ("freeGiB",),
    "host.port": ("port", "process"),
}
"""Switch name → fields that it may have."""


class UnknownFault(ValueError):
    """A switch or a field of a switch that does not exist, or a value that says nothing to it."""


class Faults:
    """The switches that are set. May be used from several threads.

    Args:
        file: keeps them for the processes that come after this one, and shows them to the host's stand-ins.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._file = file
        self._set: dict[str, Fields] = stored(file) if file else {}
        self._listeners: list[Callable[[], None]] = []

    def get(self, name: str) -> Fields | None:
        """The switch's fields; None when it is not set."""
        with self._lock:
            found = self._set.get(name)
            return None if found is None else dict(found)

    def all(self) -> dict[str, Fields]:
        """Every switch that is set."""
        with self._lock:
            return {name: dict(fields) for name, fields in self._set.items()}

    def set(self, name: str, fields: Mapping[str, Any] | None = None) -> None:
        """Sets a switch, in place of what it was set to before.

        Raises:
            UnknownFault: names what exists.
        """
        if name not in KNOWN:
            raise UnknownFault(f"{name} is not a fault switch. Known: {', '.join(sorted(KNOWN))}.")
        if extra := sorted(set(fields or {}) - set(KNOWN[name])):
            raise UnknownFault(f"{', '.join(extra)}: not a field of {name}. Known: {', '.join(KNOWN[name]) or 'none'}.")
        _check(name, fields or {})
        with self._lock:
            self._set[name] = dict(fields or {})
            self._store()
        self._tell()

    def clear(self, name: str | None = None) -> None:
        """Takes a switch back, or all of them."""
        with self._lock:
            if name is None:
                self._set.clear()
            else:
                self._set.pop(name, None)
            self._store()
        self._tell()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Calls `listener` after every change, in the thread that made it."""
        self._listeners.append(listener)

    def _store(self) -> None:
        if self._file:
            write_private(self._file, json.dumps(self._set, indent=2))

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


def _check(name: str, fields: Mapping[str, Any]) -> None:
    try:
        if name in BODIES:
            BODIES[name].model_validate(fields)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(str(step) for step in one['loc'])}: {one['msg']}" for one in error.errors())
        raise UnknownFault(f"{name}: {wrong}.") from None


def stored(file: Path) -> dict[str, Fields]:
    """The switches that a file keeps; none when there is no such file."""
    return {name: dict(fields) for name, fields in read_json(file).items() if isinstance(fields, dict)}
