"""A plugin written in Python that the language host runs for the engine: a policy pack, as a rule."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from rehearsal.plugins import environment
from rehearsal.plugins.protocol import language_pb2

_POLICY_PACK = "analyzer"
_CHUNK = 65536


class Child:
    """The process of one plugin, its output as it comes, its end when the engine asks."""

    def __init__(self, request: language_pb2.RunPluginRequest) -> None:
        program = request.info.program_directory
        policy_pack = request.kind == _POLICY_PACK
        self._process = subprocess.Popen(
            _command(request),
            cwd=program if policy_pack else request.pwd or program,
            env=dict(entry.partition("=")[::2] for entry in request.env) if request.env else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def output(self) -> Iterator[language_pb2.RunPluginResponse]:
        """Yield what the process writes the moment it does, then its exit code."""
        chunks: queue.Queue[language_pb2.RunPluginResponse | None] = queue.Queue()
        stdout, stderr = self._process.stdout, self._process.stderr
        assert stdout is not None  # noqa: S101 -- both were asked for as pipes
        assert stderr is not None  # noqa: S101
        readers = [
            threading.Thread(target=_read, args=(stdout, chunks, "stdout"), daemon=True),
            threading.Thread(target=_read, args=(stderr, chunks, "stderr"), daemon=True),
        ]
        for reader in readers:
            reader.start()
        open_streams = len(readers)
        while open_streams:
            chunk = chunks.get()
            if chunk is None:
                open_streams -= 1
            else:
                yield chunk
        yield language_pb2.RunPluginResponse(exitcode=self._process.wait())

    def end(self) -> None:
        """Kill the process and what it started."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _command(request: language_pb2.RunPluginRequest) -> list[str]:
    python = str(environment.interpreter(request.info))
    program = request.info.program_directory
    if request.kind == _POLICY_PACK:
        return [python, "-u", "-m", "pulumi.policy", *request.args, program]
    return [python, "-u", program, *request.args]


def _read(stream: IO[bytes], chunks: queue.Queue[language_pb2.RunPluginResponse | None], name: str) -> None:
    while data := os.read(stream.fileno(), _CHUNK):
        response = language_pb2.RunPluginResponse
        chunks.put(response(stdout=data) if name == "stdout" else response(stderr=data))
    chunks.put(None)
