"""`sdg:inference`: what serves models to workflows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sdg.settings.base import Planned, Settings


class NoInference(Settings):
    """No models are served: for workflows that bring their own."""

    provider: Literal["none"] = Field(default="none", description="Who serves.")


class NimOperator(Planned):
    """NVIDIA NIMs in the cluster, run by the NIM operator."""

    provider: Literal["nim-operator"]


class Nvcf(Planned):
    """NVIDIA Cloud Functions."""

    provider: Literal["nvcf"]


class Foundry(Planned):
    """Azure AI Foundry."""

    provider: Literal["foundry"]


Inference = Annotated[NoInference | NimOperator | Nvcf | Foundry, Field(discriminator="provider")]
