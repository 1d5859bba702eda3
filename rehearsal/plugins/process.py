"""The life of a plugin process: announce a port, serve, end quietly, never outlive the engine."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc

from rehearsal.plugins.protocol import GRPC_OPTIONS

WORKERS = 64
"""Calls served at once. Waiting calls (an await, a Helm command) each hold one, and the engine limits itself to fewer."""

_PARENT_POLL = 0.5
_stopping: list[Callable[[], None]] = []


def at_exit(cleanup: Callable[[], None]) -> None:
    """Have `cleanup` called once when this process ends in any way but SIGKILL."""
    _stopping.append(cleanup)


def serve(register: Callable[[grpc.Server], None]) -> None:
    """Serve on a free port of 127.0.0.1 until the engine interrupts this process or is gone. Does not return.

    The port is the first line on stdout: that is how the engine learns it. On shutdown the engine sends SIGINT and waits up to five
    seconds for the process, so the process leaves at once, without a traceback: the engine would print it among the user's diagnostics.
    """
    engine = os.getppid()
    interrupted = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: interrupted.set())
    server = grpc.server(ThreadPoolExecutor(max_workers=WORKERS), options=GRPC_OPTIONS)
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while not interrupted.wait(_PARENT_POLL):
        if os.getppid() != engine:
            break
    leave()


def leave(status: int = 0) -> None:
    """Clean up and end the process now, whatever its threads are doing."""
    for cleanup in reversed(_stopping):
        try:
            cleanup()
        except OSError as error:
            sys.stderr.write(f"while shutting down: {error}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def engine_address(arguments: list[str]) -> str:
    """Return the engine's gRPC address: the last positional argument, after any logging flags; empty when started by hand."""
    positional = [argument for argument in arguments if not argument.startswith("-")]
    return positional[-1] if positional else ""
