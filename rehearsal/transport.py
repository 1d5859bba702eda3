"""Requests to a Kubernetes API server: what the rehearsal's own client and the provider plugin's client have in common.

It imports little and does little per request: the engine waits for each plugin to start, and the loops of the daemon make a request
for every pod. The generated client library is slow to import, and `requests` takes two thirds more CPU per request than `urllib3`.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3

Object = dict[str, Any]
"""A Kubernetes object as it travels."""

NOT_FOUND, CONFLICT = 404, 409
_FIRST_REFUSAL = 400
_CONNECTIONS = 32  # kept open at most
_PIECE = 65536  # bytes read at most at once from a stream
_EXCERPT = 500  # characters of a refusal that is no Status object


class ApiError(RuntimeError):
    """The API server refused a request, with its own sentence.

    Attributes:
        code: HTTP status; `rehearsal.api` says 0 for an API server that did not answer.
        reason: of the Status object, such as `AlreadyExists`; empty when something before the API server refused.
    """

    def __init__(self, code: int, reason: str, message: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(message)

    @property
    def not_found(self) -> bool:
        """Whether what was asked for is not there."""
        return self.code == NOT_FOUND

    @property
    def exists(self) -> bool:
        """Whether an object was to be created that exists."""
        return self.reason == "AlreadyExists"

    @property
    def forbidden(self) -> bool:
        """Whether the caller lacks the right."""
        return self.reason == "Forbidden"

    @property
    def conflict(self) -> bool:
        """Whether another field manager owns a field, or the object changed meanwhile."""
        return self.code == CONFLICT and not self.exists


class Unreachable(Exception):
    """The API server does not answer."""


class Transport:
    """Connections to one API server. May be used from several threads; heeds no proxy settings.

    Args:
        server: its URL without a path.
        headers: of every request.
        tls: for an `https` server.
        server_name: expected in its certificate, where that is not the URL's host.
    """

    def __init__(
        self,
        server: str,
        headers: Mapping[str, str],
        timeout: urllib3.Timeout,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
    ) -> None:
        self._server = server
        self._headers, self._timeout = {"Accept": "application/json", **headers}, timeout
        self._pool = urllib3.PoolManager(
            maxsize=_CONNECTIONS,
            retries=False,
            ssl_context=tls,
            assert_hostname=server_name,
            server_hostname=server_name,
        )

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        media_type: str = "application/json",
        *,
        timeout: urllib3.Timeout | None = None,
    ) -> Object:
        """The answer as JSON; empty when it is no JSON object.

        Raises:
            ApiError: it is a refusal.
            Unreachable: there is none.
        """
        return _parse(self._send(method, path, query, body, media_type, timeout=timeout).data)

    def lines(self, path: str, query: Mapping[str, str], timeout: urllib3.Timeout) -> Iterator[bytes]:
        """The lines of an answer as they come; raises as `request` does."""
        response = self._send("GET", path, query, timeout=timeout, stream=True)
        rest = b""
        try:
            for piece in response.stream(_PIECE):
                *lines, rest = (rest + piece).split(b"\n")
                yield from lines
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"GET {self._server}{path}: {_cause(error)}") from None
        finally:
            response.close()
        if rest:
            yield rest

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: object = None,
        media_type: str = "",
        *,
        timeout: urllib3.Timeout | None,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        url = f"{self._server}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = self._headers if body is None else {**self._headers, "Content-Type": media_type}
        data = None if body is None else json.dumps(body)
        try:
            response = self._pool.request(
                method, url, body=data, headers=headers, timeout=timeout or self._timeout, preload_content=not stream
            )
            if response.status >= _FIRST_REFUSAL:
                raise _refusal(response)
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"{method} {self._server}{path}: {_cause(error)}") from None
        return response


def trusting(authority: str | None) -> ssl.SSLContext:
    """TLS that trusts certificates of this authority (PEM); without one, those that the machine trusts."""
    context = ssl.create_default_context(cadata=authority)
    # Certificates of private authorities often lack what strict checking (Python 3.13's default) wants of public ones.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _refusal(response: urllib3.BaseHTTPResponse) -> ApiError:
    status = _parse(response.data)
    message = status.get("message") or response.data.decode(errors="replace").strip()[:_EXCERPT] or response.reason
    return ApiError(response.status, str(status.get("reason", "")), str(message))


def _parse(data: bytes) -> Object:
    try:
        answer = json.loads(data)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _cause(error: Exception) -> str:
    """What went wrong underneath, without the library's wrapping and the objects' addresses."""
    text = str(error.__cause__ or error)
    return text.rsplit("object at 0x", 1)[-1].partition(">: ")[2] or text
