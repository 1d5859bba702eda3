"""The backend operator's token where service and operator both read it from a Secret: charts 1.4.0 and newer.

The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.cluster.base import ConnectionOutput
from components.generated import token
from components.provider import ClusterProvider
from sdg.gates.waiting import say
from sdg.kube.api import KubernetesApi, KubernetesReader
from sdg.kube.connection import Connection
from sdg.kube.held import Holder, held
from sdg.osmo import layout

TOKEN_KEY: Final = "token"  # noqa: S105 - a Secret's key
PREVIOUS_KEY: Final = "previous-token"
# the service and the operator each read a Secret of this name in their own namespace
NAMESPACES: Final = (layout.SERVICE_NAMESPACE, layout.OPERATOR_NAMESPACE)
_LENGTHS: Final = (43, 64)  # of tokens that OSMO accepts

Properties = Mapping[str, Any]


class BackendTokenProvider(ClusterProvider):
    """Takes the token that the cluster holds, or draws one; another rotation draws the next, and the last one stays accepted beside it."""

    def create(self, props: Properties) -> CreateResult:
        api = KubernetesApi.connect(Connection.of(props["connection"]))
        value = _held(api, TOKEN_KEY)
        if value:
            say(f"{props['name']}: the token is taken from Secret {layout.OPERATOR_TOKEN_SECRET}, where the cluster holds it")
        previous = (_held(api, PREVIOUS_KEY) or "") if value else ""
        return CreateResult(id_=secrets.token_hex(8), outs=_outputs(props, value or token(), previous))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return DiffResult(changes=int(olds["rotation"]) != int(news["rotation"]))

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(outs=_outputs(news, token(), olds["value"]))


def _outputs(props: Properties, value: str, previous: str) -> dict[str, Any]:
    # how the cluster was reached is of no use later, and rotates
    return {**{key: given for key, given in props.items() if key != "connection"}, "value": value, "previous": previous}


def _held(api: KubernetesReader, key: str) -> str | None:
    """The token in both Secrets, or in the one that exists; None where no usable one is.

    Raises:
        RuntimeError: they hold different ones, and nobody knows which is in use.
    """
    found = {held(api, Holder("Secret", namespace, layout.OPERATOR_TOKEN_SECRET, key)) for namespace in NAMESPACES} - {None}
    usable = {value for value in found if value and len(value.strip()) in _LENGTHS}
    if len(usable) > 1:
        raise RuntimeError(
            f"Secrets {layout.OPERATOR_TOKEN_SECRET} of namespaces {' and '.join(NAMESPACES)} hold different values under {key}, so one of "
            f"them is wrong. Delete that one, `kubectl --namespace NAMESPACE delete secret {layout.OPERATOR_TOKEN_SECRET}`, and run the "
            "update again."
        )
    return usable.pop().strip() if usable else None


class BackendToken(Resource, module="osmo", name="BackendToken"):
    """The token that the backend operator logs in with.

    Args:
        rotation: another number makes another token.

    Attributes:
        value: the token; always a secret.
        previous: the one before, still accepted; empty before the first rotation; always a secret.
    """

    value: pulumi.Output[str]
    previous: pulumi.Output[str]

    def __init__(self, name: str, connection: ConnectionOutput, *, rotation: int, opts: pulumi.ResourceOptions | None = None) -> None:
        asked: dict[str, Any] = {
            "connection": pulumi.Output.secret(connection),
            "rotation": rotation,
            "name": name,
            "value": None,
            "previous": None,
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=["value", "previous"])
        super().__init__(BackendTokenProvider(), name, asked, pulumi.ResourceOptions.merge(secret, opts))

    @property
    def content(self) -> pulumi.Output[dict[str, str]]:
        """What stands in the Secret of either namespace; secret."""
        both = pulumi.Output.all(self.value, self.previous)
        return both.apply(lambda tokens: {TOKEN_KEY: tokens[0]} | ({PREVIOUS_KEY: tokens[1]} if tokens[1] else {}))
