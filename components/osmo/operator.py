"""OSMO's backend operator: what runs workflows in this cluster."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.core.v1 import Secret

from components.cluster.base import ClusterHandle
from components.osmo.adopted import Adopted, taking_over
from components.osmo.backend_token import TOKEN_KEY, BackendToken
from components.osmo.service import OsmoService
from components.osmo.token import OperatorToken
from components.release import fingerprint, pinned_release, repair, restore, triggers
from sdg.gates.osmo import OsmoRecord
from sdg.gates.resource import gate
from sdg.osmo import layout
from sdg.osmo.upgrade import Line
from sdg.osmo.values import Images, operator_values
from sdg.settings.mirror import Mirror
from sdg.settings.osmo import Osmo as OsmoSettings


class OsmoOperator(pulumi.ComponentResource):
    """The release `osmo-operator`, its token, and the gate that sees the pool online with resources in it.

    Args:
        token: that service and operator read from a Secret; None where it is minted by the running service.
        after: what must be in its namespaces before.
    """

    def __init__(
        self,
        name: str,
        *,
        settings: OsmoSettings,
        line: Line,
        images: Images,
        cluster: ClusterHandle,
        service: OsmoService,
        token: BackendToken | None,
        after: tuple[pulumi.Resource, ...],
        fingerprint_key: pulumi.Output[str],
        adopted: Adopted | None,
        mirror: Mirror,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("sdg:osmo:Operator", name, {"cluster": cluster.kind, "chart": line.chart, "images": images.location}, opts)
        content, expires = self._token(name, settings, cluster, service) if token is None else (token.content, None)
        secret = Secret(
            f"{name}-token-secret",
            metadata={"name": layout.OPERATOR_TOKEN_SECRET, "namespace": layout.OPERATOR_NAMESPACE},
            string_data=content,
            opts=pulumi.ResourceOptions(parent=self, provider=cluster.provider, depends_on=after),
        )
        # both programs mount it by subPath, which no running pod sees changed
        token_fingerprint = fingerprint(fingerprint_key, {"token": content.apply(lambda keys: keys[TOKEN_KEY])})
        own = operator_values(settings, images=images, token_fingerprint=token_fingerprint)
        values = adopted.values_of(layout.OPERATOR_RELEASE) if adopted else own
        self.release = pinned_release(
            f"{name}-release",
            "osmo-operator",
            line.chart,
            release=layout.OPERATOR_RELEASE,
            namespace=layout.OPERATOR_NAMESPACE,
            values=values,
            mirror=mirror,
            timeout=settings.timeouts.release,
            opts=pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions(
                    parent=self, provider=cluster.provider, depends_on=[secret, service.ready, *after], deleted_with=cluster.deleted_with
                ),
                taking_over(adopted, layout.OPERATOR_RELEASE),
            ),
        )
        self.triggers = triggers(self.release, fingerprint_key, {"values": values, "token": content}) | line.as_trigger()
        asked = {
            "connection": cluster.connection,
            "workloads": [workload.as_input() for workload in layout.OPERATOR_WORKLOADS],
            "endpoint": dict(layout.GATEWAY),
            "pool": layout.POOL,
            "tokenExpires": expires,
            "triggers": self.triggers,
            "repair": repair(self.release),
            "restore": restore(),
            "deadline": settings.timeouts.operator,
        }
        waits = pulumi.ResourceOptions(parent=self, depends_on=[self.release], replace_with=[service.release, self.release])
        self.ready = gate(f"{name}-gate", OsmoRecord(), asked, waits).verdict
        self.register_outputs({"pool": layout.POOL})

    def _token(
        self, name: str, settings: OsmoSettings, cluster: ClusterHandle, service: OsmoService
    ) -> tuple[pulumi.Output[dict[str, str]], pulumi.Output[str]]:
        """The minted token as its Secret's content, and its last day."""
        token = OperatorToken(
            f"{name}-token",
            cluster.connection,
            valid_days=settings.token.valid_days,
            rotation=settings.token.rotation,
            service_asked_at=service.record.askedAt,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[service.ready]),
        )
        return token.value.apply(lambda value: {TOKEN_KEY: value}), token.expires
