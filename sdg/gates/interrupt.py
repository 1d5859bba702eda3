"""Notices that the update a gate belongs to was ended.

The engine runs every plugin in a process group of its own, so Ctrl-C on the terminal does not reach this process, and the dynamic
provider's `Cancel`, which the engine calls on SIGINT and SIGTERM, does nothing. Three ways to notice, each for what the others miss:

- `Cancel` is given a body, and a thread to be served by (the engine was asked to stop, by whatever means);
- a sentinel, a tiny child in the engine's process group, reports SIGINT there (the first way leans on the insides of the SDK and of
  Python's thread pool, which may change);
- the engine's death is watched (SIGKILL asks nobody).
"""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import psutil

CANCELLED = "the update was cancelled"
ENGINE_GONE = "the engine ended"

_POLL = 0.25  # seconds between two looks at the engine's process
_THREADS = 16
_GRACE = 3.0  # seconds that gates get to end after the engine's death, before this process goes as well


class Interruption:
    """Whether whoever waits has to stop, and why.

    Attributes:
        reason: why to stop; empty while there is none.
    """

    def __init__(self) -> None:
        self.reason = ""
        self._asked = threading.Event()

    @classmethod
    def of_engine(cls) -> Interruption:
        """The one of the engine that this process works for."""
        return _of_engine()

    def ask(self, reason: str) -> None:
        """Asks everybody to stop. The first reason stays."""
        self.reason = self.reason or reason
        self._asked.set()

    def sleep(self, seconds: float) -> bool:
        """Sleeps, but not through an interruption; whether there was one."""
        return self._asked.wait(seconds)


@cache
def _of_engine() -> Interruption:
    interruption = Interruption()
    engine = engine_process() if serving() else None  # a gate may also be run by a command that is interrupted as usual
    if engine is not None:
        hear_cancel(interruption)
        widen_pool()
        post_sentinel(interruption, os.getpgid(engine.pid))
        threading.Thread(target=_watch, args=(engine, interruption), name="engine-watch", daemon=True).start()
    return interruption


def serving() -> bool:
    """Whether this process is the engine's dynamic provider: `python -m pulumi.dynamic`."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and str(spec.name).startswith("pulumi.dynamic")


def engine_process() -> psutil.Process | None:
    """The engine that started this process: the nearest ancestor outside its process group (a launcher script may stand between)."""
    own = os.getpgrp()
    for ancestor in psutil.Process().parents():
        try:
            if os.getpgid(ancestor.pid) != own:
                return ancestor
        except ProcessLookupError:
            continue
    return None


def hear_cancel(interruption: Interruption) -> None:
    """Lets the dynamic provider's `Cancel` ask for the end.

    Its server offers no hook and has bound the method already, so the function itself gets another body.
    """
    servicer = getattr(sys.modules.get("__main__"), "DynamicResourceProviderServicer", None)
    if servicer is None:
        return
    _cancelled.append(lambda: interruption.ask(CANCELLED))
    servicer.Cancel.__code__ = _heard_cancel.__code__


def widen_pool() -> None:
    """Gives the server that called more threads than its four, or as many waiting gates would keep `Cancel` from being served."""
    frame = inspect.currentframe()
    while frame is not None:
        pool = frame.f_locals.get("executor_reference", lambda: None)()  # a worker of the pool holds a weak reference to it
        if isinstance(pool, ThreadPoolExecutor):
            pool._max_workers = max(pool._max_workers, _THREADS)
            for _ in range(_THREADS):
                pool.submit(lambda: None)  # threads are added when work arrives: what is queued by now must not wait for more of it
            return
        frame = frame.f_back


_cancelled: list[Callable[[], None]] = []


def _heard_cancel(self, request, context):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001
    """The body that `Cancel` gets: it runs among the globals of the server's module and must import what it names."""
    from google.protobuf import empty_pb2  # noqa: PLC0415

    from sdg.gates import interrupt  # noqa: PLC0415, PLW0406

    interrupt.on_cancel()
    return empty_pb2.Empty()


def on_cancel() -> None:
    """What `Cancel` does."""
    for ask in _cancelled:
        ask()


def post_sentinel(interruption: Interruption, group: int) -> subprocess.Popen[bytes] | None:
    """Starts the sentinel in a process group and listens to it. Without one (another session), the other ways remain."""
    script = Path(__file__).with_name("sentinel.py")
    try:
        sentinel = subprocess.Popen(
            [sys.executable, "-I", "-S", str(script), str(group)],
            stdin=subprocess.PIPE,  # its end tells the sentinel that this process is gone
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
    threading.Thread(target=_listen, args=(sentinel, interruption), name="sentinel", daemon=True).start()
    return sentinel


def _listen(sentinel: subprocess.Popen[bytes], interruption: Interruption) -> None:
    if sentinel.stdout is not None and sentinel.stdout.read(1):
        interruption.ask(CANCELLED)
    sentinel.wait()


def _watch(engine: psutil.Process, interruption: Interruption) -> None:
    while _lives(engine):
        time.sleep(_POLL)
    interruption.ask(ENGINE_GONE)
    time.sleep(_GRACE)
    os.kill(os.getpid(), signal.SIGINT)  # what the engine would have sent at its end: nobody else will now
    time.sleep(_GRACE)
    os._exit(1)  # the signal was swallowed on its way, and nobody is left to hear what goes wrong here


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
