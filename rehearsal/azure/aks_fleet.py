"""The machines of node pools, as nodes of the virtual cluster: ordered, started, drained and taken away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Final

from rehearsal.api import NODES, PODS, Api, ApiError, Object
from rehearsal.azure.aks_pools import NodePool, index_of, is_of, virtual_node
from rehearsal.azure.clock import Clock

log = logging.getLogger(__name__)
STARTING: Final = 150.0
"""Seconds from ordering a machine to its node (AKS documentation speaks of minutes)."""
DRAIN: Final = 5.0  # seconds until pods that don't end are left behind
POLL: Final = 0.05
CONFLICT: Final = 409


class Fleet:
    """Nodes of all pools of a cluster. May be used from several threads.

    Args:
        api, kubelet_port: of the cluster, asked for when there is one.
    """

    def __init__(self, api: Callable[[], Api], kubelet_port: Callable[[], int], clock: Clock) -> None:
        self._reach, self._kubelet_port, self._clock = api, kubelet_port, clock
        self._lock = threading.Lock()
        self._used: dict[str, int] = {}

    @cached_property
    def _api(self) -> Api:
        return self._reach()

    @property
    def _port(self) -> int:
        return self._kubelet_port()

    def forget(self) -> None:
        """The cluster is gone; the next one's scale sets begin anew."""
        with self._lock:
            self._used.clear()

    def nodes(self, pool: NodePool) -> list[Object]:
        """The pool's nodes, in the order in which they came."""
        found = [item for item in self._api.list(NODES)["items"] if is_of(pool, item)]
        return sorted(found, key=lambda item: index_of(pool, item["metadata"]["name"]))

    def resize(self, pool: NodePool, count: int) -> None:
        """Brings a pool to a number of nodes; the newest go first. Returns when they are there, or gone."""
        there = self.nodes(pool)
        if len(there) < count:
            self.add(pool, count - len(there))
        else:
            self.remove(there[count:])

    def add(self, pool: NodePool, count: int) -> None:
        """Orders machines and returns when they have become nodes. A number is never given twice, as in a scale set."""
        with self._lock:
            indexes = [index_of(pool, item["metadata"]["name"]) for item in self.nodes(pool)]
            first = max([*indexes, self._used.get(pool.scale_set, -1)]) + 1
            self._used[pool.scale_set] = first + count - 1
        self._clock.wait(STARTING)
        for index in range(first, first + count):
            try:
                self._api.create(NODES, virtual_node(pool, index, self._port))
            except ApiError as error:
                if error.code != CONFLICT:
                    raise

    def remove(self, items: Iterable[Object]) -> None:
        """Drains nodes and takes them away."""
        for item in list(items):
            name = item["metadata"]["name"]
            self._api.patch(NODES, name, {"spec": {"unschedulable": True}})
            self._drain(name)
            self._api.delete(NODES, name)

    def describe(self, before: NodePool, after: NodePool) -> None:
        """Gives the nodes a pool's new labels and taints in place, as AKS does."""
        fresh, old = virtual_node(after, 0, self._port), virtual_node(before, 0, self._port)
        labels: dict[str, str | None] = {key: after.labels.get(key) for key in {*before.labels, *after.labels}}
        gone = [taint for taint in old["spec"]["taints"] if taint not in fresh["spec"]["taints"]]
        for item in self.nodes(after):
            kept = [taint for taint in item["spec"].get("taints") or [] if taint not in gone and taint not in fresh["spec"]["taints"]]
            body = {"metadata": {"labels": labels}, "spec": {"taints": [*fresh["spec"]["taints"], *kept]}}
            self._api.patch(NODES, item["metadata"]["name"], body)

    def _drain(self, node: str) -> None:
        deadline = time.monotonic() + DRAIN
        asked: set[str] = set()
        while pods := self.pods_of(node):
            for pod in pods:
                uid, metadata = pod["metadata"]["uid"], pod["metadata"]
                if uid not in asked:
                    asked.add(uid)
                    self._api.delete(PODS, metadata["name"], metadata["namespace"])
            if all(is_of_daemon_set(pod) for pod in pods) or time.monotonic() > deadline:
                break
            time.sleep(POLL)
        for pod in self.pods_of(node):  # the machine goes with whatever still runs on it
            self._api.delete(PODS, pod["metadata"]["name"], pod["metadata"]["namespace"], gracePeriodSeconds="0")

    def pods_of(self, node: str) -> list[Object]:
        """Every pod on a node."""
        items: list[Object] = self._api.list(PODS, fieldSelector=f"spec.nodeName={node}")["items"]
        return items


def is_of_daemon_set(pod: Object) -> bool:
    """Whether a pod runs on every node anyway."""
    return any(owner["kind"] == "DaemonSet" for owner in pod["metadata"].get("ownerReferences") or [])
