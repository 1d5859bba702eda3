"""What this user's host keeps about its forwards: one marker, one private kubeconfig and one log per port."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from sdg.forward import units
from sdg.forward.lifetime import started_at
from sdg.forward.model import Identity
from sdg.private_file import write_private


@dataclass(frozen=True, slots=True)
class Marker:
    """A watchdog that was started.

    Attributes:
        start: the process's start, see `sdg.forward.lifetime`: pids are used again.
        serves: see `sdg.forward.model.Identity`.
        server: likewise.
        context: the context of the kubeconfig that it was started with.
        unit: of the user's systemd, where that keeps the watchdog: its process changes with every start.
        remark: see `sdg.forward.model.Forward`.
    """

    pid: int
    start: str
    serves: str
    server: str
    context: str | None = None
    unit: str | None = None
    remark: str = ""

    @property
    def identity(self) -> Identity:
        return Identity(self.serves, self.server)

    def process(self) -> psutil.Process | None:
        """The watchdog, if it still runs."""
        found = _alive(self.pid, self.start)
        if found is None and self.unit and (pid := units.main_pid(self.unit)):
            return _alive(pid)
        return found


def _alive(pid: int, start: str | None = None) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        another = start is not None and not started_at(process, start)
        return None if another or process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None


@dataclass(frozen=True, slots=True)
class Store:
    """The files of one port."""

    directory: Path
    port: int

    @classmethod
    def of_user(cls, port: int) -> Store:
        """In `$XDG_STATE_HOME/sdg/forward`, which only this user can enter."""
        home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        directory = home / "sdg" / "forward"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        return cls(directory, port)

    @classmethod
    def all_of_user(cls) -> list[Store]:
        """The ports that something was started on."""
        directory = cls.of_user(0).directory
        return [cls(directory, int(path.stem)) for path in sorted(directory.glob("*.json"))]

    @property
    def kubeconfig(self) -> Path:
        return self._file("kubeconfig")

    @property
    def log(self) -> Path:
        return self._file("log")

    @property
    def lingering(self) -> Path:
        """There when the user's systemd was made to linger for our units; one for all ports."""
        return self.directory / "lingering"

    def recorded(self) -> Marker | None:
        """What was started on the port last and never stopped, whether or not its watchdog still runs."""
        try:
            return Marker(**json.loads(self._file("json").read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def marker(self) -> Marker | None:
        """What runs on the port; None when nothing was started, or its watchdog has ended."""
        marker = self.recorded()
        return marker if marker and marker.process() else None

    def mark(self, marker: Marker) -> None:
        write_private(self._file("json"), json.dumps(asdict(marker)))

    def clear(self) -> None:
        """Removes everything but the lock."""
        for path in (self._file("json"), self.kubeconfig, self.log):
            path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One at a time: two stacks may be brought up at once."""
        with self._file("lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _file(self, suffix: str) -> Path:
        return self.directory / f"{self.port}.{suffix}"
