"""Cluster that exists already: only the binding to it is ours."""

from __future__ import annotations

import pulumi

from components.cluster.base import ClusterBinding, ConnectionOutput, bound_provider
from sdg.settings import cluster as settings_of
from sdg.settings.loader import ClusterAccess


class ExistingCluster(pulumi.ComponentResource):
    """Binds a stack to a cluster that something else made.

    Args:
        settings: which cluster it is and what it must offer.
        access: how to get there, as the loader found it.
    """

    def __init__(
        self, name: str, settings: settings_of.ExistingCluster, access: ClusterAccess, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sdg:cluster:Existing", name, {"cluster": settings.kind, "identity": settings.name, "gpus": settings.gpus}, opts)
        connection: ConnectionOutput = pulumi.Output.all(kubeconfig=access.kubeconfig, context=access.context)
        self._binding = ClusterBinding(
            kind=settings.kind,
            identity=settings.name,
            gpus=settings.gpus,
            dedicated_gpu_nodes=settings.dedicated_gpu_nodes,
            provider=bound_provider(f"{name}-kubernetes", settings.name, connection, pulumi.ResourceOptions(parent=self)),
            connection=connection,
            deleted_with=None,
        )
        self.register_outputs({"cluster": settings.kind})

    @property
    def binding(self) -> ClusterBinding:
        return self._binding
