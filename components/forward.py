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
from sdg.forward.model import ForwardSpec, target_of
from sdg.gates.waiting import say
from sdg.kube.connection import Connection
from sdg.osmo import layout
from sdg.settings.forward import Forward
from sdg.this_host import host_id

Properties = Mapping[str, Any]


class ForwardProvider(ResourceProvider):
    """Starts, looks at and stops the watchdog of the host that created the resource.

    Everywhere else, as in CI or at a colleague's, the forward is taken as it was left: it is neither missed nor changed nor stopped
    there, because nobody there can see or stop its watchdog. What differs is changed by the next update on its own host. To move it to
    another host, replace the resource there: `pulumi up --replace URN`.
    """

    serialize_as_secret_always = False

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(id_=f"localhost:{int(props['port'])}", outs=_started(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        if not _is_here(olds):
            return DiffResult(changes=False)
        elsewhere = [key for key in ("port", "endpoint", "cluster") if olds.get(key) != news.get(key)]
        renewed = olds.get("connection") != news.get("connection")
        return DiffResult(changes=bool(elsewhere) or renewed, replaces=elsewhere, delete_before_replace=True)

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        """New credentials, or the cluster's new address."""
        if not _is_here(olds):
            return UpdateResult(outs=dict(olds))
        return UpdateResult(outs=_started(news, was=Connection.of(olds["connection"]).server))

    def read(self, id_: str, props: Properties) -> ReadResult:
        runs = not _is_here(props) or control.status(_spec(props))
        return ReadResult(id_=id_ if runs else "", outs=dict(props))

    def delete(self, _id: str, props: Properties) -> None:
        if _is_here(props):
            control.stop(_spec(props))


def _started(props: Properties, was: str | None = None) -> dict[str, Any]:
    started = control.start(_spec(props), was=was)
    if started.remark:
        say(f"the forward on port {int(props['port'])} runs, but {started.remark}")
    return {**props, "url": started.url, "host": host_id()}


def _is_here(props: Properties) -> bool:
    return props.get("host") in (None, host_id())  # None: made before the host was kept


def _spec(props: Properties) -> ForwardSpec:
    return ForwardSpec(Connection.of(props["connection"]), target_of(props["endpoint"]), str(props["cluster"]), int(props["port"]))


class UserForward(Resource, module="forward", name="Forward"):
    """A forward that outlives the update; destroy stops it on the host that has it.

    Args:
        endpoint: a Service of `sdg.osmo.layout`.
        port: of this host.

    Attributes:
        url: where the Service answers on this host.
    """

    url: pulumi.Output[str]

    def __init__(self, name: str, endpoint: Mapping[str, str | int], port: int, *, cluster: ClusterHandle, after: pulumi.Resource) -> None:
        asked = {
            "connection": cluster.connection,
            "cluster": cluster.identity,
            "endpoint": dict(endpoint),
            "port": port,
            "url": None,
        }
        opts = pulumi.ResourceOptions(depends_on=[after], additional_secret_outputs=["connection"])
        super().__init__(ForwardProvider(), name, asked, opts)


def forwards(settings: Forward, cluster: ClusterHandle, after: pulumi.Resource) -> tuple[UserForward, UserForward] | None:
    """The API's and the UI's on this host; None where nobody sits."""
    if not settings.enabled:
        return None
    api = UserForward("forward", layout.GATEWAY, settings.port, cluster=cluster, after=after)
    ui = UserForward("forward-ui", layout.UI, settings.ui_port, cluster=cluster, after=after)
    return api, ui
