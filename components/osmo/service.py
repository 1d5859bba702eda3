"""OSMO's control plane: API, router, UI, workers, database, gateway."""

from __future__ import annotations

import pulumi

from components.cluster.base import ClusterHandle
from components.osmo.adopted import Adopted, taking_over
from components.osmo.secrets import OsmoSecrets
from components.platform.object_store import ObjectStoreHandle
from components.release import fingerprint, pinned_release, repair, restore, triggers
from sdg.gates.resource import gate
from sdg.gates.service import ServiceRecord
from sdg.osmo import layout
from sdg.osmo.servers import Servers
from sdg.osmo.upgrade import Line
from sdg.osmo.values import Images, gets_optix, gpu_plan, service_values, storage_choice
from sdg.settings.mirror import Mirror
from sdg.settings.osmo import Osmo as OsmoSettings


class OsmoService(pulumi.ComponentResource):
    """The release `osmo-minimal` and the gate that knows when its API really answers."""

    def __init__(
        self,
        name: str,
        *,
        settings: OsmoSettings,
        line: Line,
        images: Images,
        cluster: ClusterHandle,
        store: ObjectStoreHandle,
        secrets: OsmoSecrets,
        servers: Servers,
        adopted: Adopted | None,
        mirror: Mirror,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("sdg:osmo:Service", name, {"cluster": cluster.kind, "chart": line.chart, "images": images.location}, opts)
        own = service_values(
            settings,
            images=images,
            storage=storage_choice(store.bucket_uri, store.client_id),
            gpus=gpu_plan(cluster.gpus, dedicated=cluster.dedicated_gpu_nodes),
            optix=gets_optix(settings.pods, host_driver=cluster.host_driver),
            storage_class=cluster.storage_class,
            database_password=secrets.database_password,
            secrets_fingerprint=fingerprint(secrets.fingerprint_key, secrets.read_once),
            # the first one comes with the first pods
            token_rollout=str(settings.token.rotation) if settings.token.rotation else None,
            servers=servers,
            taints=cluster.taints,
        )
        services = cluster.services.resources if cluster.services else ()
        values = adopted.values_of(layout.SERVICE_RELEASE) if adopted else own
        self.release = pinned_release(
            f"{name}-release",
            "osmo-service",
            line.chart,
            release=layout.SERVICE_RELEASE,
            namespace=layout.SERVICE_NAMESPACE,
            values=values,
            mirror=mirror,
            timeout=settings.timeouts.release,
            opts=pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions(
                    parent=self, provider=cluster.provider, depends_on=[*secrets.objects, *services], deleted_with=cluster.deleted_with
                ),
                taking_over(adopted, layout.SERVICE_RELEASE),
            ),
        )
        self.triggers = triggers(self.release, secrets.fingerprint_key, {"values": values, "secrets": secrets.contents}) | line.as_trigger()
        asked = {
            "connection": cluster.connection,
            "workloads": [workload.as_input() for workload in (*store.workloads, *layout.service_workloads(stores(servers)))],
            "endpoint": dict(layout.GATEWAY),
            "version": images.tag,
            "triggers": self.triggers,
            "repair": repair(self.release),
            "restore": restore(),
            "deadline": settings.timeouts.service,
        }
        # a release that is installed anew, as its repair does, has the revision that it had before
        waits = pulumi.ResourceOptions(parent=self, depends_on=[self.release, *store.resources], replace_with=[self.release])
        found = gate(f"{name}-gate", ServiceRecord(), asked, waits)
        self.record, self.ready = found.record, found.verdict
        self.register_outputs({"version": images.tag})


def stores(servers: Servers) -> tuple[str, ...]:
    """The database and Redis that the release brings."""
    elsewhere = {"postgres": servers.database, "redis": servers.redis}
    return tuple(name for name, server in elsewhere.items() if server is None)
