"""Running one command on the virtual host: its output as it comes, its end, its failure."""

from __future__ import annotations

import codecs
import json
import os
import re
import selectors
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_CHUNK = 65536
_POLL = 0.5
_running: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class Command:
    """What to start: the program with its arguments, the whole environment, the directory, and what it reads."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    stdin: str = ""


@dataclass(frozen=True)
class Finished:
    """How a command ended: Go's exit code, which is negative after a signal, and its output, apart and as it came."""

    code: int
    stdout: str
    stderr: str
    output: str

    def failure(self, exited: str) -> str:
        """Say how it ended, in the words of Go; `exited` is the part before an exit status."""
        if self.code >= 0:
            return f"{exited} {self.code}"
        return f"signal: {(signal.strsignal(-self.code) or str(-self.code)).lower()}"


def run(command: Command, say: Callable[[str, str], None], cancelled: threading.Event) -> Finished:
    """Run a command to its end, or until the engine cancels.

    Args:
        command: what to run.
        say: called with `stdout` or `stderr` and each line as soon as it is complete.
        cancelled: ends the command with all that it started.

    Raises:
        OSError: it could not be started.
    """
    process = subprocess.Popen(
        command.arguments,
        env=command.environment,
        cwd=command.directory,
        stdin=subprocess.PIPE if command.stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    _running.add(process)
    try:
        if process.stdin:
            threading.Thread(target=_feed, args=(process.stdin, command.stdin), daemon=True).start()
        texts = _collect(process, say, cancelled)
        return Finished(process.wait(), *texts)
    finally:
        _running.discard(process)


def end_all() -> None:
    """End every running command with all that it started."""
    for process in tuple(_running):
        _end(process)


def quoted(text: str) -> str:
    """Return the text in quotation marks, as Go prints it."""
    return re.sub(r"\\u00([01][0-9a-f]|7f)", r"\\x\1", json.dumps(text, ensure_ascii=False))


def _collect(process: subprocess.Popen[bytes], say: Callable[[str, str], None], cancelled: threading.Event) -> tuple[str, str, str]:
    """Read both outputs until they are closed, also by what the command left running, as the official provider does."""
    texts, together = {"stdout": "", "stderr": ""}, ""
    with selectors.DefaultSelector() as selector:
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, (name, codecs.getincrementaldecoder("utf-8")("replace"), _Lines(name, say)))
        while selector.get_map():
            if cancelled.is_set():
                _end(process)
            for key, _ in selector.select(_POLL):
                name, decoder, lines = key.data
                data = os.read(key.fd, _CHUNK)
                text = decoder.decode(data, final=not data)
                texts[name] += text
                together += text
                lines.take(text, last=not data)
                if not data:
                    selector.unregister(key.fileobj)
    return texts["stdout"], texts["stderr"], together


class _Lines:
    """Says lines as they become complete."""

    def __init__(self, name: str, say: Callable[[str, str], None]) -> None:
        self._name, self._say, self._rest = name, say, ""

    def take(self, text: str, *, last: bool) -> None:
        *whole, self._rest = (self._rest + text).split("\n")
        for line in [*whole, self._rest] if last and self._rest else whole:
            self._say(self._name, line)


def _feed(stdin: IO[bytes], text: str) -> None:
    with suppress(BrokenPipeError), stdin:
        stdin.write(text.encode())


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
