"""Cluster that exists already: only the binding to it is ours."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster.base import ClusterHandle, ConnectionOutput
from sdg.gates.cluster import ClusterRecord
from sdg.gates.resource import gate
from sdg.settings import cluster as settings_of
from sdg.settings.loader import ClusterAccess


class ExistingCluster(pulumi.ComponentResource):
    """Binds a stack to a cluster that something else made, and proves that the platform fits on it.

    Args:
        settings: which cluster it is and what it must offer.
        kubernetes_range: versions of Kubernetes that what comes after was made for.
        access: how to get there, as the loader found it.
    """

    def __init__(
        self,
        name: str,
        settings: settings_of.ExistingCluster,
        kubernetes_range: str,
        access: ClusterAccess,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sdg:cluster:Existing", name, {"cluster": settings.kind, "identity": settings.name, "gpus": settings.gpus}, opts)
        child = pulumi.ResourceOptions(parent=self)
        connection: ConnectionOutput = pulumi.Output.all(kubeconfig=access.kubeconfig, context=access.context)
        provider = kubernetes.Provider(
            f"{name}-kubernetes",
            kubeconfig=access.kubeconfig,
            context=access.context,
            cluster_identifier=settings.name,
            # a killed update leaves objects that the state doesn't know: the next one takes them over
            upsert_existing_objects=True,
            # changed content is written in place: pods that mount a name must not find it gone for a moment
            enable_config_map_mutable=True,
            enable_secret_mutable=True,
            opts=child,
        )
        asked = {
            "connection": connection,
            "minNodes": settings.min_nodes,
            "kubernetes": settings.kubernetes or kubernetes_range,
            "storageClass": settings.storage_class,
            "gpus": settings.gpus,
            "gpusPerNode": settings.gpus_per_node,
            "deadline": settings.deadline,
        }
        found = gate(f"{name}-gate", ClusterRecord(), asked, child)
        self._handle = ClusterHandle(
            kind=settings.kind,
            identity=settings.name,
            gpus=settings.gpus,
            provider=provider,
            connection=connection,
            ready=found.verdict,
            kubernetes=found.record.evidence.apply(lambda evidence: str(evidence.get("kubernetes", ""))),
            storage_class=found.record.evidence.apply(lambda evidence: str(evidence.get("storageClass", ""))),
            deleted_with=None,
        )
        self.register_outputs({"cluster": settings.kind})

    @property
    def handle(self) -> ClusterHandle:
        return self._handle
