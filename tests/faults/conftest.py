"""What fault tests share: commands whose output is read live, and updates that begin where the test wants them to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil
import pytest

UP = ("pulumi", "up", "--yes", "--skip-preview", "--suppress-progress", "--non-interactive", "--stack", "rehearsal")
FORWARD = "osmo-pf-watchdog"


@dataclass(frozen=True)
class Line:
    """A line of output and when it came, in seconds since the epoch."""

    at: float
    text: str


@dataclass
class Live:
    """A running command, read line by line.

    Attributes:
        process: the command, leader of a process group of its own.
        children: descendants at the time of the signal; empty before.
    """

    process: subprocess.Popen[str]
    lines: list[Line] = field(default_factory=list)
    children: list[psutil.Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        return "\n".join(line.text for line in self.lines)

    def line(self, pattern: str, seconds: float = 90) -> Line:
        """The first line that matches, as soon as it is there.

        Raises:
            AssertionError: the command ended without it, or it took too long.
        """
        end, looked_at = time.monotonic() + seconds, 0
        with self._news:
            while True:
                for line in self.lines[looked_at:]:
                    if re.search(pattern, line.text):
                        return line
                looked_at = len(self.lines)
                left = end - time.monotonic()
                ended = not self._reader.is_alive()
                assert not ended, f"ended without a line that matches {pattern!r}:\n{self.output}"
                assert left > 0, f"no line matches {pattern!r} so far:\n{self.output}"
                self._news.wait(min(left, 0.5))

    def finish(self, timeout: float = 120) -> int:
        """Waits for the command's end; returns its exit code."""
        code = self.process.wait(timeout)
        self._reader.join(5)
        return code

    def kill(self) -> None:
        """SIGKILL to the engine alone, as the kernel does when memory runs out."""
        self.children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.finish()

    def interrupt(self) -> float:
        """Ctrl-C: SIGINT to the process group, as a terminal sends it. Returns the seconds that the command then took to end."""
        self.children = psutil.Process(self.process.pid).children(recursive=True)
        began = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(60)
        return time.monotonic() - began

    def left(self) -> list[str]:
        """Command lines of its descendants that still run; the user's forward is meant to."""
        return [words for child in self.children if (words := _running(child)) and FORWARD not in words and "sdg.forward" not in words]

    def _read(self) -> None:
        assert self.process.stdout
        for text in self.process.stdout:
            with self._news:
                self.lines.append(Line(time.time(), text.rstrip()))
                self._news.notify_all()


def _running(process: psutil.Process) -> str:
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE or not process.is_running() else " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


class Updates:
    """Updates of the module's stack, each from whatever the last test left."""

    def __init__(self, stack: Any) -> None:
        self.stack = stack
        self._started: list[Live] = []

    def start(self, *arguments: str, command: tuple[str, ...] = UP) -> Live:
        """An update that runs beside the test."""
        self._started.append(Live(self.stack.spawn(*command, *arguments)))
        return self._started[-1]

    def again(self, name: str, type_suffix: str) -> list[str]:
        """Arguments with which an update makes one resource again; none when it makes it anyway, being its first."""
        found = [r["urn"] for r in self.stack.resources() if r["urn"].endswith(f"::{name}") and r["type"].endswith(type_suffix)]
        return ["--replace", found[0]] if found else []

    def end(self) -> None:
        """Leaves no engine, no fault and no unfinished update behind."""
        for live in self._started:
            if live.process.poll() is None:
                with suppress(ProcessLookupError):
                    live.process.kill()
                live.finish()
                self.stack.sdg("recover", "--stack", "rehearsal")
        self._started.clear()
        self.stack.clear_faults()


@pytest.fixture
def updates(stack) -> Iterator[Updates]:
    found = Updates(stack)
    yield found
    found.end()


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    """Looks until a condition holds and returns what it gave."""

    def wait(condition: Callable[[], Any], seconds: float = 30) -> Any:
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, f"did not hold within {seconds} s"
            time.sleep(0.02)
        return found

    return wait
