"""What the smoke gate is asked: which workflows, where, for how long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sdg.osmo import layout
from sdg.settings.mirror import Mirror
from sdg.settings.smoke import Smoke
from sdg.spec import VERIFY_GPU, VERIFY_HELLO, parse
from sdg.spec.verify import render


def smoke_inputs(settings: Smoke, gpus: int, mirror: Mirror, *, grows: bool = False, taints: Sequence[str] = ()) -> dict[str, Any]:
    """Inputs of the smoke gate without its connection and triggers.

    Args:
        gpus: GPUs that the stack plans; with none, verify-gpu runs only where the settings insist.
        grows: whether there may be no node with GPUs before somebody asks for one.
        taints: of nodes with GPUs, beside their own.
    """
    with_gpu = settings.runs_gpu(gpus)
    specs = {VERIFY_HELLO: render(VERIFY_HELLO, mirror.image)}
    if with_gpu:
        specs[VERIFY_GPU] = render(VERIFY_GPU, mirror.image, layout.GPU_PLATFORM)
    workflows = [
        {"name": name, "spec": spec} | (_growth(spec, taints) if grows and name == VERIFY_GPU else {}) for name, spec in specs.items()
    ]
    return {
        "endpoint": dict(layout.GATEWAY),
        "pool": layout.POOL,
        "workflows": workflows,
        "deadline": settings.gpu_deadline if with_gpu else settings.deadline,
    }


def _growth(spec: str, taints: Sequence[str]) -> dict[str, Any]:
    """How the first node that a workflow can run on is made."""
    return {"growth": parse(spec).workflow.tasks[0].image} | ({"taints": list(taints)} if taints else {})
