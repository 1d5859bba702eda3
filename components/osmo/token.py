"""The backend operator's access token, minted through the API of the running service: charts 1.3.x know no other way.

The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.cluster.base import ConnectionOutput
from components.provider import ClusterProvider
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection
from sdg.kube.errors import KubeError
from sdg.kube.held import Holder, held
from sdg.osmo import layout
from sdg.osmo.errors import OsmoError
from sdg.osmo.reach import client

OPERATOR_USER: Final = "backend-operator"
OPERATOR_ROLE: Final = "osmo-backend"
TOKEN_NAME: Final = "backend-token"  # noqa: S105 - a token's name
RENEWED_BEFORE: Final = 14  # days before its end; half of its life where that is shorter
PLACEHOLDER: Final = "placeholder"  # what upstream's installation writes before it has a token
FOUND: Final = ("value", "expires")

Properties = Mapping[str, Any]


class OperatorTokenProvider(ClusterProvider):
    """Mints the token, and mints another one when it is asked for differently, about to expire, or refused by the service.

    The service may have another database since: whenever its gate has waited again (`serviceAskedAt`), the token is tried.
    """

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(id_=TOKEN_NAME, outs={**props, **(_in_use(props) or _mint(props))})

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        changed = any(olds.get(key) != news.get(key) for key in ("connection", "serviceAskedAt"))
        return DiffResult(changes=changed or _wanted_anew(olds, news))

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        valid = not _wanted_anew(olds, news) and _may_work(news, olds["value"])
        token = {key: olds[key] for key in FOUND} if valid else _mint(news)
        return UpdateResult(outs={**news, **token})

    def read(self, id_: str, props: Properties) -> ReadResult:
        return ReadResult(id_=id_ if _may_work(props, props["value"]) else "", outs=dict(props))

    def delete(self, _id: str, _props: Properties) -> None:
        """Nothing to do: the token lives in OSMO's database and goes with it."""


def _wanted_anew(olds: Properties, news: Properties) -> bool:
    renewed_before = min(RENEWED_BEFORE, int(olds["validDays"]) // 2)
    late = dt.date.fromisoformat(olds["expires"]) - dt.timedelta(days=renewed_before) <= _today()
    return late or any(olds.get(key) != news.get(key) for key in ("validDays", "endpoint", "rotation"))


def _in_use(props: Properties) -> dict[str, str] | None:
    """The token of an operator that runs already, with the end that the service knows: minting another one would lock it out."""
    api = KubernetesApi.connect(Connection.of(props["connection"]))
    value = held(api, Holder("Secret", layout.OPERATOR_NAMESPACE, layout.OPERATOR_TOKEN_SECRET, "token"))
    if not value or value == PLACEHOLDER:
        return None
    with client(props["connection"], **props["endpoint"]) as osmo:
        if not osmo.accepts(value):
            return None
        known = next((token for token in osmo.tokens(OPERATOR_USER) if token.name == TOKEN_NAME), None)
    return {"value": value, "expires": known.expires.isoformat()} if known else None


def _mint(props: Properties) -> dict[str, str]:
    valid_days = int(props["validDays"])
    with client(props["connection"], **props["endpoint"]) as osmo:
        osmo.ensure_user(OPERATOR_USER, (OPERATOR_ROLE,))
        value = osmo.mint_token(OPERATOR_USER, TOKEN_NAME, (OPERATOR_ROLE,), valid_days)
    return {"value": value, "expires": (_today() + dt.timedelta(days=valid_days)).isoformat()}


def _may_work(props: Properties, value: str) -> bool:
    """False only when the service answered and nobody can log in with the token.

    Its database is another one then, or an update ended after it had minted the next one, of the same name, and before it could save it.
    """
    try:
        with client(props["connection"], **props["endpoint"]) as osmo:
            return osmo.accepts(value)
    except (OsmoError, KubeError):
        return True  # the gate says why nothing answers


def _today() -> dt.date:
    # OSMO judges expiry in UTC
    return dt.datetime.now(dt.UTC).date()


class OperatorToken(Resource, module="osmo", name="OperatorToken"):
    """An access token for the backend operator.

    Attributes:
        value: the token; always a secret.
        expires: ISO date in UTC.
    """

    value: pulumi.Output[str]
    expires: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        connection: ConnectionOutput,
        *,
        valid_days: int,
        rotation: int,
        service_asked_at: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        asked = {
            "connection": connection,
            "endpoint": dict(layout.GATEWAY),
            "validDays": valid_days,
            "rotation": rotation,
            "serviceAskedAt": service_asked_at,
            "value": None,
            "expires": None,
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=["connection", "value"])
        super().__init__(OperatorTokenProvider(), name, asked, pulumi.ResourceOptions.merge(secret, opts))
