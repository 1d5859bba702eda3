"""What the smoke gate is asked: which workflows, where, for how long."""

from __future__ import annotations

from typing import Any

from sdg.osmo import layout
from sdg.settings.mirror import Mirror
from sdg.settings.smoke import Smoke
from sdg.spec import VERIFY_GPU, VERIFY_HELLO, parse, render


def smoke_inputs(settings: Smoke, gpus: int, mirror: Mirror, *, grows: bool = False) -> dict[str, Any]:
    """Inputs of the smoke gate without its connection and triggers.

    Args:
        gpus: GPUs that the stack plans; with none, verify-gpu runs only where the settings insist.
        grows: whether there may be no node with GPUs before somebody asks for one.
    """
    with_gpu = settings.runs_gpu(gpus)
    specs = {VERIFY_HELLO: render(VERIFY_HELLO, mirror.image)}
    if with_gpu:
        specs[VERIFY_GPU] = render(VERIFY_GPU, mirror.image, layout.GPU_PLATFORM)
    return {
        "endpoint": dict(layout.GATEWAY),
        "pool": layout.POOL,
        "workflows": [_workflow(name, spec, grows=grows and name == VERIFY_GPU) for name, spec in specs.items()],
        "deadline": settings.gpu_deadline if with_gpu else settings.deadline,
    }


def _workflow(name: str, spec: str, *, grows: bool) -> dict[str, str]:
    return {"name": name, "spec": spec} | ({"growth": parse(spec).workflow.tasks[0].image} if grows else {})
