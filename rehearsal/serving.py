"""The HTTP services of a rehearsal in one process, each on its own port of 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator, Mapping

import uvicorn
from fastapi import FastAPI, Response

from rehearsal.state import HOST

log = logging.getLogger(__name__)


def built(name: str, create: Callable[[], FastAPI], absent: dict[str, str]) -> FastAPI:
    """A service; when it cannot be built, one that says so: it must not take the cluster with it.

    Args:
        absent: receives the reason under the service's name.
    """
    try:
        return create()
    except Exception as error:  # whatever is wrong with it, it is that service's alone
        log.exception("service %s is not available", name)
        absent[name] = f"{type(error).__name__}: {error}"
        return _unavailable(name, absent[name])


def _unavailable(name: str, reason: str) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def _answer() -> Response:
        return Response(f"{name} is not available: {reason}", 503, media_type="text/plain")

    return app


class _Server(uvicorn.Server):
    """One of several servers of the process: signals are the process' own affair."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(apps: Mapping[str, FastAPI], sockets: Mapping[str, socket.socket]) -> None:
    """Serves until SIGTERM or SIGINT."""
    servers = {
        name: _Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)) for name, app in apps.items()
    }

    def stop() -> None:
        for server in servers.values():
            server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await asyncio.gather(*(server.serve(sockets=[sockets[name]]) for name, server in servers.items()))


def listen(port: int) -> socket.socket:
    """A listening socket of 127.0.0.1."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((HOST, port))
    server.listen(256)
    return server
