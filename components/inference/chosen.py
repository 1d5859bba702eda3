"""The inference provider that a stack's settings choose."""

from __future__ import annotations

import pulumi

from components.cluster.base import ClusterHandle
from components.inference.none import NoInference
from sdg.settings.inference import NoInference as NoInferenceSettings
from sdg.settings.loader import Stack


def build_inference(stack: Stack, cluster: ClusterHandle) -> None:
    """Serves the models that workflows ask for."""
    match stack.settings.inference:
        case NoInferenceSettings() as settings:
            NoInference("inference", settings, cluster)
        case planned:  # the loader refuses them with what can be deployed
            raise pulumi.RunError(f"sdg:inference.provider {planned.provider} is not available yet")
