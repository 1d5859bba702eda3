"""Whether NIMs and a workload have places on a stack's nodes: what has to fit, from the plan. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

from sdg.catalog.fit import Fit, Group, Pod, Pool, Toleration, fit
from sdg.catalog.fit_model import ON_GPU_NODES
from sdg.catalog.nims import UnknownVariant, nims
from sdg.inference.model import InferencePlan
from sdg.inference.pools import planned_pools
from sdg.osmo.layout import GPU_PLATFORM
from sdg.platform.layout import GPU_NODE_LABEL
from sdg.platform.taints import further, toleration
from sdg.settings.cluster import Cluster
from sdg.settings.inference import Inference, nim_operator_of
from sdg.settings.smoke import Smoke
from sdg.spec.tasks import GIB, Task, tasks_of
from sdg.spec.verify import VERIFY_GPU, render
from sdg.workload.model import PlannedWorkload

WORKLOAD: Final = "the workload"
WITHOUT_VERIFY: Final = f"leave {VERIFY_GPU} out of the smoke test, which then proves no driver: set sdg:smoke.gpu to never"


@dataclass(frozen=True, slots=True)
class Running:
    """What a stack is to run on nodes with GPUs."""

    cluster: Cluster
    inference: Inference
    plan: InferencePlan
    workload: PlannedWorkload | None = None
    smoke: Smoke = field(default_factory=Smoke)


def judge(running: Running, pools: tuple[Pool, ...]) -> Fit:
    """Whether everything that a stack is to run has a place.

    Args:
        pools: what there is, or what the settings say there will be.
    """
    lasting = permanent(running.cluster, running.inference, running.plan)
    return fit(lasting, groups(running.cluster, running.workload, running.smoke), pools)


def permanent(cluster: Cluster, inference: Inference, plan: InferencePlan) -> tuple[Pod, ...]:
    """The pods of the NIMs that are planned: they keep their GPUs."""
    settings = nim_operator_of(inference)
    if settings is None:
        return ()
    tolerated, made = _tolerations(cluster, gpus=True), []
    for endpoint in plan.of("nim-operator"):
        known = nims()[endpoint.name]
        try:
            shaped = known.variant(settings.variants.get(endpoint.name))
        except UnknownVariant:  # a problem of its own
            shaped = known
        count = settings.replicas.get(endpoint.name, 1)
        made.append(Pod.of_nim(endpoint.name, shaped, count, dict(settings.node_selector), tolerated))
    return tuple(made)


def groups(cluster: Cluster, workload: PlannedWorkload | None, smoke: Smoke) -> tuple[Group, ...]:
    """Tasks of the workload that run at the same time, each set by itself; and the smoke test's, which runs once NIMs hold their GPUs."""
    sets = workload.needs.together.sets if workload is not None else ()
    named = [Group(_name(tasks), tuple(_pod(cluster, task, f"task {task.name}") for task in tasks)) for tasks in sets]
    return (*named, *(_verified(cluster) if smoke.runs_gpu(cluster.gpus) else ()))


def _verified(cluster: Cluster) -> Iterator[Group]:
    for task in tasks_of(yaml.safe_load(render(VERIFY_GPU, platform=GPU_PLATFORM))):
        yield Group("the smoke test", (_pod(cluster, task, VERIFY_GPU),), WITHOUT_VERIFY)


def _pod(cluster: Cluster, task: Task, name: str) -> Pod:
    """As OSMO makes it on one of its platforms, whose templates bring selector and tolerations (`sdg.osmo.values.pools`)."""
    amounts, gpus = task.amounts, task.platform == GPU_PLATFORM
    memory, storage = amounts.memory / GIB, amounts.storage / GIB
    tolerations = (*((ON_GPU_NODES,) if gpus else ()), *_tolerations(cluster, gpus=gpus))
    selector = {GPU_NODE_LABEL: "true"} if gpus else {}
    return Pod.of_task(
        name, gpus=task.gpu, cpu=task.cpu, memory_gib=memory, storage_gib=storage, node_selector=selector, tolerations=tolerations
    )


def _name(tasks: tuple[Task, ...]) -> str:
    names = sorted(dict.fromkeys(task.group for task in tasks))
    return f"{WORKLOAD} ({', '.join(names)})"


def _tolerations(cluster: Cluster, *, gpus: bool) -> tuple[Toleration, ...]:
    """What pods tolerate beside the taint of GPU nodes: what the stack's own pools have, see `NodeTaints`."""
    pools = [pool for pool in planned_pools(cluster) if bool(pool.gpus) == gpus]
    return tuple(Toleration(**toleration(taint)) for taint in further(taint for pool in pools for taint in pool.taints))
