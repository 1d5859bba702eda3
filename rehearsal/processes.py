"""The processes of a rehearsal: started in sessions of their own, found again by later commands, ended without a trace.

A process is ours when its id and start time are recorded, or when its environment carries our mark: the record alone would lose a
process whose starter was killed between starting and recording it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from rehearsal.lifetime import start_of, started_at
from rehearsal.state import StateDir, read_json, write_private

MARK = "SDG_REHEARSAL_PROCESS"
# nothing else of the user's environment: it may hold keys, and these processes outlive the command
INHERITED = ("HOME", "LANG", "PATH", "TMPDIR", "XDG_CACHE_HOME")
# seconds between asking a process to end and ending it: nothing is lost, but the API server would wait for its last watch
GRACE = 1.0


class ProcessEnded(RuntimeError):
    """A process of the rehearsal ended although it should run; carries its last lines."""

    def __init__(self, name: str, log: Path) -> None:
        lines = "\n".join(f"    {line}" for line in tail(log))
        super().__init__(f"{name} ended while the cluster started. Its last lines ({log}):\n{lines}")


@dataclass(frozen=True, slots=True)
class Command:
    """What to run.

    Attributes:
        name: names the process and its log.
        argv: program and arguments; readable by every user of the machine, so never a secret.
        version: changes when the same command has to be restarted, such as with the content of its configuration.
        environment: added to the few inherited variables.
    """

    name: str
    argv: tuple[str, ...]
    version: str = ""
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def identity(self) -> str:
        return json.dumps([self.argv, self.version, self.environment])


class ProcessTable:
    """Starts, finds and ends the processes of one state directory."""

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._children: list[subprocess.Popen[bytes]] = []

    def running(self) -> dict[str, psutil.Process]:
        """Recorded processes that are alive, by name."""
        found = {name: _alive(entry) for name, entry in self._records().items()}
        return {name: process for name, process in found.items() if process is not None}

    def is_current(self, command: Command) -> bool:
        """Whether the command runs as asked for."""
        entry = self._records().get(command.name)
        return entry is not None and entry.get("identity") == command.identity and _alive(entry) is not None

    def start(self, command: Command) -> None:
        """Starts a command in a session of its own, with its output in `logs/NAME.log`."""
        environment = {key: os.environ[key] for key in INHERITED if key in os.environ}
        environment |= {**dict(command.environment), MARK: f"{self._state.root}:{command.name}"}
        with self.log(command.name).open("wb") as log:
            child = subprocess.Popen(
                command.argv,
                cwd=self._state.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
            )
        self._children.append(child)
        entry: dict[str, object] = {"pid": child.pid, "started": start_of(psutil.Process(child.pid)), "identity": command.identity}
        self._write({**self._records(), command.name: entry})

    def require(self, names: Iterable[str]) -> None:
        """Raises `ProcessEnded` for the first of the named processes that is not alive."""
        running = self.running()
        for name in names:
            if name not in running:
                raise ProcessEnded(name, self.log(name))

    def end(self, names: Sequence[str] | None = None) -> list[str]:
        """Ends the named processes and their children, or everything of this state directory; returns the names of those that ran."""
        recorded = self.running()
        chosen = recorded if names is None else {name: recorded[name] for name in names if name in recorded}
        victims = [*chosen.values(), *(child for process in chosen.values() for child in _children(process))]
        if names is None:
            victims += self.strays(victims)
        end_all(victims)
        self._reap()
        self._write({name: entry for name, entry in self._records().items() if names is not None and name not in names})
        return sorted(chosen)

    def strays(self, known: Iterable[psutil.Process] | None = None) -> list[psutil.Process]:
        """Processes that carry this state directory's mark and that nobody recorded, such as those of a start that was killed."""
        running = list(self.running().values()) if known is None else list(known)
        pids = {process.pid for process in running} | {child.pid for process in running for child in _children(process)}
        return [process for process in psutil.process_iter() if process.pid not in pids and self._is_marked(process)]

    def log(self, name: str) -> Path:
        """File of a process' output."""
        return self._state.logs / f"{name}.log"

    def _is_marked(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK, "").rpartition(":")[0] == str(self._state.root)
        except psutil.Error:  # another user's, or gone
            return False

    def _reap(self) -> None:
        self._children = [child for child in self._children if child.poll() is None]

    def _records(self) -> dict[str, dict[str, object]]:
        return {name: entry for name, entry in read_json(self._state.processes).items() if isinstance(entry, dict)}

    def _write(self, records: dict[str, dict[str, object]]) -> None:
        if self._state.root.is_dir():
            write_private(self._state.processes, json.dumps(records, indent=2))


def end_all(processes: Sequence[psutil.Process], grace: float = GRACE) -> None:
    """Asks processes to end, and ends those that have not after `grace` seconds."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(list(processes), timeout=grace)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=grace)


def tail(log: Path, lines: int = 12) -> list[str]:
    """The last lines of a log; empty when there is none."""
    try:
        return log.read_text(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


def _alive(entry: dict[str, object]) -> psutil.Process | None:
    try:
        process = psutil.Process(int(str(entry.get("pid"))))
        # a process id is used again sooner or later: the start time tells whether it is still the same process
        same = started_at(process, entry.get("started"))
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, ValueError):
        return None


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []
