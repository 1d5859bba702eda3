"""The Kubernetes API as plain JSON.

The official client turns every object into models: too slow and too large for loops that see each change of thousands of pods.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import urllib3
import yaml

from rehearsal.transport import ApiError, Object, Transport, Unreachable, trusting

__all__ = ["Api", "ApiError", "Object", "Resource"]

FIELD_MANAGER = "rehearsal"
MERGE, APPLY = "application/merge-patch+json", "application/apply-patch+yaml"
PAGE = 500  # objects per page of a list
_READINESS = urllib3.Timeout(total=2.0)


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object as the API's paths name it.

    Attributes:
        group_version: such as `v1` or `storage.k8s.io/v1`.
        plural: such as `pods`.
    """

    group_version: str
    plural: str

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Path of a collection or of one object."""
        root = "/api" if "/" not in self.group_version else "/apis"
        inside = ["namespaces", namespace] if namespace else []
        return "/".join(part for part in [root, self.group_version, *inside, self.plural, name, subresource] if part)


PODS = Resource("v1", "pods")
NODES = Resource("v1", "nodes")
SECRETS = Resource("v1", "secrets")
CONFIG_MAPS = Resource("v1", "configmaps")
CLAIMS = Resource("v1", "persistentvolumeclaims")
VOLUMES = Resource("v1", "persistentvolumes")
ACCOUNTS = Resource("v1", "serviceaccounts")
EVENTS = Resource("v1", "events")
SERVICES = Resource("v1", "services")
DEPLOYMENTS = Resource("apps/v1", "deployments")
JOBS = Resource("batch/v1", "jobs")
STORAGE_CLASSES = Resource("storage.k8s.io/v1", "storageclasses")
RUNTIME_CLASSES = Resource("node.k8s.io/v1", "runtimeclasses")
QUEUES = Resource("scheduling.run.ai/v2", "queues")
POD_GROUPS = Resource("scheduling.run.ai/v2alpha2", "podgroups")
LEASES = Resource("coordination.k8s.io/v1", "leases")
DEFINITIONS = Resource("apiextensions.k8s.io/v1", "customresourcedefinitions")
PORT_FORWARDS = Resource("kwok.x-k8s.io/v1alpha1", "portforwards")
LOGS = Resource("kwok.x-k8s.io/v1alpha1", "logs")


class Api:
    """Reads and writes objects. May be used from several threads."""

    def __init__(self, server: str, token: str, authority: Path, timeout: float = 30.0) -> None:
        # the API server names the manager of merged fields after the user agent
        headers = {"User-Agent": FIELD_MANAGER, "Authorization": f"Bearer {token}"}
        tls = trusting(authority.read_text()) if server.startswith("https") else None
        self._transport = Transport(server, headers, urllib3.Timeout(connect=timeout, read=timeout), tls)

    @classmethod
    def of_kubeconfig(cls, path: Path, authority: Path) -> Api:
        """Reads server and token of the one context in a rehearsal's kubeconfig."""
        config = yaml.safe_load(path.read_text())
        return cls(config["clusters"][0]["cluster"]["server"], config["users"][0]["user"]["token"], authority)

    def is_ready(self) -> bool:
        """Whether the API server answers and says that it is ready."""
        try:
            self._transport.request("GET", "/readyz", timeout=_READINESS)
        except (ApiError, Unreachable):
            return False
        return True

    def get(self, resource: Resource, name: str, namespace: str = "") -> Object | None:
        """One object; None when there is none."""
        try:
            return self._request("GET", resource.path(namespace, name))
        except ApiError as error:
            if error.not_found:
                return None
            raise

    def list(self, resource: Resource, namespace: str = "", **query: str) -> Object:
        """All objects of a kind, as one list object whose metadata hold the version to watch from."""
        page = self._request("GET", resource.path(namespace), query={**query, "limit": str(PAGE)})
        items = list(page["items"])
        while token := page["metadata"].get("continue"):
            page = self._request("GET", resource.path(namespace), query={**query, "limit": str(PAGE), "continue": token})
            items += page["items"]
        return {**page, "items": items}

    def create(self, resource: Resource, body: Object) -> Object:
        """Creates an object."""
        return self._request("POST", resource.path(body["metadata"].get("namespace", "")), body)

    def apply(self, resource: Resource, body: Object) -> Object:
        """Server-side apply: creates the object or brings our fields back."""
        metadata = body["metadata"]
        path = resource.path(metadata.get("namespace", ""), metadata["name"])
        return self._request("PATCH", path, body, APPLY, {"fieldManager": FIELD_MANAGER, "force": "true"})

    def patch(self, resource: Resource, name: str, body: Object, namespace: str = "", subresource: str = "") -> Object:
        """Merges `body` into an object."""
        return self._request("PATCH", resource.path(namespace, name, subresource), body, MERGE)

    def delete(self, resource: Resource, name: str, namespace: str = "", **query: str) -> None:
        """Deletes an object; one that is gone already is fine. The query may hold `gracePeriodSeconds`, 0 for at once."""
        try:
            self._request("DELETE", resource.path(namespace, name), query=query)
        except ApiError as error:
            if not error.not_found:
                raise

    def delete_all(self, resource: Resource, namespace: str) -> None:
        """Deletes every object of a kind in a namespace."""
        self._request("DELETE", resource.path(namespace))

    def watch(self, resource: Resource, version: str, namespace: str = "", seconds: int = 300) -> Iterator[Object]:
        """Changes of a kind from a version on, as `{"type": ..., "object": ...}`; ends after about `seconds`.

        Raises:
            ApiError: code 410 when the version is too old to watch from, 0 when the connection broke.
        """
        query = {"watch": "true", "resourceVersion": version, "allowWatchBookmarks": "true", "timeoutSeconds": str(seconds)}
        timeout = urllib3.Timeout(connect=5.0, read=seconds + 30.0)
        try:
            for line in self._transport.lines(resource.path(namespace), query, timeout):
                yield _event(line)
        except (Unreachable, ValueError) as error:  # the connection broke, perhaps in the middle of a line
            raise ApiError(0, "Unreachable", str(error)) from None

    def _request(
        self, method: str, path: str, body: Object | None = None, content: str = "application/json", query: Mapping[str, str] | None = None
    ) -> Object:
        try:
            return self._transport.request(method, path, query, body, content)
        except Unreachable as error:
            raise ApiError(0, "Unreachable", str(error)) from None


def _event(line: bytes) -> Object:
    event: Object = json.loads(line)
    if event["type"] == "ERROR":
        status = event["object"]
        raise ApiError(int(status.get("code", 0)), status.get("reason", ""), status.get("message", ""))
    return event
