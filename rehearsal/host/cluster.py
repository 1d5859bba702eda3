"""The virtual cluster as MicroK8s' own: it comes with the snap and goes with it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import Any, Final

import yaml

from rehearsal.api import NODES, Api, ApiError, Resource
from rehearsal.host.calls import Answer
from rehearsal.host.gpu import REPOSITORY
from rehearsal.pki import Pki
from rehearsal.state import StateDir
from rehearsal.tools import Tools

PLURALS: Final = {
    "ServiceAccount": "serviceaccounts",
    "ConfigMap": "configmaps",
    "Deployment": "deployments",
    "Service": "services",
    "StorageClass": "storageclasses",
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
}
TOOL_TIMEOUT: Final = 300  # seconds


class VirtualMicroK8s:
    """What `microk8s` acts on."""

    def __init__(self, state: StateDir, tools: Tools) -> None:
        self._state, self._tools, self._pki = state, tools, Pki(state.pki)

    def ready(self) -> bool:
        """Whether the API answers, and a node is ready."""
        if not self._state.kubeconfig.exists():
            return False
        api = self._api()
        try:
            return api.is_ready() and any(_is_ready(node) for node in api.list(NODES)["items"])
        except ApiError:
            return False

    def kubeconfig(self) -> str:
        """The administrator's kubeconfig, under MicroK8s' own names."""
        config = yaml.safe_load(self._state.kubeconfig.read_text())
        document = {
            "apiVersion": "v1",
            "clusters": [{"cluster": config["clusters"][0]["cluster"], "name": "microk8s-cluster"}],
            "contexts": [{"context": {"cluster": "microk8s-cluster", "user": "admin"}, "name": "microk8s"}],
            "current-context": "microk8s",
            "kind": "Config",
            "preferences": {},
            "users": [{"name": "admin", "user": config["users"][0]["user"]}],
        }
        return yaml.safe_dump(document, sort_keys=False)

    def apply(self, manifest: Mapping[str, Any]) -> None:
        """Creates an object, or brings its fields back."""
        self._api().apply(_resource(manifest), dict(manifest))

    def delete(self, manifest: Mapping[str, Any]) -> None:
        """Deletes an object if it is there."""
        self._api().delete(_resource(manifest), manifest["metadata"]["name"], manifest["metadata"].get("namespace", ""))

    def tool(self, name: str, arguments: tuple[str, ...], stdin: str = "") -> Answer:
        """Runs `kubectl` or `helm` with the administrator's kubeconfig; charts come from the rehearsal's repository."""
        home = self._state.helm / "microk8s"
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "KUBECONFIG": str(self._state.kubeconfig),
            **{f"HELM_{part}_HOME": str(home / part.lower()) for part in ("CACHE", "CONFIG", "DATA")},
        }
        home.mkdir(parents=True, exist_ok=True)
        mirrored = [argument.replace(REPOSITORY, f"{self._state.service_urls().get('charts', '')}/nvidia") for argument in arguments]
        command = [str(self._tools.path(name)), *mirrored]
        done = subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False, timeout=TOOL_TIMEOUT)
        return Answer(done.stdout, done.stderr, done.returncode)

    def _api(self) -> Api:
        return Api.of_kubeconfig(self._state.kubeconfig, self._pki.authority)


def _is_ready(node: Mapping[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in node.get("status", {}).get("conditions", []))


def _resource(manifest: Mapping[str, Any]) -> Resource:
    return Resource(manifest["apiVersion"], PLURALS[manifest["kind"]])
