"""What the smoke gate is asked: which workflows, where, for how long."""

from __future__ import annotations

from typing import Any

from sdg.catalog.versions import ImageKey, versions
from sdg.osmo import layout
from sdg.settings.mirror import Mirror
from sdg.settings.smoke import Smoke
from sdg.spec.verification import verify_gpu, verify_hello


def smoke_inputs(settings: Smoke, gpus: int, mirror: Mirror) -> dict[str, Any]:
    """Inputs of the smoke gate without its connection and triggers.

    Args:
        gpus: GPUs that the stack plans; with none, verify-gpu runs only where the settings insist.
    """
    workflows = [verify_hello(_image("verify-hello", mirror))]
    if settings.runs_gpu(gpus):
        workflows.append(verify_gpu(_image("verify-gpu", mirror), layout.GPU_PLATFORM))
    return {
        "endpoint": dict(layout.GATEWAY),
        "pool": layout.POOL,
        "workflows": [workflow.as_input() for workflow in workflows],
        "deadline": settings.gpu_deadline if len(workflows) > 1 else settings.deadline,
    }


def _image(key: ImageKey, mirror: Mirror) -> str:
    return mirror.image(versions().images[key])
