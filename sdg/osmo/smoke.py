"""What the smoke gate is asked: which workflows, where, for how long."""

from __future__ import annotations

from typing import Any

from sdg.osmo import layout
from sdg.settings.mirror import Mirror
from sdg.settings.smoke import Smoke
from sdg.spec import VERIFY_GPU, VERIFY_HELLO, render


def smoke_inputs(settings: Smoke, gpus: int, mirror: Mirror) -> dict[str, Any]:
    """Inputs of the smoke gate without its connection and triggers.

    Args:
        gpus: GPUs that the stack plans; with none, verify-gpu runs only where the settings insist.
    """
    with_gpu = settings.runs_gpu(gpus)
    specs = {VERIFY_HELLO: render(VERIFY_HELLO, mirror.image)}
    if with_gpu:
        specs[VERIFY_GPU] = render(VERIFY_GPU, mirror.image, layout.GPU_PLATFORM)
    return {
        "endpoint": dict(layout.GATEWAY),
        "pool": layout.POOL,
        "workflows": [{"name": name, "spec": spec} for name, spec in specs.items()],
        "deadline": settings.gpu_deadline if with_gpu else settings.deadline,
    }
