"""OSMO's backend operator: what runs workflows in this cluster."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.core.v1 import Secret

from components.cluster.base import ClusterHandle
from components.osmo.service import OsmoService
from components.osmo.token import OperatorToken
from components.release import pinned_release, repair, restore, triggers
from sdg.gates.osmo import OsmoRecord
from sdg.gates.resource import gate
from sdg.osmo import layout
from sdg.osmo.values import Images, operator_values
from sdg.settings.mirror import Mirror
from sdg.settings.osmo import Osmo as OsmoSettings


class OsmoOperator(pulumi.ComponentResource):
    """The release `osmo-operator`, its token, and the gate that sees the pool online with resources in it."""

    def __init__(
        self,
        name: str,
        *,
        settings: OsmoSettings,
        chart_version: str,
        images: Images,
        cluster: ClusterHandle,
        service: OsmoService,
        namespaces: tuple[pulumi.Resource, ...],
        fingerprint_key: pulumi.Output[str],
        mirror: Mirror,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("sdg:osmo:Operator", name, {"cluster": cluster.kind, "chart": chart_version, "images": images.location}, opts)
        minted = pulumi.ResourceOptions(parent=self, depends_on=[service.ready])
        token = OperatorToken(
            f"{name}-token",
            cluster.connection,
            valid_days=settings.token.valid_days,
            service_asked_at=service.record.askedAt,
            opts=minted,
        )
        secret = Secret(
            f"{name}-token-secret",
            metadata={"name": layout.OPERATOR_TOKEN_SECRET, "namespace": layout.OPERATOR_NAMESPACE},
            string_data={"token": token.value},
            opts=pulumi.ResourceOptions(parent=self, provider=cluster.provider, depends_on=namespaces),
        )
        values = operator_values(settings, images=images)
        self.release = pinned_release(
            f"{name}-release",
            "osmo-operator",
            chart_version,
            release=layout.OPERATOR_RELEASE,
            namespace=layout.OPERATOR_NAMESPACE,
            values=values,
            mirror=mirror,
            timeout=settings.timeouts.release,
            opts=pulumi.ResourceOptions(
                parent=self, provider=cluster.provider, depends_on=[secret, *namespaces], deleted_with=cluster.deleted_with
            ),
        )
        self.triggers = triggers(self.release, fingerprint_key, {"values": values, "token": token.value})
        asked = {
            "connection": cluster.connection,
            "workloads": [workload.as_input() for workload in layout.OPERATOR_WORKLOADS],
            "endpoint": dict(layout.GATEWAY),
            "pool": layout.POOL,
            "triggers": self.triggers,
            "repair": repair(self.release),
            "restore": restore(),
            "deadline": settings.timeouts.operator,
        }
        waits = pulumi.ResourceOptions(parent=self, depends_on=[self.release], replace_with=[service.release, self.release])
        self.ready = gate(f"{name}-gate", OsmoRecord(), asked, waits).verdict
        self.register_outputs({"pool": layout.POOL})
