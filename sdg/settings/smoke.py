"""`sdg:smoke`: the workflows that prove that the stack works."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sdg.settings.base import Seconds, Settings


class Smoke(Settings):
    """Which smoke workflows run, and how long they may take."""

    gpu: Literal["auto", "always", "never"] = Field(
        default="auto", description="Whether verify-gpu runs beside verify-hello; `auto`: when the cluster plans GPUs."
    )
    deadline: Seconds = Field(default=600, description="Seconds for verify-hello, from submission to COMPLETED.")
    gpu_deadline: Seconds = Field(default=1500, description="Seconds for verify-gpu, in which a GPU pool may have to grow from zero.")

    def runs_gpu(self, planned_gpus: int) -> bool:
        """Whether verify-gpu runs in a stack that plans this many GPUs."""
        return self.gpu == "always" or (self.gpu == "auto" and planned_gpus > 0)
