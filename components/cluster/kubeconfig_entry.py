"""The cluster's context in the user's own kubeconfig.

The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from components.cluster.base import ConnectionOutput
from sdg.gates.waiting import say
from sdg.kube import kubeconfig_file
from sdg.kube.connection import Connection
from sdg.kube.kubeconfig_file import Entry
from sdg.this_host import host_id

Properties = Mapping[str, Any]


class KubeconfigEntryProvider(ResourceProvider):
    """Keeps the entry in the file of the host, and of its user, who created the resource.

    Everywhere else, as in CI or at a colleague's, the entry is taken as it was left, because nobody there can see that file.
    """

    serialize_as_secret_always = False

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(id_=str(props["name"]), outs=_merged(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        if not _is_here(olds):
            return DiffResult(changes=False)
        elsewhere = [key for key in ("name", "owner", "path") if olds.get(key) != news.get(key)]
        renewed = olds.get("connection") != news.get("connection")
        return DiffResult(changes=bool(elsewhere) or renewed, replaces=elsewhere, delete_before_replace=True)

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        """New credentials, or the cluster's new address."""
        return UpdateResult(outs=_merged(news) if _is_here(olds) else dict(olds))

    def read(self, id_: str, props: Properties) -> ReadResult:
        return ReadResult(id_=id_ if not _is_here(props) or _is_there(props) else "", outs=dict(props))

    def delete(self, _id: str, props: Properties) -> None:
        if _is_here(props):
            kubeconfig_file.remove(Path(props["path"]), str(props["name"]), str(props["owner"]))


def _merged(props: Properties) -> dict[str, Any]:
    path, entry = Path(props["path"]), _entry(props)
    if not kubeconfig_file.merge(path, entry):
        say(f"{path} has a context {entry.name!r} for this cluster that something else made: it stays as it is")
    return {**props, "host": host_id()}


def _is_there(props: Properties) -> bool:
    path, entry = Path(props["path"]), _entry(props)
    return kubeconfig_file.holds(path, entry) or kubeconfig_file.has_stand_in(path, entry)


def _is_here(props: Properties) -> bool:
    return bool(props.get("host") == host_id())


def _entry(props: Properties) -> Entry:
    return Entry.of(Connection.of(props["connection"]), str(props["name"]), str(props["owner"]))


class KubeconfigEntry(Resource, module="cluster", name="KubeconfigEntry"):
    """A context in a kubeconfig, with its cluster and user; destroy removes exactly these, on the host that has them.

    Args:
        cluster: the cluster's stable name, which the context gets.
        owner: who keeps the entry, as the file says it: nothing that anybody else made is changed.
        path: the kubeconfig, absolute or below `~`.
        connection: what the entry says.
    """

    def __init__(
        self, name: str, *, cluster: str, owner: str, path: str, connection: ConnectionOutput, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["connection"])
        said = pulumi.Output.secret(cast("Any", connection))
        asked = {"name": cluster, "owner": owner, "path": path, "connection": said, "host": None}
        super().__init__(KubeconfigEntryProvider(), name, asked, pulumi.ResourceOptions.merge(secret, opts))
