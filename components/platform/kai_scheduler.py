"""KAI: the scheduler that OSMO places workflows with."""

from __future__ import annotations

from typing import Any, Final

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from components.cluster.base import ClusterHandle
from components.ownership import Ground, Ownership, owned_namespace
from components.release import pinned_release, repair, triggers
from sdg.gates.kai import KaiRecord
from sdg.gates.resource import gate
from sdg.platform import kai, layout
from sdg.settings.mirror import Mirror
from sdg.settings.platform import KaiScheduler as KaiSettings

DEADLINE: Final = 300.0  # seconds; what upstream's script gives Helm to wait

GROUND: Final = Ground(
    namespaces=(layout.KAI_NAMESPACE,),
    kinds=("SchedulingShard",),
    remedy="A cluster has one KAI scheduler: to use the one that is there:"
    " `pulumi config set --path sdg:platform.kaiScheduler.install false`.",
)


class KaiScheduler(pulumi.ComponentResource):
    """The release `kai-scheduler` and its gate; the gate alone where the cluster has the scheduler already.

    Attributes:
        ready: the verdict of its gate; OSMO's operator depends on it.
    """

    def __init__(
        self, name: str, settings: KaiSettings, cluster: ClusterHandle, *, mirror: Mirror, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sdg:platform:KaiScheduler", name, {"cluster": cluster.kind, "install": settings.install}, opts)
        values = kai.kai_values(mirror)
        release = self._installed(name, values, cluster, mirror) if settings.install else None
        asked: dict[str, Any] = {
            "connection": cluster.connection,
            "installed": settings.install,
            "definitions": list(kai.DEFINITIONS),
            "workloads": [],
            "triggers": {},
            "deadline": DEADLINE,
        }
        after: list[pulumi.Resource] = [cluster.ready]
        if release:
            # nothing in these values is worth guessing
            seen = triggers(release, pulumi.Output.from_input(layout.KAI_RELEASE), values)
            asked |= {"workloads": [each.as_input() for each in kai.WORKLOADS], "triggers": seen, "repair": repair(release)}
            after = [release]
        waits = pulumi.ResourceOptions(parent=self, depends_on=after, replace_with=[release] if release else None)
        self.ready = gate("kai-gate", KaiRecord(), asked, waits).verdict
        self.register_outputs({"install": settings.install})

    def _installed(self, name: str, values: dict[str, Any], cluster: ClusterHandle, mirror: Mirror) -> Release:
        waits = pulumi.ResourceOptions(parent=self, depends_on=[cluster.ready])
        ours = Ownership(f"{name}-ownership", GROUND, cluster.connection, waits)
        in_cluster = pulumi.ResourceOptions(parent=self, provider=cluster.provider, depends_on=[ours])
        namespace = owned_namespace(f"{name}-namespace", layout.KAI_NAMESPACE, in_cluster)
        return pinned_release(
            f"{name}-release",
            "kai-scheduler",
            release=layout.KAI_RELEASE,
            namespace=layout.KAI_NAMESPACE,
            values=values,
            mirror=mirror,
            timeout=DEADLINE,
            opts=pulumi.ResourceOptions.merge(
                in_cluster, pulumi.ResourceOptions(depends_on=[namespace], deleted_with=cluster.deleted_with)
            ),
        )
