"""What stands before the service: fault switches, the gateway's own answers, and the version gate for clients."""

from __future__ import annotations

import asyncio
import base64
import socket
import struct
from typing import Any

from packaging.version import InvalidVersion, Version
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rehearsal.api import ApiError
from rehearsal.services.osmo.context import Service, client_versions
from rehearsal.services.osmo.errors import UnavailableError

_GATED = ("/api/", "/client/", "/health")
_UNGATED_VERSIONS = ("/api/version", "/client/version")
_SENTENCES = {503: "no healthy upstream", 504: "upstream request timeout", 502: "bad gateway"}


Verdict = tuple[Response | None, dict[str, str]]
"""The gateway's own answer, or None and the headers to add to the service's."""


class Gateway:
    """ASGI middleware, outermost: what it answers never reaches the service."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_GATED):
            await self._app(scope, receive, send)
            return
        if self._service.faults.get("osmo.reset") is not None:
            _reset(receive)
            return
        if delay := self._service.faults.get("osmo.delay"):
            await asyncio.sleep(float(delay.get("seconds", 1)))
        answer, headers = await run_in_threadpool(self._gate, scope)
        if answer is not None:
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send, headers))

    def _switched_answer(self) -> Response | None:
        switch = self._service.faults.get("osmo.http")
        if switch is None:
            return None
        status = int(switch.get("status", 503))
        return PlainTextResponse(_SENTENCES.get(status, f"simulated answer {status}"), status_code=status)

    def _gate(self, scope: Scope) -> Verdict:
        if switched := self._switched_answer():
            return switched, {}
        try:
            return self._client_gate(scope) if self._service.serving() else (_unavailable(), {})
        except (ApiError, UnavailableError):
            return _unavailable(), {}

    def _client_gate(self, scope: Scope) -> Verdict:
        """Old clients are warned, older ones refused; a client that does not tell its version is served."""
        presented = dict(scope["headers"]).get(b"x-osmo-client-version")
        if presented is None:
            return None, {}
        service_version = self._service.version()
        oldest, latest = client_versions(self._service.configuration(), service_version)
        client = _parse(presented.decode())
        if client is None:
            body = {"message": "Internal server error: Version should be of the format major.minor.revision"}
            return JSONResponse(body, status_code=500), {}
        if client < oldest and scope["path"] not in _UNGATED_VERSIONS:
            return _too_old(client, latest), {}
        return None, _warning(client, latest, service_version) if client < latest else {}


def _too_old(client: Version, latest: Version) -> Response:
    sentence = f"Your client is out of date. Client version is {client} but the newest client version is {latest}."
    body = {"message": f"{sentence}\nPlease update by running the install command in the documentation.", "error_code": "OSMO_ERROR"}
    return JSONResponse(body, status_code=400)


def _warning(client: Version, latest: Version, service: Version) -> dict[str, str]:
    text = f"WARNING: New client {latest} available.\nCurrent version: {client}.\n"
    text += "Please update by running the install command in the documentation."
    return {"x-osmo-service-version": str(service), "x-osmo-warning": base64.b64encode(text.encode()).decode()}


def _unavailable() -> Response:
    return PlainTextResponse(_SENTENCES[503], status_code=503)


def _parse(text: str) -> Version | None:
    try:
        version = Version(text)
    except InvalidVersion:
        return None
    return version if len(version.release) == len(("major", "minor", "revision")) else None


def _with_headers(send: Send, headers: dict[str, str]) -> Send:
    if not headers:
        return send

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *((name.encode(), value.encode()) for name, value in headers.items())]
        await send(message)

    return add


def _reset(receive: Receive) -> None:
    """Cuts the connection without an answer, as a peer that died would: uvicorn's cycle behind `receive` holds the transport."""
    transport: Any = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the switch osmo.reset is set")
    connection = transport.get_extra_info("socket")
    if connection is not None:
        # no lingering: closing sends a reset
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
