"""What a GPU operator does to nodes: it marks those with GPUs, and its device plugin offers the GPUs to the scheduler.

Only nodes that don't know of their GPUs are touched (`NodeGroup.plugged`); as on a real one, the GPUs come with the device plugin's pod and
go with it, and a node that feature discovery has no pod on is one without GPUs to the operator, whatever its labels say.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from rehearsal.api import NODES, Api, ApiError, Object
from rehearsal.nodes import DRIVER, GPU, UNPLUGGED, gpu_labels, plugged_status
from rehearsal.watching import Key, key_of
from rehearsal.workqueue import WorkQueue
from sdg.catalog.vm_sizes import vm_size

log = logging.getLogger(__name__)
APP: Final = "app"
OPERATOR, DRIVER_POD, PLUGIN = "gpu-operator", "nvidia-driver-daemonset", "nvidia-device-plugin-daemonset"
DISCOVERY: Final = "gpu-operator-node-feature-discovery-worker"
PRESENT: Final = f"{GPU}.present"
RETRY: Final = 0.5  # seconds


@dataclass
class Devices:
    """Follows nodes and the operator's pods."""

    api: Api
    _nodes: dict[str, Object] = field(default_factory=dict)
    _pods: dict[Key, Object] = field(default_factory=dict)
    _queue: WorkQueue = field(default_factory=WorkQueue)

    def start(self) -> None:
        """Starts to work; the watches must have told once what exists."""
        self._queue.start(self._look, 1, "devices")

    def on_node(self, change: str, node: Object) -> None:
        """Takes over a change of a node."""
        name = node["metadata"]["name"]
        if change == "DELETED":
            self._nodes.pop(name, None)
        elif _unplugged(node):
            self._nodes[name] = node
            self._queue.add(("", name))

    def on_pod(self, change: str, pod: Object) -> None:
        """Takes over a change of a pod."""
        if change == "DELETED":
            if self._pods.pop(key_of(pod), None) is None:
                return
        elif (pod["metadata"].get("labels") or {}).get(APP) not in {OPERATOR, DRIVER_POD, PLUGIN, DISCOVERY}:
            return
        else:
            self._pods[key_of(pod)] = pod
        for name in list(self._nodes):
            self._queue.add(("", name))

    def _look(self, key: Key) -> None:
        node = self._nodes.get(key[1])
        if node is None:
            return
        try:
            self._bring(node)
        except ApiError as error:
            if not error.not_found:
                self._queue.add(key, RETRY)
                raise

    def _bring(self, node: Object) -> None:
        name = node["metadata"]["name"]
        found = self._runs(DISCOVERY, name)
        offered = found and self._runs(PLUGIN, name) and (not _waits_for_driver(node) or self._runs(DRIVER_POD, name))
        labels = {PRESENT: "true"} if found and self._runs(OPERATOR) else {}
        if offered and (gpu := vm_size(node["metadata"]["labels"]["node.kubernetes.io/instance-type"]).gpu):
            labels |= gpu_labels(gpu)
        if missing := {key: value for key, value in labels.items() if node["metadata"]["labels"].get(key) != value}:
            self.api.patch(NODES, name, {"metadata": {"labels": missing}})
        count = _unplugged(node) if offered else 0
        if int(node["status"]["allocatable"].get(GPU, 0)) != count:
            handlers = tuple(handler["name"] for handler in node["status"].get("runtimeHandlers") or ())
            self.api.patch(NODES, name, {"status": plugged_status(count, handlers)}, subresource="status")

    def _runs(self, app: str, node: str = "") -> bool:
        """Whether a pod of the operator is ready, on that node where one is named."""
        return any(
            pod["metadata"]["labels"][APP] == app and node in {"", pod["spec"].get("nodeName")} and _is_ready(pod)
            for pod in list(self._pods.values())
        )


def _unplugged(node: Object) -> int:
    """GPUs of a node that it doesn't know of by itself."""
    return int((node["metadata"].get("annotations") or {}).get(UNPLUGGED, 0))


def _waits_for_driver(node: Object) -> bool:
    """Whether a node came without a GPU driver: then its GPUs come with the operator's, and a device plugin alone offers none."""
    return bool((node["metadata"].get("annotations") or {}).get(DRIVER) == "none")


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return not pod["metadata"].get("deletionTimestamp") and any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
