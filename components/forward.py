"""The user's forward: OSMO on a port of this host, for people and for workload tools.

The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from components.cluster.base import ClusterHandle
from sdg.forward import control
from sdg.forward.model import ForwardSpec
from sdg.kube.connection import Connection
from sdg.kube.portforward import Target
from sdg.osmo import layout
from sdg.settings.forward import Forward

Properties = Mapping[str, Any]


class ForwardProvider(ResourceProvider):
    """Starts, looks at and stops the watchdog of this host. On another host there is none, and none is missed."""

    serialize_as_secret_always = False

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(id_=f"localhost:{int(props['port'])}", outs=self._started(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        elsewhere = [key for key in ("port", "endpoint", "cluster") if olds.get(key) != news.get(key)]
        renewed = olds.get("connection") != news.get("connection")
        return DiffResult(changes=bool(elsewhere) or renewed, replaces=elsewhere, delete_before_replace=True)

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(outs=self._started(news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        return ReadResult(id_=id_ if control.status(_spec(props)) else "", outs=dict(props))

    def delete(self, _id: str, props: Properties) -> None:
        control.stop(_spec(props))

    @staticmethod
    def _started(props: Properties) -> dict[str, Any]:
        return {**props, "url": control.start(_spec(props)).url}


def _spec(props: Properties) -> ForwardSpec:
    endpoint = props["endpoint"]
    target = Target(endpoint["namespace"], endpoint["service"], int(endpoint["port"]))
    return ForwardSpec(Connection.of(props["connection"]), target, int(props["port"]))


class UserForward(Resource, module="forward", name="Forward"):
    """A forward that outlives the update; destroy stops it on the host that has it.

    Attributes:
        url: where OSMO's API and UI answer on this host.
    """

    url: pulumi.Output[str]

    def __init__(self, name: str, settings: Forward, cluster: ClusterHandle, after: pulumi.Resource) -> None:
        asked = {
            "connection": cluster.connection,
            "cluster": cluster.identity,
            "endpoint": dict(layout.GATEWAY),
            "port": settings.port,
            "url": None,
        }
        opts = pulumi.ResourceOptions(depends_on=[after], additional_secret_outputs=["connection"])
        super().__init__(ForwardProvider(), name, asked, opts)
