"""The gate of everything that a stack serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.cluster.base import ClusterHandle
from components.inference.base import Endpoint, InferenceHandle, Served
from components.release import restore
from sdg.gates.inference import InferenceRecord, endpoint_input
from sdg.gates.resource import gate


class VerifiedInference(pulumi.ComponentResource):
    """Proves that every endpoint answers as the workload will use it, whoever serves it.

    Args:
        provider: the first one that serves, by name.
        requests: whether each endpoint gets one small request.
        deadline: seconds.

    Attributes:
        handle: what later stages need of it.
    """

    def __init__(
        self,
        name: str,
        served: Sequence[Served],
        cluster: ClusterHandle,
        *,
        provider: str,
        requests: bool,
        deadline: float,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        endpoints = tuple(endpoint for each in served for endpoint in each.endpoints)
        facts = {"cluster": cluster.kind, "provider": provider, "endpoints": _names(endpoints)}
        super().__init__("sdg:endpoints:Verified", name, facts, opts)
        asked: dict[str, Any] = {
            "connection": _connection(cluster, endpoints),
            "endpoints": [_asked(endpoint, requests=requests) for endpoint in endpoints],
            "triggers": {trigger: value for each in served for trigger, value in each.triggers.items()},
            "deadline": deadline,
            "restore": restore(),
        }
        if cluster.pools and any(endpoint.planned.provider == "nim-operator" for endpoint in endpoints):
            asked["pools"] = [pool.as_input() for pool in cluster.pools]
        if repairs := [each.repair for each in served if each.repair is not None]:
            asked["repair"] = repairs[0]
        after = [resource for each in served for resource in each.resources]
        found = gate("inference-gate", InferenceRecord(), asked, pulumi.ResourceOptions(parent=self, depends_on=[cluster.ready, *after]))
        self.handle = InferenceHandle(endpoints, found.record, found.verdict)
        self.register_outputs({})


def _names(endpoints: Sequence[Endpoint]) -> list[str]:
    return [endpoint.planned.name for endpoint in endpoints]


def _asked(endpoint: Endpoint, *, requests: bool) -> Mapping[str, Any]:
    entry = endpoint_input(endpoint.planned, endpoint.url, endpoint.probe)
    return entry if requests else {**entry, "request": "none"}


def _connection(cluster: ClusterHandle, endpoints: Sequence[Endpoint]) -> pulumi.Output[dict[str, Any]]:
    """How the gate gets everywhere: into the cluster, and into each endpoint."""
    keys = {endpoint.planned.name: endpoint.key for endpoint in endpoints if endpoint.key is not None}
    known: pulumi.Output[dict[str, Any]] = pulumi.Output.all(cluster.connection, pulumi.Output.all(**keys) if keys else {}).apply(
        lambda both: {**both[0], "keys": dict(both[1])}
    )
    return pulumi.Output.secret(known)
