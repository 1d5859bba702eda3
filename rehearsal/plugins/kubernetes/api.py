"""A small client of the Kubernetes API: what the provider needs, over plain HTTP.

The generated client library takes 0.4 s to import, which every preview would pay.
"""

from __future__ import annotations

import json
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import urllib3

from rehearsal.plugins.kubernetes.documents import Json, Object
from rehearsal.plugins.kubernetes.kubeconfig import Connection

APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"

_USER_AGENT = "pulumi-kubernetes/4.34.2"
"""The API server names the manager of created fields after what stands before the slash."""

_CONNECT_TIMEOUT = 5.0
_READ_TIMEOUT = 60.0
_CONNECTIONS = 32


class ApiError(Exception):
    """The API server refused a request, with its own sentence."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    @property
    def not_found(self) -> bool:
        """Whether what was asked for is not there."""
        return self.status == 404  # noqa: PLR2004 -- HTTP

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
        return self.status == 409 and not self.exists  # noqa: PLR2004 -- HTTP


class Unreachable(Exception):  # noqa: N818 -- named for what happened
    """The API server does not answer."""


class Api:
    """Requests to one API server; safe to use from several threads."""

    def __init__(self, connection: Connection) -> None:
        self._server = connection.server
        headers = {"User-Agent": _USER_AGENT, "Accept": "application/json"}
        if connection.token:
            headers["Authorization"] = f"Bearer {connection.token}"
        elif connection.basic:
            headers.update(urllib3.make_headers(basic_auth=":".join(connection.basic)))
        self._pool = urllib3.PoolManager(
            maxsize=_CONNECTIONS,
            headers=headers,
            retries=False,
            timeout=urllib3.Timeout(connect=_CONNECT_TIMEOUT, read=_READ_TIMEOUT),
            ssl_context=_tls(connection) if connection.server.startswith("https") else None,
            assert_hostname=False if connection.insecure else connection.server_name,
            server_hostname=connection.server_name,
        )

    def get(self, path: str, **query: str) -> Object:
        """Read an object or list."""
        return self._request("GET", path, query)

    def post(self, path: str, body: Object, **query: str) -> Object:
        """Create an object."""
        return self._request("POST", path, query, body, "application/json")

    def put(self, path: str, body: Object, **query: str) -> Object:
        """Replace an object."""
        return self._request("PUT", path, query, body, "application/json")

    def patch(self, path: str, body: Object | list[Json], kind: str, **query: str) -> Object:
        """Patch an object; `kind` is the patch's media type."""
        return self._request("PATCH", path, query, body, kind)

    def delete(self, path: str, body: Object) -> Object:
        """Ask for an object's deletion."""
        return self._request("DELETE", path, {}, body, "application/json")

    def _request(
        self, method: str, path: str, query: Mapping[str, str], body: Object | list[Json] | None = None, media_type: str | None = None
    ) -> Object:
        url = f"{self._server}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {**self._pool.headers, "Content-Type": media_type} if media_type else None
        try:
            response = self._pool.request(method, url, body=json.dumps(body) if body is not None else None, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"{method} {self._server}{path}: {_cause(error)}") from None
        answer = _parse(response.data)
        if response.status >= 400:  # noqa: PLR2004 -- HTTP
            text = response.data.decode(errors="replace").strip()
            raise ApiError(response.status, str(answer.get("reason", "")), str(answer.get("message") or text or response.reason))
        return answer


def _parse(data: bytes) -> Object:
    try:
        answer = json.loads(data)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _cause(error: Exception) -> str:
    """Return what went wrong underneath, without the library's wrapping and the objects' addresses."""
    text = str(error.__cause__ or error)
    return text.rsplit("object at 0x", 1)[-1].partition(">: ")[2] or text


def _tls(connection: Connection) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=connection.authority.decode() if connection.authority else None)
    if connection.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    # Certificates of private authorities often lack what strict checking (Python 3.13's default) wants of public ones.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if connection.certificate and connection.key:
        # The library only takes files. They are readable by this user alone and gone after this line.
        with tempfile.TemporaryDirectory() as directory:
            certificate, key = Path(directory, "crt"), Path(directory, "key")
            certificate.write_bytes(connection.certificate)
            key.touch(mode=0o600)
            key.write_bytes(connection.key)
            context.load_cert_chain(certificate, key)
    return context
