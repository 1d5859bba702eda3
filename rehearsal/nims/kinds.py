"""The NIM operator's kinds."""

from __future__ import annotations

from typing import Final

from rehearsal.api import Resource

GROUP: Final = "apps.nvidia.com"
VERSION: Final = f"{GROUP}/v1alpha1"
KINDS: Final = (
    "NIMBuild",
    "NIMService",
    "NIMCache",
    "NIMPipeline",
    "NemoCustomizer",
    "NemoDatastore",
    "NemoEntitystore",
    "NemoEvaluator",
    "NemoGuardrail",
)
"""All of them must be defined for the manager to run; the first that is missing is named."""
NIM_SERVICES: Final = Resource(VERSION, "nimservices")
NIM_CACHES: Final = Resource(VERSION, "nimcaches")


def definition(kind: str) -> str:
    """Name of a kind's definition."""
    return f"{kind.lower()}s.{GROUP}"
