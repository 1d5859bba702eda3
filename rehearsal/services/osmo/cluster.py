"""What the service sees of its cluster, and does there."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from rehearsal.api import (
    CLAIMS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    EVENTS,
    NODES,
    POD_GROUPS,
    PODS,
    QUEUES,
    SECRETS,
    Api,
    ApiError,
    Object,
    Resource,
)
from rehearsal.services.osmo import installation
from rehearsal.services.osmo.scheduling import ADMISSION, SCHEDULER, runtime_class_of

DATABASE_CLAIM = "postgres-volume"  # data in the cluster lives and dies with this claim
SERVICES = Resource("v1", "services")
CONFIG_MAP, CONFIG_KEY = "osmo-service-configs", "config.yaml"
SERVICE, UI = "osmo-service", "osmo-ui"
LISTENER, WORKER = "osmo-operator-osmo-backend-listener", "osmo-operator-osmo-backend-worker"
OPERATOR_TOKEN = "osmo-operator-token"  # noqa: S105 - the Secret's name
ADMIN_SECRET = "default-admin-secret"  # noqa: S105 - the Secret's name
WATCHED = {"pods": PODS, "events": EVENTS}


@dataclass(frozen=True, slots=True)
class Layout:
    """The namespaces of an installation."""

    service: str = "osmo-minimal"
    operator: str = "osmo-operator"
    workflows: str = "osmo-workflows"


class Cluster(Protocol):
    """The Kubernetes calls that the service makes; a fake stands for it in tests."""

    layout: Layout

    def ready(self, namespace: str, app: str) -> bool:
        """Whether a pod labelled `app=<app>` is Ready."""
        ...

    def service_image(self) -> str | None: ...

    def database_uid(self, spec: Object | None = None) -> str | None:
        """What the database is known by: its claim's uid, or its place on a server outside; None while there is none.

        Args:
            spec: of the pod that asks; the service's own when None.
        """
        ...

    def token_secrets(self) -> Mapping[str, str] | None:
        """Names of operators' credentials → Secrets that the service reads their tokens from; None when it reads none."""
        ...

    def mounted_secrets(self) -> Set[str]:
        """The Secrets that the service's configuration may name."""
        ...

    def mek_text(self) -> str | None:
        """The content of `mek.yaml`."""
        ...

    def config_text(self) -> str | None: ...

    def secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """The decoded data of a Secret."""
        ...

    def nodes(self) -> list[Object]: ...

    def node_exists(self, name: str) -> bool: ...

    def pods(self) -> list[Object]:
        """The pods of all namespaces."""
        ...

    def create_pod(self, manifest: Object) -> None: ...

    def create_secret(self, manifest: Object) -> None: ...

    def make_queues(self, queues: Sequence[Object]) -> bool:
        """Creates the queues that don't exist; False where the cluster knows no queues."""
        ...

    def create_pod_group(self, manifest: Object) -> None: ...

    def delete_pod_group(self, name: str) -> None: ...

    def gpu_runtime_class(self) -> str:
        """The RuntimeClass that the scheduler's admission gives to pods that name GPUs; empty for none."""
        ...

    def delete_pod(self, name: str) -> None: ...

    def delete_secret(self, name: str) -> None: ...

    def finish_pod(self, name: str, status: Object) -> None:
        """Writes a pod's last status, as its kubelet would."""
        ...

    def watch(self, kind: str, stop: threading.Event) -> Iterator[Object]:
        """What there is of `pods` or `events` in the workflow namespace, as one `SYNC` event with `items`, then every change.

        Ends when the API server ends the watch, or with the first change after `stop`.
        """
        ...


