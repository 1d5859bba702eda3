"""The ConfigMap in which the cluster autoscaler says how it is, in the YAML of its versions since 1.30.

Source of the fields: kubernetes/autoscaler, `cluster-autoscaler/clusterstate/api/types.go`. AKS names groups after their scale sets.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from rehearsal.api import CONFIG_MAPS, Api, Object
from rehearsal.events import timestamp

NAMESPACE, NAME = "kube-system", "cluster-autoscaler-status"
LAST_UPDATED: Final = "cluster-autoscaler.kubernetes.io/last-updated"
Times = Callable[[str, str, str], dict[str, str]]
"""Group, aspect and its status to the times of the condition."""


@dataclass(frozen=True, slots=True)
class GroupState:
    """One group as the autoscaler sees it.

    Attributes:
        target: machines that were ordered.
        registered, ready: nodes.
        unneeded: nodes that it would take away.
        refused: why it cannot grow for now; empty when it could.
    """

    name: str
    minimum: int
    maximum: int
    target: int
    registered: int
    ready: int
    unneeded: int = 0
    refused: str = ""

    @property
    def growing(self) -> bool:
        """Whether machines were ordered that are no nodes yet, or none that is ready."""
        return self.target > self.ready


@dataclass
class StatusMap:
    """Writes the ConfigMap when what it says has changed."""

    api: Api
    _said: dict[str, Any] = field(default_factory=dict)
    _since: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def write(self, groups: Iterable[GroupState]) -> None:
        """Says how the groups are now."""
        states = list(groups)
        # what does not change from one look to the next; times are added when it is written
        said = _document(states, lambda *_: {})
        if said == self._said:
            return
        self.api.apply(CONFIG_MAPS, config_map(_document(states, self._times)))
        self._said = said

    def forget(self) -> None:
        """The cluster is another one."""
        self._said, self._since = {}, {}

    def _times(self, group: str, aspect: str, status: str) -> dict[str, str]:
        now = timestamp()
        known = self._since.get((group, aspect))
        since = known[1] if known and known[0] == status else now
        self._since[group, aspect] = (status, since)
        return {"lastProbeTime": now, "lastTransitionTime": since}


def config_map(document: Mapping[str, Any]) -> Object:
    """The object around a status."""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M:%S.%f +0000 UTC")
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": NAMESPACE, "name": NAME, "annotations": {LAST_UPDATED: now}},
        "data": {"status": yaml.safe_dump({**document, "time": now})},
    }


def _document(groups: list[GroupState], times: Times) -> dict[str, Any]:
    registered, ready = sum(group.registered for group in groups), sum(group.ready for group in groups)
    growing, unneeded = any(group.growing for group in groups), sum(group.unneeded for group in groups)
    up = "InProgress" if growing else "NoActivity"
    return {
        "autoscalerStatus": "Running",
        "clusterWide": {
            "health": {"status": "Healthy", "nodeCounts": _counts(registered, ready), **times("", "health", "Healthy")},
            "scaleUp": {"status": up, **times("", "up", up)},
            "scaleDown": _down(unneeded, times, ""),
        },
        "nodeGroups": [_group(group, times) for group in groups],
    }


def _group(group: GroupState, times: Times) -> dict[str, Any]:
    up = "Backoff" if group.refused else "InProgress" if group.growing else "NoActivity"
    backoff = {"errorCode": "OutOfResourcesErrorClass", "errorMessage": group.refused} if group.refused else {}
    return {
        "name": group.name,
        "health": {
            "status": "Healthy",
            "nodeCounts": _counts(group.registered, group.ready),
            "cloudProviderTarget": group.target,
            "minSize": group.minimum,
            "maxSize": group.maximum,
            **times(group.name, "health", "Healthy"),
        },
        "scaleUp": {"status": up, "backoffInfo": backoff, **times(group.name, "up", up)},
        "scaleDown": _down(group.unneeded, times, group.name),
    }


def _down(unneeded: int, times: Times, group: str) -> dict[str, Any]:
    status = "CandidatesPresent" if unneeded else "NoCandidates"
    return {"status": status, **({"candidates": unneeded} if unneeded else {}), **times(group, "down", status)}


def _counts(registered: int, ready: int) -> dict[str, Any]:
    return {
        "registered": {"total": registered, "ready": ready, "notStarted": registered - ready},
        "longUnregistered": 0,
        "unregistered": 0,
    }
