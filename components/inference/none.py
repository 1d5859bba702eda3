"""No inference: what a stack registers that serves no models itself, since it has no provider or asks it for nothing."""

from __future__ import annotations

import pulumi

from components.cluster.base import ClusterHandle


class NoInference(pulumi.ComponentResource):
    """Creates nothing. It says that none serves on which cluster, as every inference component says its provider for the policies."""

    def __init__(self, name: str, cluster: ClusterHandle, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sdg:inference:None", name, {"cluster": cluster.kind, "provider": "none"}, opts)
        self.register_outputs({})
