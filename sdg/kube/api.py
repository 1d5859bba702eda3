"""Reads the Kubernetes API by path: no generated models, so that a look costs a request and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from sdg.kube.connection import Connection
from sdg.kube.errors import ConnectionInvalidError, ObjectNotFoundError, RefusedError, UnreachableError, cause

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

Json = Mapping[str, Any]

CONNECT_TIMEOUT = 2.0  # seconds
READ_TIMEOUT = 3.0  # seconds; every look is a few small reads
_JSON = "application/json"


def load_client() -> None:
    """Imports the Kubernetes client now rather than with the first connection: for processes whose threads load other modules meanwhile.

    It shares packages with them, and two threads that enter one package by different modules may see it half loaded.
    """
    import kubernetes  # noqa: F401, PLC0415


class KubernetesReader(Protocol):
    """Where probes read objects: the API in a stack, a dictionary in a test."""

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        """One object or list; raises ObjectNotFoundError, RefusedError or UnreachableError."""
        ...


class KubernetesApi:
    """Reads one cluster's API, with bounded time-outs and no silent repeats."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    @classmethod
    def connect(cls, connection: Connection) -> KubernetesApi:
        """Prepares the way (credentials, exec plugins); asks nothing yet. Raises ConnectionInvalidError."""
        # about 0.3 s to import, which programs that only name a gate need not pay
        from kubernetes import client, config  # noqa: PLC0415

        configuration = client.Configuration()
        configuration.retries = False
        try:
            loaded = config.new_client_from_config_dict(  # type: ignore[no-untyped-call]
                dict(connection.document), context=connection.context, persist_config=False, client_configuration=configuration
            )
        except config.ConfigException as error:
            raise ConnectionInvalidError(f"the kubeconfig cannot be used: {error}") from error
        return cls(loaded)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        return self._ask("GET", path, query or {})

    def text(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """What is no JSON, such as a container's log; raises as `get` does."""
        return self._answered("GET", path, query or {}, None, accept="*/*").decode(errors="replace")

    def post(self, path: str, document: Json) -> Json:
        """Creates one object of a list and returns it as the API server took it; raises as `get` does."""
        return self._ask("POST", path, {}, document)

    def patch(self, path: str, changes: Json) -> Json:
        """Merges changes into one object and returns it as the API server took it; raises as `get` does."""
        return self._ask("PATCH", path, {}, changes)

    def delete(self, path: str) -> None:
        """Deletes one object; raises as `get` does."""
        self._ask("DELETE", path, {})

    def _ask(self, verb: str, path: str, query: Mapping[str, str], document: Json | None = None) -> Json:
        answer: Json = json.loads(self._answered(verb, path, query, document))
        return answer

    def _answered(self, verb: str, path: str, query: Mapping[str, str], document: Json | None, accept: str = _JSON) -> bytes:
        status, body = self._send(verb, path, query, document, accept)
        if status == HTTPStatus.NOT_FOUND:
            raise ObjectNotFoundError(_message(body, path))
        if status >= HTTPStatus.BAD_REQUEST:
            raise RefusedError(status, _message(body, path))
        return body

    def _send(self, verb: str, path: str, query: Mapping[str, str], document: Json | None, accept: str) -> tuple[int, bytes]:
        # lazily, as in `connect`
        from kubernetes.client import ApiException  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        content = "application/merge-patch+json" if verb == "PATCH" else _JSON
        headers_sent = {"Accept": accept} | ({"Content-Type": content} if document is not None else {})
        method, url, headers, body, _ = self._client.param_serialize(
            verb, path, query_params=list(query.items()), header_params=headers_sent, body=document, auth_settings=["BearerToken"]
        )
        try:
            response = self._client.call_api(method, url, headers, body, _request_timeout=(CONNECT_TIMEOUT, READ_TIMEOUT))
            return int(response.status), bytes(response.read())  # type: ignore[no-untyped-call]
        except ApiException as error:  # the client's wrapping of TLS errors; statuses come as answers
            raise UnreachableError(str(error.reason)) from error
        except (HTTPError, OSError) as error:
            raise UnreachableError(cause(error)) from error


def items(api: KubernetesReader, path: str, query: Mapping[str, str] | None = None) -> list[Json]:
    """The objects of a list."""
    return list(api.get(path, query).get("items") or [])


def _message(body: bytes, path: str) -> str:
    try:
        return str(json.loads(body).get("message") or path)
    except (ValueError, AttributeError):
        return f"{path}: {body[:200].decode(errors='replace')}"
