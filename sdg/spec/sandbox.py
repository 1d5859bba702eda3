"""The process that renders templates: started when first needed, reused, and killed when it takes too long."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import pickle
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

# the platform gives a template half a second and 100 MiB; processor time is more patient with a busy machine
CPU_SECONDS: Final = 1
WALL_SECONDS: Final = 10.0
MEMORY: Final = 160 * 1024 * 1024
LONGEST: Final = 4_000_000
_START_SECONDS: Final = 60.0

Answer = Mapping[str, Any]


class Sandbox:
    """One rendering process at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    @property
    def pid(self) -> int | None:
        """Of the process that runs, if one does."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def render(self, text: str, variables: Mapping[str, object]) -> Answer:
        """What the process answers; `{"error": "time"}` or `{"error": "died"}` where it did not live to answer."""
        request = pickle.dumps({"text": text, "variables": dict(variables), "seconds": CPU_SECONDS, "longest": LONGEST})
        with self._lock:
            fresh = self.pid is None or self._owner != os.getpid()
            process = self._start() if fresh else self._process
            assert process is not None  # noqa: S101 - for the type checker
            deadline = time.monotonic() + WALL_SECONDS + (_START_SECONDS if fresh else 0)
            try:
                return _exchange(process, request, deadline)
            except TimeoutError:
                self._end(process)
                return {"error": "time", "message": "", "line": None}
            except (OSError, EOFError, ValueError):
                self._end(process)
                cpu_ran_out = process.returncode == -24  # SIGXCPU  # noqa: PLR2004
                return {"error": "time" if cpu_ran_out else "died", "message": "", "line": None}

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            if self._process and self._owner == os.getpid():
                self._end(self._process)

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", str(Path(__file__).with_name("worker.py")), str(os.getpid()), str(MEMORY)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/", bufsize=0
        )
        self._owner = os.getpid()
        return self._process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process = None


def _exchange(process: subprocess.Popen[bytes], request: bytes, deadline: float) -> Answer:
    assert process.stdin  # noqa: S101 - for the type checker
    assert process.stdout  # noqa: S101 - for the type checker
    _send(process.stdin.fileno(), struct.pack(">I", len(request)) + request, deadline)
    length = struct.unpack(">I", _receive(process.stdout.fileno(), 4, deadline))[0]
    if length > 12 * LONGEST:
        raise ValueError(length)
    answer = json.loads(_receive(process.stdout.fileno(), length, deadline))
    if not isinstance(answer, dict):
        raise TypeError(answer)
    return answer


def _send(target: int, data: bytes, deadline: float) -> None:
    view = memoryview(data)
    while view:
        if not select.select([], [target], [], max(0.0, deadline - time.monotonic()))[1]:
            raise TimeoutError
        view = view[os.write(target, view[:65_536]) :]


def _receive(source: int, length: int, deadline: float) -> bytes:
    parts: list[bytes] = []
    while length:
        if not select.select([source], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError
        part = os.read(source, min(length, 1_000_000))
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


_SHARED = Sandbox()
atexit.register(_SHARED.close)


def shared() -> Sandbox:
    """The program's own."""
    return _SHARED
