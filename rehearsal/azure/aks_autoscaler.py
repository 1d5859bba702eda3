"""AKS' cluster autoscaler at work: it grows pools for pods that the scheduler refused, and takes away nodes that are idle.

Left out: nodes that are little used and whose pods would fit elsewhere, expanders other than "the first pool that fits", and the settings
of a cluster's `autoScalerProfile`.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Final, Protocol

from rehearsal.api import NODES, Api, ApiError, Object, Resource
from rehearsal.azure.aks_fleet import Fleet, is_of_daemon_set
from rehearsal.azure.aks_plan import Cluster, Growth, plan, refusal, serves
from rehearsal.azure.aks_pools import NodePool
from rehearsal.azure.aks_status import GroupState, StatusMap
from rehearsal.azure.clock import Clock
from rehearsal.azure.errors import ArmError
from rehearsal.events import Events
from rehearsal.watching import Key, key_of

log = logging.getLogger(__name__)
SCAN: Final = 0.25  # seconds between looks where nothing changes
AGAIN: Final = 5.0  # seconds between two events about a pod that cannot be helped
UNNEEDED: Final = 600.0
"""Seconds that a node is idle, and that the cluster has not grown, before it is taken away."""
UNREADY: Final = 1200.0
"""The same for one that has not come up."""
PROVISION: Final = 900.0
"""Seconds after which a machine that is no node is given up."""
BACKOFF: Final = 300.0
"""Seconds for which a pool that could not grow is left alone."""
LEAST: Final = 0.025
"""The least of our own seconds that each of these seconds is: what pods do in between is not compressed."""
DAEMON_SETS: Final = Resource("apps/v1", "daemonsets")
FINISHED: Final = {"Succeeded", "Failed"}
TAINT: Final = {"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}


class Pools(Protocol):
    """The pools as ARM knows them."""

    def all(self) -> list[NodePool]:
        """Every pool, the system pool first; empty while there is no cluster."""
        ...

    def order(self, pool: NodePool, count: int) -> None:
        """Sets how many machines a pool is to have.

        Raises:
            ArmError: there are none to be had.
        """
        ...


class Autoscaler:
    """Follows pods and nodes of one cluster.

    Args:
        least: of our own seconds, for each of Azure's that the autoscaler waits.
    """

    def __init__(self, api: Api, fleet: Fleet, pools: Pools, clock: Clock, least: float = LEAST) -> None:
        self._api, self._fleet, self._pools, self._clock, self._least = api, fleet, pools, clock, least
        self._events, self._status = Events(api, "cluster-autoscaler"), StatusMap(api)
        self._pods: dict[Key, Object] = {}
        self._nodes: dict[str, Object] = {}
        self._changed = threading.Event()
        self._grew = float("-inf")
        self._idle: dict[str, float] = {}
        self._short: dict[str, float] = {}
        self._told: dict[str, tuple[str, float]] = {}
        self._backoff: dict[str, tuple[float, str]] = {}

    def start(self) -> None:
        """Starts to look, in a thread that ends with the process."""
        threading.Thread(target=self._run, name="autoscaler", daemon=True).start()

    def on_pod(self, change: str, pod: Object) -> None:
        """Takes over a change of a pod."""
        if change == "DELETED":
            self._pods.pop(key_of(pod), None)
        else:
            self._pods[key_of(pod)] = pod
        self._changed.set()

    def on_node(self, change: str, item: Object) -> None:
        """Takes over a change of a node."""
        if change == "DELETED":
            self._nodes.pop(item["metadata"]["name"], None)
        else:
            self._nodes[item["metadata"]["name"]] = item
        self._changed.set()

    def _run(self) -> None:
        while True:
            self._changed.wait(SCAN)
            self._changed.clear()
            try:
                self.look()
            except ApiError as error:
                log.info("the cluster does not answer: %s", error)
                time.sleep(SCAN)
            except Exception:  # one bad object must not end the autoscaler
                log.exception("autoscaler")
                time.sleep(SCAN)

    def look(self) -> None:
        """One look at everything, and what follows from it."""
        if not any(pool.autoscaled for pool in self._pools.all()):
            self._forget()
            return
        self._grow()
        for pool in [pool for pool in self._pools.all() if pool.autoscaled]:
            self._give_up(pool)
            self._shrink(pool)
        self._status.write(self._state(pool) for pool in self._pools.all() if pool.autoscaled)

    def _forget(self) -> None:
        """The next cluster is another one."""
        self._status.forget()
        for known in (self._idle, self._short, self._told, self._backoff):
            known.clear()

    def _grow(self) -> None:
        pending = [pod for pod in list(self._pods.values()) if refusal(pod) is not None and not is_of_daemon_set(pod)]
        if not pending:
            return
        found = plan(pending, self._cluster())
        if found.growth:
            self._order(found.growth)
            return  # as upstream: pods that nothing helps are told so when nothing grows
        for pod in pending:
            if reason := found.helpless.get(key_of(pod)):
                self._refuse(pod, reason)

    def _order(self, growth: Growth) -> None:
        pool, more = growth.pool, growth.to - growth.pool.count
        try:
            self._pools.order(pool, growth.to)
        except ArmError as error:
            self._backoff[pool.name] = (self._in(BACKOFF), error.message)
            for pod in growth.pods:
                words = f"Failed to increase node group size: {error.code}: {error.message}"
                self._events.warn({"kind": "Pod", **pod}, "FailedScaleUp", words)
            return
        self._grew = time.monotonic()
        log.info("%s", growth.words)
        for pod in growth.pods:
            self._events.inform({"kind": "Pod", **pod}, "TriggeredScaleUp", growth.words)
        threading.Thread(target=self._fleet.add, args=(pool, more), name=f"grow-{pool.name}", daemon=True).start()

    def _refuse(self, pod: Object, reason: str) -> None:
        words = f"pod didn't trigger scale-up: {reason}"
        said, at = self._told.get(pod["metadata"]["uid"], ("", 0.0))
        if said != words or time.monotonic() > at + AGAIN:
            self._told[pod["metadata"]["uid"]] = (words, time.monotonic())
            self._events.inform({"kind": "Pod", **pod}, "NotTriggerScaleUp", words)

    def _shrink(self, pool: NodePool) -> None:
        """Takes away the first node that has been idle for long enough, as long as the pool is larger than its minimum."""
        now = time.monotonic()
        busy = self._busy()
        for item in self._of(pool):
            name = item["metadata"]["name"]
            if name in busy:
                self._idle.pop(name, None)
                continue
            since = max(self._idle.setdefault(name, now), self._grew)
            if pool.count > _least(pool) and now >= since + self._seconds(UNNEEDED if serves(item) else UNREADY):
                self._take_away(pool, item)
                return

    def _take_away(self, pool: NodePool, item: Object) -> None:
        name = item["metadata"]["name"]
        before = item["spec"].get("taints") or []
        self._api.patch(NODES, name, {"spec": {"taints": [*before, TAINT]}})
        if any(_counts(pod) for pod in self._fleet.pods_of(name)):  # one came before the taint did
            self._api.patch(NODES, name, {"spec": {"taints": before}})
            return
        log.info("removing empty node %s", name)
        self._pools.order(pool, pool.count - 1)
        self._fleet.remove([item])
        self._idle.pop(name, None)

    def _give_up(self, pool: NodePool) -> None:
        """Orders no more what never became a node, such as one that somebody deleted."""
        there, now = len(self._of(pool)), time.monotonic()
        if there >= pool.count:
            self._short.pop(pool.name, None)
        elif now >= self._short.setdefault(pool.name, now) + self._seconds(PROVISION):
            self._short.pop(pool.name, None)
            self._pools.order(pool, max(there, _least(pool)))
            if there < _least(pool):
                self._fleet.add(pool, _least(pool) - there)

    def _cluster(self) -> Cluster:
        on: dict[str, list[Object]] = {}
        for pod in list(self._pods.values()):
            if pod.get("status", {}).get("phase") not in FINISHED:
                on.setdefault(pod["spec"].get("nodeName", ""), []).append(pod)
        daemons = [
            {"metadata": {"name": item["metadata"]["name"]}, "spec": item["spec"]["template"]["spec"]}
            for item in self._api.list(DAEMON_SETS)["items"]
        ]
        now = time.monotonic()
        backed_off = frozenset(name for name, (until, _) in self._backoff.items() if now < until)
        return Cluster(self._pools.all(), list(self._nodes.values()), on, daemons, backed_off)

    def _busy(self) -> set[str]:
        return {pod["spec"].get("nodeName", "") for pod in list(self._pods.values()) if _counts(pod)}

    def _of(self, pool: NodePool) -> list[Object]:
        return [item for name, item in sorted(self._nodes.items()) if name.startswith(pool.scale_set)]

    def _state(self, pool: NodePool) -> GroupState:
        own, busy = self._of(pool), self._busy()
        until, reason = self._backoff.get(pool.name, (0.0, ""))
        minimum, maximum = pool.autoscaled or (pool.count, pool.count)
        spare = [item for item in own if item["metadata"]["name"] not in busy] if len(own) > minimum else []
        ready = sum(serves(item) for item in own)
        refused = reason if time.monotonic() < until else ""
        return GroupState(pool.scale_set, minimum, maximum, pool.count, len(own), ready, len(spare), refused)

    def _seconds(self, azures: float) -> float:
        return azures * max(self._clock.scale, self._least)

    def _in(self, azures: float) -> float:
        return time.monotonic() + self._seconds(azures)


def _least(pool: NodePool) -> int:
    return pool.autoscaled[0] if pool.autoscaled else pool.count


def _counts(pod: Object) -> bool:
    """Whether a pod keeps its node."""
    return not is_of_daemon_set(pod) and pod.get("status", {}).get("phase") not in FINISHED
