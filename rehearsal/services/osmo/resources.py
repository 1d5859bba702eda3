"""Nodes as the service counts them: per pool and platform, less the sidecar and what other pods use."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from rehearsal.api import Object
from rehearsal.services.osmo import defaults
from rehearsal.services.osmo.cluster import is_ready
from rehearsal.services.osmo.configuration import Configuration
from rehearsal.services.osmo.quantities import parse

GPU = "nvidia.com/gpu"
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Amount:
    """What a node has, or what pods ask for: whole CPUs, memory in Ki, storage in bytes, GPUs."""

    cpu: int = 0
    memory: int = 0
    storage: int = 0
    gpu: int = 0

    def minus(self, other: Self) -> Amount:
        return Amount(self.cpu - other.cpu, self.memory - other.memory, self.storage - other.storage, self.gpu - other.gpu)

    def as_fields(self) -> dict[str, str]:
        memory = f"{self.memory}Ki" if self.memory else "0"
        return {"storage": str(self.storage), "cpu": str(self.cpu), "memory": memory, "gpu": str(self.gpu)}

    def as_platform_fields(self) -> dict[str, Any]:
        return {"storage": self.storage, "cpu": self.cpu, "memory": f"{self.memory}Ki", "gpu": self.gpu}


@dataclass(frozen=True, slots=True)
class NodeResources:
    """One node with the platforms that may use it.

    Attributes:
        platforms: pool → platforms whose selector and tolerations fit the node.
        sidecars: pool → platform → what a task's sidecar takes there.
        used: requests of all pods; `other` of those outside the workflow namespace.
    """

    name: str
    backend: str
    allocatable: Amount
    used: Amount
    other: Amount
    platforms: Mapping[str, list[str]]
    sidecars: Mapping[str, Mapping[str, Amount]]
    taints: list[Object]

    def free_for_tasks(self, pool: str, platform: str) -> Amount:
        """What validation compares a task's request with."""
        return self.allocatable.minus(self.sidecars[pool][platform]).minus(self.other)


def node_resources(
    configuration: Configuration, nodes: Iterable[Object], pods: Iterable[Object], workflow_namespace: str
) -> list[NodeResources]:
    """Every Ready, schedulable node with its platforms."""
    asked = _asked_by_node(pods, workflow_namespace)
    rows = []
    for node in nodes:
        if not is_ready(node) or node.get("spec", {}).get("unschedulable"):
            continue
        name = node["metadata"]["name"]
        used, other = asked.get(name, (Amount(), Amount()))
        sidecars = _platforms_of(configuration, node)
        backends = [configuration.pools[pool].backend for pool in sidecars] or [*configuration.backends, "default"]
        rows.append(
            NodeResources(
                name=name,
                backend=backends[0],
                allocatable=_amount(node["status"].get("allocatable") or {}, math.floor),
                used=used,
                other=other,
                platforms={pool: list(platforms) for pool, platforms in sidecars.items()},
                sidecars=sidecars,
                taints=node.get("spec", {}).get("taints") or [],
            )
        )
    return rows


def _platforms_of(configuration: Configuration, node: Object) -> dict[str, dict[str, Amount]]:
    found: dict[str, dict[str, Amount]] = {}
    for pool_name, pool in configuration.pools.items():
        for platform in pool.platforms:
            spec = configuration.pod_template(pool, platform).get("spec") or {}
            if _fits(node, spec):
                found.setdefault(pool_name, {})[platform] = _sidecar(spec)
    return found


def _fits(node: Object, spec: Mapping[str, Any]) -> bool:
    """Whether a pod of this template may land on the node."""
    labels = node["metadata"].get("labels") or {}
    selector = spec.get("nodeSelector") or {}
    taints = [taint for taint in node.get("spec", {}).get("taints") or [] if taint["effect"] in ("NoSchedule", "NoExecute")]
    tolerations = spec.get("tolerations") or []
    tolerated = all(any(_tolerates(toleration, taint) for toleration in tolerations) for taint in taints)
    return tolerated and all(labels.get(key) == value for key, value in selector.items())


def _tolerates(toleration: Mapping[str, str], taint: Mapping[str, str]) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", "")


def _sidecar(spec: Mapping[str, Any]) -> Amount:
    containers = [container for container in spec.get("containers") or [] if container.get("name") == defaults.CTRL_CONTAINER]
    requests = (containers[0].get("resources") or {}).get("requests") if containers else None
    return _amount(requests or {}, math.ceil)


def _asked_by_node(pods: Iterable[Object], workflow_namespace: str) -> dict[str, tuple[Amount, Amount]]:
    """Node → what all its pods ask for, and what those outside the workflow namespace ask for."""
    totals: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    for pod in pods:
        node = pod["spec"].get("nodeName")
        if not node or pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            continue
        everything, other = totals.setdefault(node, ({}, {}))
        requests = pod_requests(pod["spec"])
        _add(everything, requests)
        if pod["metadata"]["namespace"] != workflow_namespace:
            _add(other, requests)
    return {node: (_amount(everything, math.ceil), _amount(other, math.ceil)) for node, (everything, other) in totals.items()}


def pod_requests(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What the scheduler reserves for a pod: the sum of its containers, or its largest init container."""
    total: dict[str, Any] = {}
    for container in spec.get("containers") or []:
        _add(total, (container.get("resources") or {}).get("requests") or {})
    for container in spec.get("initContainers") or []:
        for key, value in ((container.get("resources") or {}).get("requests") or {}).items():
            total[key] = max(parse(total.get(key, 0)), parse(value))
    return total


def _add(total: dict[str, Any], requests: Mapping[str, Any]) -> None:
    for key, value in requests.items():
        total[key] = parse(total.get(key, 0)) + parse(value)


def _amount(quantities: Mapping[str, Any], rounded: Callable[[Decimal], int]) -> Amount:
    """Whole numbers, rounded down for what there is and up for what is taken: never kinder than the node."""
    return Amount(
        cpu=rounded(parse(quantities.get("cpu", 0))),
        memory=rounded(parse(quantities.get("memory", 0)) / 1024),
        storage=rounded(parse(quantities.get("ephemeral-storage", 0))),
        gpu=rounded(parse(quantities.get(GPU, 0))),
    )
