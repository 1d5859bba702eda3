"""OSMO: NVIDIA's workflow orchestrator, complete and verified."""

from __future__ import annotations

from typing import Final

import pulumi

from components.cluster.base import ClusterHandle
from components.osmo.adopted import Adopted
from components.osmo.backend_token import BackendToken
from components.osmo.base import OsmoHandle
from components.osmo.operator import OsmoOperator
from components.osmo.quota import limit_workflows
from components.osmo.release_line import ReleaseLine
from components.osmo.secrets import SecretsBuilder
from components.osmo.servers import servers
from components.osmo.service import OsmoService, stores
from components.ownership import Ground, Ownership, owned_namespace
from components.platform.object_store import ObjectStoreHandle
from sdg.catalog.versions import versions
from sdg.osmo import layout
from sdg.osmo.servers import Servers
from sdg.osmo.upgrade import Line
from sdg.osmo.values import GATEWAY_URL, Images
from sdg.settings.loader import Secrets
from sdg.settings.mirror import Mirror
from sdg.settings.osmo import Osmo as OsmoSettings

NAMESPACES: Final = (layout.SERVICE_NAMESPACE, layout.OPERATOR_NAMESPACE, layout.WORKFLOWS_NAMESPACE)
GROUND: Final = Ground(
    NAMESPACES, "Where nothing in it is needed any more, delete it; an OSMO that runs there is taken over with `sdg:osmo.adopt true`."
)


class Osmo(pulumi.ComponentResource):
    """Namespaces and secrets, then the service, its gate, the operator's token, the operator, and the gate that sees it online.

    Args:
        store: where workflows keep their data.
        scheduler: the scheduler of workflows, verified: the operator writes queues and pod groups for it.
        given: what the user gave: passwords that the first update starts with, and keys of what lies outside the cluster.
    """

    def __init__(
        self,
        name: str,
        settings: OsmoSettings,
        *,
        cluster: ClusterHandle,
        store: ObjectStoreHandle,
        scheduler: pulumi.Resource,
        given: Secrets,
        mirror: Mirror,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sdg:osmo:Osmo", name, {"cluster": cluster.kind, "profile": settings.profile, "gpus": cluster.gpus}, opts)
        child = pulumi.ResourceOptions(parent=self)
        line = _line(settings)
        where = servers(settings, cluster.services)
        after = self._permitted(name, settings, line, cluster, where)
        in_cluster = pulumi.ResourceOptions(parent=self, provider=cluster.provider, depends_on=after)
        generated = pulumi.ResourceOptions(parent=self, depends_on=after)
        namespaces = {namespace: owned_namespace(f"{name}-{namespace}", namespace, in_cluster) for namespace in NAMESPACES}
        token = _shared_token(name, settings, cluster, generated)
        adopted = Adopted(f"{name}-adopted", cluster.connection, chart=line.chart, opts=generated) if settings.adopt else None
        secrets = SecretsBuilder(
            name,
            settings,
            cluster=cluster,
            given=given,
            servers=where,
            namespaces=namespaces,
            mirror=mirror,
            adopted=adopted,
            generated=generated,
            in_cluster=in_cluster,
        ).build(store, token)
        images = Images.of(settings, line.tag, mirror)
        service = OsmoService(
            f"{name}-service",
            settings=settings,
            line=line,
            images=images,
            cluster=cluster,
            store=store,
            secrets=secrets,
            servers=where,
            adopted=adopted,
            mirror=mirror,
            opts=child,
        )
        quota = limit_workflows(name, settings.quota, in_cluster, namespaces[layout.WORKFLOWS_NAMESPACE])
        # the operator's chart writes Roles into the namespace that workflows run in
        places = [namespaces[namespace] for namespace in (layout.OPERATOR_NAMESPACE, layout.WORKFLOWS_NAMESPACE)]
        operator = OsmoOperator(
            f"{name}-operator",
            settings=settings,
            line=line,
            images=images,
            cluster=cluster,
            service=service,
            after=(scheduler, *places, *quota, *secrets.pull_secrets.values()),
            token=token,
            adopted=adopted,
            fingerprint_key=secrets.fingerprint_key,
            mirror=mirror,
            opts=child,
        )
        self._handle = _handle(line, service, operator)
        self.register_outputs({"version": line.tag})

    @property
    def handle(self) -> OsmoHandle:
        return self._handle

    def _permitted(self, name: str, settings: OsmoSettings, line: Line, cluster: ClusterHandle, where: Servers) -> list[pulumi.Resource]:
        """What has to agree before anything is made: the cluster's gate, OSMO's release line, and whose the namespaces are."""
        release_line = ReleaseLine(
            f"{name}-release-line",
            line,
            cluster.connection,
            stores=stores(where),
            adopt=settings.adopt,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[cluster.ready]),
        )
        after = [cluster.ready, release_line]
        if settings.adopt:
            return after
        opts = pulumi.ResourceOptions(parent=self, depends_on=after)
        return [*after, Ownership(f"{name}-ownership", GROUND, cluster.connection, opts)]


def _shared_token(name: str, settings: OsmoSettings, cluster: ClusterHandle, opts: pulumi.ResourceOptions) -> BackendToken | None:
    """The operator's token where a Secret hands it to both sides; older profiles mint it through the API of the running service."""
    if versions().profiles[settings.profile].operator_token != "secret":  # noqa: S105 - a way, not a token
        return None
    return BackendToken(f"{name}-backend-token", cluster.connection, rotation=settings.token.rotation, opts=opts)


def _handle(line: Line, service: OsmoService, operator: OsmoOperator) -> OsmoHandle:
    return OsmoHandle(
        url=GATEWAY_URL,
        version=line.tag,
        triggers={
            # the revision alone misses a Secret that pods mount
            "service": service.triggers["revision"],
            "serviceValues": service.triggers["values"],
            "operator": operator.triggers["revision"],
            "operatorValues": operator.triggers["values"],
        },
        releases=(service.release, operator.release),
        service_ready=service.ready,
        ready=operator.ready,
    )


def _line(settings: OsmoSettings) -> Line:
    release = versions().profiles[settings.profile].release(settings.chart_version)
    if release is None:  # the loader refuses it with the known ones
        raise LookupError(f"profile {settings.profile} has no chart version {settings.chart_version}")
    return Line(settings.profile, release.chart, release.tag, settings.migrate)
