"""The cluster's gate: from a binding to a handle that says what was found."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.cluster.base import ClusterBinding, ClusterHandle
from sdg.gates.cluster import ClusterRecord
from sdg.gates.resource import gate
from sdg.settings.azure import Azure
from sdg.settings.cluster import ExistingCluster, MicroK8s


class VerifiedCluster(pulumi.ComponentResource):
    """Proves that the platform fits on a cluster: version, nodes, GPUs, storage.

    Args:
        settings: what the cluster must offer.
        kubernetes_range: versions of Kubernetes that what comes after was made for.
        on_disks: whether a database or objects are kept on volumes.
        after: what has to be there before GPUs can be counted.
    """

    def __init__(
        self,
        name: str,
        binding: ClusterBinding,
        settings: ExistingCluster | MicroK8s | Azure,
        kubernetes_range: str,
        *,
        after: Sequence[pulumi.Resource] = (),
        on_disks: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sdg:cluster:Verified", name, {"cluster": binding.kind, "gpus": binding.gpus}, opts)
        asked = {
            "connection": binding.connection,
            "minNodes": settings.min_nodes,
            "kubernetes": kubernetes_range,
            "storageClass": settings.storage_class,
            "gpus": settings.gpus,
            "gpusPerNode": settings.gpus_per_node,
            "deadline": settings.deadline,
        }
        if binding.pools:
            asked["pools"] = [pool.as_input() for pool in binding.pools]
        if on_disks:
            asked["onDisks"] = True
        if binding.revision:
            asked["revision"] = binding.revision
        found = gate("cluster-gate", ClusterRecord(), asked, pulumi.ResourceOptions(parent=self, depends_on=[*after, *binding.nodes]))
        self._handle = ClusterHandle(
            kind=binding.kind,
            identity=binding.identity,
            gpus=binding.gpus,
            dedicated_gpu_nodes=binding.dedicated_gpu_nodes,
            provider=binding.provider,
            connection=binding.connection,
            deleted_with=binding.deleted_with,
            revision=binding.revision,
            host_driver=binding.host_driver,
            pools=binding.pools,
            nodes=binding.nodes,
            services=binding.services,
            azure=binding.azure,
            ready=found.verdict,
            verdict=found.verdict,
            kubernetes=found.record.evidence.apply(lambda evidence: str(evidence.get("kubernetes", ""))),
            storage_class=found.record.evidence.apply(lambda evidence: str(evidence.get("storageClass", ""))),
        )
        self.register_outputs({"cluster": binding.kind})

    @property
    def handle(self) -> ClusterHandle:
        return self._handle
