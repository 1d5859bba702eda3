"""What every dynamic resource that works in a cluster has in common.

Providers are stored in the state by the dotted path of their own class; this base is not, and may move.
"""

from __future__ import annotations

from pulumi.dynamic import ConfigureRequest, ResourceProvider

from sdg.gates.interrupt import Interruption
from sdg.kube.api import load_client


class ClusterProvider(ResourceProvider):
    """Ends with its engine, and shares the Kubernetes client with all others of its process."""

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:  # noqa: ARG002 (the interface)
        Interruption.of_engine()
        load_client()  # providers are loaded and configured one at a time, but they work in parallel
