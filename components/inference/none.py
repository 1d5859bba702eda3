"""No inference: what a stack registers that serves no models itself."""

from __future__ import annotations

import pulumi

from components.cluster.base import ClusterHandle
from sdg.settings.inference import NoInference as NoInferenceSettings


class NoInference(pulumi.ComponentResource):
    """Creates nothing. It says which provider was chosen on which cluster, as every inference component does for the policies."""

    def __init__(
        self, name: str, settings: NoInferenceSettings, cluster: ClusterHandle, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sdg:inference:None", name, {"cluster": cluster.kind, "provider": settings.provider}, opts)
        self.register_outputs({})