class KubernetesCluster:
    """The cluster behind an API client."""

    def __init__(self, api: Api, layout: Layout | None = None) -> None:
        self._api = api
        self.layout = layout or Layout()

    def ready(self, namespace: str, app: str) -> bool:
        pods = self._items(PODS, namespace, labelSelector=f"app={app}")
        # of a node that was deleted, pods stay Ready in the API until they are collected, but nothing there answers
        return any(is_ready(pod) and self.node_exists(pod["spec"].get("nodeName", "")) for pod in pods)

    def service_image(self) -> str | None:
        spec = self._service_pod()
        return installation.image(spec) if spec else None

    def database_uid(self, spec: Object | None = None) -> str | None:
        spec = spec or self._service_pod()
        server = installation.database(spec) if spec else None
        if server and not self._is_service(server.host):
            return server.key
        claim = self._api.get(CLAIMS, DATABASE_CLAIM, self.layout.service)
        return str(claim["metadata"]["uid"]) if claim else None

    def token_secrets(self) -> Mapping[str, str] | None:
        spec = self._service_pod()
        return installation.token_secrets(spec) if spec else None

    def mounted_secrets(self) -> Set[str]:
        spec = self._service_pod()
        return installation.mounted_secrets(spec) if spec else set()

    def mek_text(self) -> str | None:
        found = self._api.get(CONFIG_MAPS, installation.KEY_CONFIG_MAP, self.layout.service)
        return (found.get("data") or {}).get("mek.yaml") if found else None

    def config_text(self) -> str | None:
        found = self._api.get(CONFIG_MAPS, CONFIG_MAP, self.layout.service)
        return (found.get("data") or {}).get(CONFIG_KEY) if found else None

    def secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        found = self._api.get(SECRETS, name, namespace)
        if found is None:
            return None
        return {key: base64.b64decode(value).decode(errors="replace") for key, value in (found.get("data") or {}).items()}

    def nodes(self) -> list[Object]:
        return self._items(NODES)

    def node_exists(self, name: str) -> bool:
        return bool(name) and self._api.get(NODES, name) is not None

    def pods(self) -> list[Object]:
        return self._items(PODS)

    def create_pod(self, manifest: Object) -> None:
        self._create(PODS, manifest)

    def create_secret(self, manifest: Object) -> None:
        self._create(SECRETS, manifest)

    def _create(self, resource: Resource, manifest: Object) -> None:
        """Creates an object; names are unique here, so one that exists comes from an attempt whose answer was lost."""
        try:
            self._api.create(resource, manifest)
        except ApiError as error:
            if error.code != HTTPStatus.CONFLICT:
                raise

    def make_queues(self, queues: Sequence[Object]) -> bool:
        try:
            existing = {queue["metadata"]["name"] for queue in self._items(QUEUES)}
            for queue in queues:
                if queue["metadata"]["name"] not in existing:
                    self._create(QUEUES, queue)
        except ApiError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return False
        return True

    def create_pod_group(self, manifest: Object) -> None:
        self._create(POD_GROUPS, manifest)

    def delete_pod_group(self, name: str) -> None:
        self._api.delete(POD_GROUPS, name, self.layout.workflows)

    def gpu_runtime_class(self) -> str:
        admission = self._api.get(DEPLOYMENTS, ADMISSION, SCHEDULER)
        if admission is None:
            return ""
        return runtime_class_of(admission["spec"]["template"]["spec"]["containers"][0].get("args") or [])

    def delete_pod(self, name: str) -> None:
        self._api.delete(PODS, name, self.layout.workflows, gracePeriodSeconds="0")

    def delete_secret(self, name: str) -> None:
        self._api.delete(SECRETS, name, self.layout.workflows)

    def finish_pod(self, name: str, status: Object) -> None:
        try:
            self._api.patch(PODS, name, {"status": status}, self.layout.workflows, "status")
        except ApiError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise

    def watch(self, kind: str, stop: threading.Event) -> Iterator[Object]:
        resource, namespace = WATCHED[kind], self.layout.workflows
        found = self._api.list(resource, namespace)
        yield {"type": "SYNC", "items": found["items"]}
        for event in self._api.watch(resource, found["metadata"]["resourceVersion"], namespace):
            if stop.is_set():
                return
            yield event

    def _service_pod(self) -> Object | None:
        """The spec of the pod that answers, the newest one that is Ready; while there is none, of the one that the Deployment wants."""
        pods = self._items(PODS, self.layout.service, labelSelector=f"app={SERVICE}")
        if ready := [pod for pod in pods if is_ready(pod)]:
            return dict(max(ready, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))["spec"])
        deployment = self._api.get(DEPLOYMENTS, SERVICE, self.layout.service)
        return deployment["spec"]["template"]["spec"] if deployment else None

    def _is_service(self, host: str) -> bool:
        """Whether a name means a Service beside the pods, as a name without a dot may."""
        return "." not in host and self._api.get(SERVICES, host, self.layout.service) is not None

    def _items(self, resource: Resource, namespace: str = "", **query: str) -> list[Object]:
        """The items of a list, served from the API server's cache."""
        items: list[Object] = self._api.list(resource, namespace, resourceVersion="0", **query)["items"]
        return items


def is_ready(pod: Object) -> bool:
    """Whether a pod takes requests: Ready, and not on its way out."""
    conditions = pod.get("status", {}).get("conditions") or []
    leaving = pod["metadata"].get("deletionTimestamp") is not None
    return not leaving and any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
