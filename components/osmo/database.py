"""OSMO's database on a server outside the cluster: made where it is lacking, and looked into before a key is made for it.

The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.cluster.base import ConnectionOutput
from components.provider import ClusterProvider
from sdg.gates.checks import Verdict, judge
from sdg.gates.interrupt import Interruption
from sdg.gates.probes.pods import trouble
from sdg.gates.waiting import Wait, say, until_green
from sdg.kube.api import Json, KubernetesApi, items
from sdg.kube.connection import Connection
from sdg.kube.errors import KubeError
from sdg.kube.held import Holder
from sdg.osmo import layout
from sdg.osmo.external_database import DEADLINE, LABELS, NAME, Found, Server, client_pod, found

UNKNOWN: Final = -1
_PODS: Final = f"/api/v1/namespaces/{layout.SERVICE_NAMESPACE}/pods"
_EVENTS: Final = f"/api/v1/namespaces/{layout.SERVICE_NAMESPACE}/events"

_EXTERNAL: Final = (
    "Check sdg:osmo.database and its password, sdg:databasePassword (in the cluster: {password}), and that the server lets the cluster's "
    "nodes in; then run the update again."
)
_MANAGED: Final = (
    "The stack made this server and its password. See whether it runs (one that was stopped has to be started), and whether anybody "
    "changed the rules of its subnet or its private DNS zone: `pulumi refresh` finds that, and the next update takes it back. Where it "
    "is the password that is refused, `pulumi up --replace '**::database-password'` sets another one."
)

Properties = Mapping[str, Any]


class DatabaseProvider(ClusterProvider):
    """Looks once, and again when the database is another one. The database itself is never dropped."""

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(id_=str(Server.of(props["server"])), outs=_looked_into(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return DiffResult(changes=olds.get("server") != news.get("server"))

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(outs=_looked_into(news))


def _looked_into(props: Properties) -> dict[str, Any]:
    server, password = Server.of(props["server"]), Holder.of(props["password"])
    api = KubernetesApi.connect(Connection.of(props["connection"]))
    answer = _asked(api, server, str(props["image"]), password, props.get("pullSecret") or None)
    if answer.words:
        raise RuntimeError(_unusable(server, answer.words, password))
    # how the cluster was reached is of no use later, and rotates
    outs = {key: given for key, given in props.items() if key != "connection"}
    return {**outs, "tables": UNKNOWN if answer.tables is None else answer.tables}


def _unusable(server: Server, words: str, password: Holder) -> str:
    return f"{server} cannot be used by {server.user}: {words}\n{_MANAGED if server.managed else _EXTERNAL.format(password=password)}"


def _asked(api: KubernetesApi, server: Server, image: str, password: Holder, pull_secret: str | None) -> Found:
    with _running(api, client_pod(f"{NAME}-{secrets.token_hex(4)}", server, image, password, pull_secret)) as path:

        def look() -> Verdict:
            pod = api.get(path)
            seen = "" if found(pod) else _progress(api, pod)
            return Verdict((judge("database-asked", str(server), not seen, observed=seen, expected="an answer", remedy=""),))

        until_green(look, Wait(deadline=DEADLINE), lambda line: say(f"{server}: {line}"))
        pod = api.get(path)
        late = Interruption.of_engine().reason or f"no answer within {DEADLINE:g} s: {_progress(api, pod)}"
        return found(pod) or Found(None, late)


@contextmanager
def _running(api: KubernetesApi, pod: Json) -> Iterator[str]:
    """The path of the pod, for as long as the block lasts; what a killed update left of an earlier one goes too."""
    for left in items(api, _PODS, {"labelSelector": ",".join(f"{key}={value}" for key, value in LABELS.items())}):
        _delete(api, f"{_PODS}/{left['metadata']['name']}")
    path = f"{_PODS}/{pod['metadata']['name']}"
    api.post(_PODS, pod)
    try:
        yield path
    finally:
        _delete(api, path)


def _delete(api: KubernetesApi, path: str) -> None:
    with suppress(KubeError):  # it ends by itself, and the next one takes it along
        api.delete(path)


def _progress(api: KubernetesApi, pod: Json) -> str:
    """Why the pod has not ended yet."""
    events = items(api, _EVENTS, {"fieldSelector": f"type=Warning,involvedObject.name={pod['metadata']['name']}"})
    return str(trouble(pod, events) or "the pod is running")


class Database(Resource, module="osmo", name="Database"):
    """A database of its own for OSMO, on a server that exists.

    Args:
        password: the Secret that holds the password.
        image: with the PostgreSQL client.

    Attributes:
        tables: tables and views in it when it was looked into; -1 when that could not be told.
    """

    tables: pulumi.Output[int]

    def __init__(
        self,
        name: str,
        server: Server,
        *,
        connection: ConnectionOutput,
        password: Holder,
        image: str,
        pull_secret: str | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        asked: dict[str, Any] = {
            "connection": pulumi.Output.secret(connection),
            "server": server.as_input(),
            "password": password.as_input(),
            "image": image,
            "pullSecret": pull_secret,
            "tables": None,
        }
        super().__init__(DatabaseProvider(), name, asked, opts)
