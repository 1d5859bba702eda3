"""A small client of the Kubernetes API: what the provider needs, over plain HTTP."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

import urllib3

from rehearsal.plugins.kubernetes.documents import Json, Object
from rehearsal.plugins.kubernetes.kubeconfig import Connection
from rehearsal.transport import ApiError, Transport, Unreachable, trusting

__all__ = ["APPLY", "JSON_PATCH", "Api", "ApiError", "Unreachable"]

APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"

_USER_AGENT = "pulumi-kubernetes/4.34.2"
"""The API server names the manager of created fields after what stands before the slash."""

_TIMEOUT = urllib3.Timeout(connect=5.0, read=60.0)


class Api:
    """Requests to one API server; safe to use from several threads. All raise `ApiError` and `Unreachable`."""

    def __init__(self, connection: Connection) -> None:
        headers = {"User-Agent": _USER_AGENT}
        if connection.token:
            headers["Authorization"] = f"Bearer {connection.token}"
        elif connection.basic:
            headers.update(urllib3.make_headers(basic_auth=":".join(connection.basic)))
        tls = _tls(connection) if connection.server.startswith("https") else None
        self._transport = Transport(connection.server, headers, _TIMEOUT, tls, connection.server_name)

    def get(self, path: str, **query: str) -> Object:
        """Read an object or list."""
        return self._transport.request("GET", path, query)

    def post(self, path: str, body: Object, **query: str) -> Object:
        """Create an object."""
        return self._transport.request("POST", path, query, body)

    def put(self, path: str, body: Object, **query: str) -> Object:
        """Replace an object."""
        return self._transport.request("PUT", path, query, body)

    def patch(self, path: str, body: Object | list[Json], kind: str, **query: str) -> Object:
        """Patch an object; `kind` is the patch's media type."""
        return self._transport.request("PATCH", path, query, body, kind)

    def delete(self, path: str, body: Object) -> Object:
        """Ask for an object's deletion."""
        return self._transport.request("DELETE", path, body=body)


def _tls(connection: Connection) -> ssl.SSLContext:
    context = trusting(connection.authority.decode() if connection.authority else None)
    if connection.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if connection.certificate and connection.key:
        # The library only takes files. They are readable by this user alone and gone after this line.
        with tempfile.TemporaryDirectory() as directory:
            certificate, key = Path(directory, "crt"), Path(directory, "key")
            certificate.write_bytes(connection.certificate)
            key.touch(mode=0o600)
            key.write_bytes(connection.key)
            context.load_cert_chain(certificate, key)
    return context
