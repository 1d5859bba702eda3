"""A short-lived forward into a cluster: `kubectl port-forward`, owned by whoever opened it."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from sdg.kube.connection import Connection
from sdg.kube.errors import ForwardError, KubectlMissingError

START_TIMEOUT = 5.0  # seconds until kubectl must have said where it listens
_HEED = 0.05  # seconds between two thoughts about giving up meanwhile
_LISTENING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ")


@dataclass(frozen=True, slots=True)
class Target:
    """What to reach inside the cluster: a Service and one of its ports."""

    namespace: str
    service: str
    port: int

    def __str__(self) -> str:
        return f"service/{self.namespace}/{self.service}:{self.port}"


def kubectl() -> str:
    """The path of the kubectl on PATH; raises KubectlMissingError."""
    found = shutil.which("kubectl")
    if found is None:
        raise KubectlMissingError("kubectl is not on PATH; install it, or run in a shell set up by `sdg env`")
    return found


def command(kubeconfig: Path, context: str | None, target: Target, local_port: int | None) -> list[str]:
    """The kubectl call; no local port lets kubectl choose a free one."""
    chosen = ["--context", context] if context else []
    ports = f"{local_port or ''}:{target.port}"
    where = ["--namespace", target.namespace, "--address", "127.0.0.1", f"service/{target.service}", ports]
    return [kubectl(), "--kubeconfig", str(kubeconfig), *chosen, "port-forward", *where]


class PortForward:
    """One running `kubectl port-forward`. Close it, or use it as a context manager.

    Args:
        given_up: ends the wait for kubectl when it is set: whoever wanted the forward has gone.

    Attributes:
        base_url: where the target answers on this host.
    """

    def __init__(
        self, connection: Connection, target: Target, timeout: float = START_TIMEOUT, given_up: threading.Event | None = None
    ) -> None:
        self._target = target
        self._words: deque[str] = deque(maxlen=5)
        self._listening = threading.Event()
        self._port = 0
        with connection.private_file() as path:  # kubectl has read it by the time it listens
            self._process = subprocess.Popen(
                command(path, connection.context, target, None),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,  # inherited streams would keep the engine waiting for a plugin that has ended
                text=True,
                errors="replace",
            )
            readers = [self._reader(self._process.stdout), self._reader(self._process.stderr)]
            end = time.monotonic() + timeout
            while not (self._listening.wait(_HEED) or time.monotonic() > end or (given_up and given_up.is_set())):
                pass
        if not self._port:
            self.close()
            for reader in () if given_up and given_up.is_set() else readers:
                reader.join(timeout=0.5)  # its last words
            raise ForwardError(f"kubectl port-forward to {target} did not come up: {self.last_words()}")
        self.base_url = f"http://127.0.0.1:{self._port}"

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def last_words(self) -> str:
        """What kubectl said last, for an error."""
        return " ".join(self._words) or "it said nothing"

    def close(self) -> None:
        """Ends kubectl; safe to call twice."""
        if self.alive:
            self._process.kill()  # it holds nothing that needs a farewell, and SIGTERM costs it a moment
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _reader(self, stream: IO[str] | None) -> threading.Thread:
        """Reads a stream to its end: kubectl writes a line per connection and would stop at a full pipe."""
        thread = threading.Thread(target=self._drain, args=(stream,), daemon=True)
        thread.start()
        return thread

    def _drain(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                found = _LISTENING.match(line)
                if found:
                    self._port = int(found.group(1))
                    self._listening.set()
                elif not line.startswith("Handling connection"):
                    self._words.append(line.strip())
        self._listening.set()  # the end of a stream ends the wait as well


@contextmanager
def forwarded(connection: Connection, target: Target, timeout: float = START_TIMEOUT) -> Iterator[str]:
    """The base URL at which `target` answers while the block lasts; raises ForwardError or KubectlMissingError."""
    with PortForward(connection, target, timeout) as forward:
        yield forward.base_url
