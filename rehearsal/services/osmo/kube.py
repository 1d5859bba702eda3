"""The Kubernetes API as plain JSON: what this service needs of it, without building a model object per pod and node."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import urllib3
from kubernetes.client import ApiClient

KubeObject = Mapping[str, Any]
_TIMEOUT = 10.0  # seconds; the API server is on this machine
_WATCH_SECONDS = 300  # the server ends a watch after this long; it is then begun again


class KubeError(Exception):
    """The API server refused, or did not answer (status 0)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class KubeApi:
    """Requests by path, through the client's own authentication and connection pool."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def get(self, path: str, query: Mapping[str, str] | None = None) -> KubeObject | None:
        """The object or list at `path`; None when there is none."""
        try:
            return self._call("GET", path, query=query)
        except KubeError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def items(self, path: str, query: Mapping[str, str] | None = None) -> list[KubeObject]:
        """The items of a list, served from the API server's cache."""
        found = self.get(path, {"resourceVersion": "0", **(query or {})}) or {}
        items: list[KubeObject] = found.get("items", [])
        return items

    def create(self, path: str, body: KubeObject) -> KubeObject:
        return self._call("POST", path, body=body)

    def patch(self, path: str, body: KubeObject) -> None:
        self._call("PATCH", path, body=body, content_type="application/merge-patch+json")

    def delete(self, path: str) -> None:
        """Deletes at once; what is gone already is fine."""
        try:
            self._call("DELETE", path, query={"gracePeriodSeconds": "0"})
        except KubeError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    def watch(self, path: str, stop: threading.Event) -> Iterator[KubeObject]:
        """What is there as one `SYNC` event with `items`, then every change as the API's watch events.

        Ends when the server ends the watch, or with the first change after `stop`.
        """
        found = self.get(path) or {"items": [], "metadata": {"resourceVersion": "0"}}
        yield {"type": "SYNC", "items": found["items"]}
        version = found["metadata"]["resourceVersion"]
        query = {"watch": "true", "timeoutSeconds": str(_WATCH_SECONDS), "resourceVersion": version}
        response = self._request("GET", path, query=query, timeout=(_TIMEOUT, 5.0 + _WATCH_SECONDS))
        try:
            yield from _events(response.stream(65536, decode_content=True), stop)
        except urllib3.exceptions.HTTPError as error:
            raise KubeError(0, str(error)) from error
        finally:
            response.close()

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: KubeObject | None = None,
        content_type: str = "application/json",
    ) -> KubeObject:
        response = self._request(method, path, query=query, body=body, content_type=content_type)
        content: KubeObject = json.loads(response.data or b"{}")
        return content

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: KubeObject | None = None,
        content_type: str = "application/json",
        timeout: float | tuple[float, float] = _TIMEOUT,
    ) -> urllib3.BaseHTTPResponse:
        arguments = self._api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            response: urllib3.BaseHTTPResponse = self._api.call_api(*arguments, _request_timeout=timeout).response
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise KubeError(0, str(error)) from error
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise KubeError(response.status, _reason(response.data, response.reason or ""))
        return response


def _reason(body: bytes, fallback: str) -> str:
    """The sentence of a Status object."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return fallback


def _events(chunks: Iterator[bytes], stop: threading.Event) -> Iterator[KubeObject]:
    buffered = b""
    for chunk in chunks:
        if stop.is_set():
            return
        *lines, buffered = (buffered + chunk).split(b"\n")
        for line in lines:
            event: KubeObject = json.loads(line)
            if event["type"] == "ERROR":
                raise KubeError(int(event["object"].get("code", 0)), str(event["object"].get("message")))
            yield event
