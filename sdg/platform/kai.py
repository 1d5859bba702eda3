"""The KAI scheduler: what its chart is told, what runs of it, and what OSMO's operator needs of it.

Source: chart kai-scheduler 0.14.0. The chart starts one operator, which makes the other Deployments.
"""

from __future__ import annotations

from typing import Any, Final

from sdg.catalog.versions import versions
from sdg.kube.workload import Workload
from sdg.platform.layout import KAI_NAMESPACE, KAI_POD_GROUPS, KAI_QUEUES
from sdg.settings.mirror import Mirror

WORKLOADS: Final = tuple(
    Workload("Deployment", KAI_NAMESPACE, name)
    for name in (
        "kai-operator",
        "admission",
        "binder",
        "kai-scheduler-default",
        "pod-grouper",
        "podgroup-controller",
        "queue-controller",
    )
)
# what OSMO's operator writes: without these kinds no workflow gets as far as a pod
DEFINITIONS: Final = (KAI_POD_GROUPS, KAI_QUEUES)


def kai_values(mirror: Mirror) -> dict[str, Any]:
    """Values of its chart."""
    published = versions().registries.kai
    registry = mirror.image(published)
    values: dict[str, Any] = {
        # else every pod that names GPUs gets RuntimeClass nvidia, be it to ask for none of them: OSMO's user template always names them,
        # and nodes without GPUs have no such runtime; its template for GPU nodes names the class itself
        "admission": {"gpuPodRuntimeClassName": ""}
    }
    # left to the chart otherwise: its default is where this very version was published
    return values if registry == published else values | {"global": {"registry": registry}}
