"""Makes a pool of GPU nodes grow: OSMO refuses a workflow for a platform that has no node at all, so no workflow can make the first one.

A pod that asks for one GPU does: the autoscaler starts a node for it. Once it is placed, its node offers GPUs, and it has done its work.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from sdg.kube.api import Json, KubernetesApi, items
from sdg.kube.errors import KubeError, ObjectNotFoundError
from sdg.osmo import layout
from sdg.platform.layout import GPU_NODE_LABEL, GPU_RESOURCE
from sdg.platform.taints import on_gpu_nodes

NAME: Final = "sdg-growth"
LABELS: Final = {"app.kubernetes.io/name": NAME}
PODS: Final = f"/api/v1/namespaces/{layout.WORKFLOWS_NAMESPACE}/pods"
_EVENTS: Final = f"/api/v1/namespaces/{layout.WORKFLOWS_NAMESPACE}/events"
# the scheduler's word, and the autoscaler's answers to it
_NEWS: Final = frozenset({"FailedScheduling", "TriggeredScaleUp", "NotTriggerScaleUp"})


class Growth:
    """One pod that asks for a GPU, for as long as it is needed.

    Args:
        image: what it runs; that of the workflow to come, so that its node has it already.
        lifetime: seconds after which it ends by itself, whoever started it.
        taints: of nodes with GPUs, beside their own.
    """

    def __init__(self, api: KubernetesApi, image: str, lifetime: float, taints: Sequence[str] = ()) -> None:
        self._api, self._image, self._lifetime, self._taints = api, image, lifetime, taints
        self._path = ""

    @property
    def begun(self) -> bool:
        """Whether a node was asked for."""
        return bool(self._path)

    def begin(self) -> None:
        """Asks for a node; raises KubeError."""
        self._clear()
        pod = _pod(f"{NAME}-{secrets.token_hex(4)}", self._image, int(self._lifetime), self._taints)
        self._api.post(PODS, pod)
        self._path = f"{PODS}/{pod['metadata']['name']}"

    def awaited(self) -> str:
        """What the node is still waited for with, in the cluster's words; empty once the pod was placed. Raises KubeError."""
        try:
            pod = self._api.get(self._path)
        except ObjectNotFoundError:  # somebody else took it away: it is asked for again
            self._path = ""
            return ""
        if (pod.get("spec") or {}).get("nodeName"):
            return ""
        events = items(self._api, _EVENTS, {"fieldSelector": f"involvedObject.name={pod['metadata']['name']}"})
        news = [event for event in events if event.get("reason") in _NEWS]
        latest = max(news, key=_when, default=None)
        return f"{latest['reason']}: {latest.get('message')}" if latest else "nobody has looked at the pod yet"

    def end(self) -> None:
        """Takes the pod away; does nothing where there is none."""
        path, self._path = self._path, ""
        if path:
            _delete(self._api, path)

    def _clear(self) -> None:
        """What a killed update left."""
        selector = ",".join(f"{key}={value}" for key, value in LABELS.items())
        for left in items(self._api, PODS, {"labelSelector": selector}):
            _delete(self._api, f"{PODS}/{left['metadata']['name']}")


def _delete(api: KubernetesApi, path: str) -> None:
    with suppress(KubeError):  # it ends by itself
        api.delete(path)


def _when(event: Json) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")


def _pod(name: str, image: str, lifetime: int, taints: Sequence[str]) -> Mapping[str, Any]:
    container = {
        "name": "growth",
        "image": image,
        "command": ["sleep", str(lifetime)],
        "resources": {"limits": {GPU_RESOURCE: "1"}, "requests": {"cpu": "10m", "memory": "16Mi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": layout.WORKFLOWS_NAMESPACE, "labels": LABELS},
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": lifetime,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "nodeSelector": {GPU_NODE_LABEL: "true"},
            "tolerations": on_gpu_nodes(taints),
            "containers": [container],
        },
    }
