"""The smoke test: workflows that must complete before a workload may start."""

from __future__ import annotations

import pulumi

from components.cluster.base import ClusterHandle
from components.osmo.base import OsmoHandle
from sdg.gates.resource import gate
from sdg.gates.smoke import SmokeRecord
from sdg.osmo.smoke import smoke_inputs
from sdg.settings.mirror import Mirror
from sdg.settings.smoke import Smoke


class SmokeTest(pulumi.ComponentResource):
    """verify-hello, and verify-gpu when the stack plans GPUs; only COMPLETED is green.

    Args:
        after: what else has to be ready before; None for nothing.

    Attributes:
        record: what became of them, green or red; the stack's last resources depend on it.
        ready: the verdict; what comes after the platform depends on it.
    """

    def __init__(
        self,
        name: str,
        settings: Smoke,
        *,
        cluster: ClusterHandle,
        osmo: OsmoHandle,
        mirror: Mirror,
        after: pulumi.Resource | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sdg:smoke:SmokeTest", name, {"cluster": cluster.kind, "gpus": cluster.gpus}, opts)
        grows = _grows(cluster)
        asked = smoke_inputs(settings, cluster.gpus, mirror, grows=grows, taints=cluster.taints.gpus)
        asked |= {"connection": cluster.connection, "triggers": osmo.triggers}
        before = [each for each in (osmo.ready, after) if each]
        waits = pulumi.ResourceOptions(parent=self, depends_on=before, replace_with=list(osmo.releases))
        found = gate(f"{name}-gate", SmokeRecord(), asked, waits)
        self.record, self.ready = found.record, found.verdict
        self.register_outputs({})


def _grows(cluster: ClusterHandle) -> bool:
    """Whether there may be no node with GPUs until somebody asks for one."""
    pools = [pool for pool in cluster.pools if pool.gpus]
    return any(pool.minimum < pool.maximum for pool in pools) and not any(pool.minimum for pool in pools)
