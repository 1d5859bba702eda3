"""What the service sees of its cluster, and does there."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from rehearsal.services.osmo.kube import KubeApi, KubeError, KubeObject

DATABASE_CLAIM = "postgres-volume"  # the service's data lives and dies with this claim
CONFIG_MAP, CONFIG_KEY = "osmo-service-configs", "config.yaml"
SERVICE, UI = "osmo-service", "osmo-ui"
LISTENER, WORKER = "osmo-operator-osmo-backend-listener", "osmo-operator-osmo-backend-worker"
OPERATOR_TOKEN = "osmo-operator-token"  # noqa: S105 - the Secret's name
ADMIN_SECRET = "default-admin-secret"  # noqa: S105 - the Secret's name


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

    def database_uid(self) -> str | None:
        """The uid of the database's claim; None while there is none."""
        ...

    def config_text(self) -> str | None: ...

    def secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """The decoded data of a Secret."""
        ...

    def nodes(self) -> list[KubeObject]: ...

    def node_exists(self, name: str) -> bool: ...

    def pods(self) -> list[KubeObject]:
        """The pods of all namespaces."""
        ...

    def create_pod(self, manifest: KubeObject) -> None: ...

    def create_secret(self, manifest: KubeObject) -> None: ...

    def delete_pod(self, name: str) -> None: ...

    def delete_secret(self, name: str) -> None: ...

    def finish_pod(self, name: str, status: KubeObject) -> None:
        """Writes a pod's last status, as its kubelet would."""
        ...

    def watch(self, kind: str, stop: threading.Event) -> Iterator[KubeObject]:
        """Watch events of `pods` or `events` in the workflow namespace."""
        ...


class KubernetesCluster:
    """The cluster behind an API client."""

    def __init__(self, kube: KubeApi, layout: Layout | None = None) -> None:
        self._kube = kube
        self.layout = layout or Layout()

    def ready(self, namespace: str, app: str) -> bool:
        pods = self._kube.items(_path(namespace, "pods"), {"labelSelector": f"app={app}"})
        # of a node that was deleted, pods stay Ready in the API until they are collected, but nothing there answers
        return any(is_ready(pod) and self.node_exists(pod["spec"].get("nodeName", "")) for pod in pods)

    def service_image(self) -> str | None:
        deployment = self._kube.get(f"/apis/apps/v1/namespaces/{self.layout.service}/deployments/{SERVICE}")
        if not deployment:
            return None
        images: list[str] = [container["image"] for container in deployment["spec"]["template"]["spec"]["containers"]]
        return next((image for image in images if "/service:" in image), images[0])

    def database_uid(self) -> str | None:
        claim = self._kube.get(_path(self.layout.service, "persistentvolumeclaims", DATABASE_CLAIM))
        return str(claim["metadata"]["uid"]) if claim else None

    def config_text(self) -> str | None:
        found = self._kube.get(_path(self.layout.service, "configmaps", CONFIG_MAP))
        return (found.get("data") or {}).get(CONFIG_KEY) if found else None

    def secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        found = self._kube.get(_path(namespace, "secrets", name))
        if found is None:
            return None
        return {key: base64.b64decode(value).decode(errors="replace") for key, value in (found.get("data") or {}).items()}

    def nodes(self) -> list[KubeObject]:
        return self._kube.items("/api/v1/nodes")

    def node_exists(self, name: str) -> bool:
        return self._kube.get(f"/api/v1/nodes/{name}") is not None

    def pods(self) -> list[KubeObject]:
        return self._kube.items("/api/v1/pods")

    def create_pod(self, manifest: KubeObject) -> None:
        self._create("pods", manifest)

    def create_secret(self, manifest: KubeObject) -> None:
        self._create("secrets", manifest)

    def _create(self, kind: str, manifest: KubeObject) -> None:
        """Creates an object; names are unique here, so one that exists comes from an attempt whose answer was lost."""
        try:
            self._kube.create(_path(self.layout.workflows, kind), manifest)
        except KubeError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise

    def delete_pod(self, name: str) -> None:
        self._kube.delete(_path(self.layout.workflows, "pods", name))

    def delete_secret(self, name: str) -> None:
        self._kube.delete(_path(self.layout.workflows, "secrets", name))

    def finish_pod(self, name: str, status: KubeObject) -> None:
        try:
            self._kube.patch(_path(self.layout.workflows, "pods", name, "status"), {"status": status})
        except KubeError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    def watch(self, kind: str, stop: threading.Event) -> Iterator[KubeObject]:
        return self._kube.watch(_path(self.layout.workflows, kind), stop)


def is_ready(pod: KubeObject) -> bool:
    """Whether a pod takes requests: Ready, and not on its way out."""
    conditions = pod.get("status", {}).get("conditions") or []
    leaving = pod["metadata"].get("deletionTimestamp") is not None
    return not leaving and any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _path(namespace: str, *rest: str) -> str:
    return "/".join(["/api/v1/namespaces", namespace, *rest])
