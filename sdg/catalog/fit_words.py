"""Why a pod fits no node of a pool, and what of pods and pools is not known; in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sdg.catalog.fit_model import KEEPS_AWAY, Group, Pod, Pool

# beside GPUs: how it is counted, how much of an amount is one of it, and which number of an amount it is
_AMOUNTS: Final = (("cores", 1000, 1), ("GiB of memory", 1024, 2), ("GiB of disk", 1024, 3))


def refusal(pod: Pod, pool: Pool) -> str | None:
    """Why not even an empty node of a pool takes a pod, as the rest of a sentence about the pod; None when one does."""
    return next(_refusals(pod, pool), None)


def lonely(pod: Pod, pools: Sequence[Pool]) -> str:
    """Why no empty node takes a pod, in a sentence."""
    usable = [pool for pool in pools if pool.maximum]
    largest = max(usable, key=lambda pool: pool.gpus, default=None)
    if largest is None and not pod.gpus:
        return f"{pod.name} fits no node: there may not be any."
    if largest is None or pod.gpus > largest.gpus:
        there = f"the largest node has {largest.gpus} ({named(largest)})" if largest and largest.gpus else "no node has any"
        return f"{pod.name} needs {gpus(pod.gpus)} on one node, and {there}."
    with_gpus = [pool for pool in usable if pool.gpus >= pod.gpus]
    return f"{pod.name} fits no node: {'; '.join(f'{named(pool)}: {refusal(pod, pool)}' for pool in with_gpus)}."


def gpus(count: int) -> str:
    return f"{count} GPU{'s' if count != 1 else ''}"


def named(pool: Pool) -> str:
    """A pool with its machine size."""
    return f"pool {pool.name}, {pool.size}" if pool.size else f"pool {pool.name}"


def unknowns(permanent: Sequence[Pod], groups: Sequence[Group], pools: Sequence[Pool]) -> tuple[str, ...]:
    """What could not be judged, each in a sentence."""
    pods = [*permanent, *(pod for group in groups for pod in group.pods)]
    unsaid = [pod.name for pod in permanent if pod.gpus and pod.vram_gib is None]
    found = [f"How much memory the GPUs of {name} need is not stated." for name in dict.fromkeys(unsaid)]
    return (*found, *(f"{what} of {named(pool)} is not known." for pool in pools for what in _unknown(pool, pods)))


def _refusals(pod: Pod, pool: Pool) -> Iterator[str]:
    if not pool.maximum:
        yield "it may not have any node"
    if missing := [
        f"{key}={value}" for key, value in pod.node_selector.items() if pool.labels is not None and pool.labels.get(key) != value
    ]:
        yield f"its nodes have no label {', '.join(missing)}"
    if untolerated := [taint for taint in pool.taints if _keeps_away(taint, pod)]:
        yield f"the taint {untolerated[0]} of its nodes is not tolerated"
    if pod.gpus > pool.gpus:
        yield f"a node has {gpus(pool.gpus)} of the {pod.gpus} that are needed"
    if pod.gpus and pod.vram_gib and pool.vram_gib is not None and pod.vram_gib > pool.vram_gib:
        yield f"each GPU has {pool.vram_gib:g} GiB of the {pod.vram_gib:g} that are needed"
    for unit, scale, place in _AMOUNTS:
        wanted, there = pod.amount[place], pool.amount[place]
        if wanted > there:
            yield f"a node has {there / scale:.4g} {unit} for pods, of the {wanted / scale:.4g} that are needed"


def _keeps_away(taint: str, pod: Pod) -> bool:
    return taint.rpartition(":")[2] in KEEPS_AWAY and not any(each.tolerates(taint) for each in pod.tolerations)


def _unknown(pool: Pool, pods: Sequence[Pod]) -> Iterator[str]:
    if pool.gpus and pool.vram_gib is None and any(pod.gpus and pod.vram_gib for pod in pods):
        yield "The memory of each GPU"
    for what, there, place in (("CPU", pool.cpu, 1), ("memory", pool.memory_gib, 2), ("disk", pool.storage_gib, 3)):
        if there is None and any(pod.amount[place] for pod in pods):
            yield f"The {what} of nodes"
    if pool.labels is None and any(pod.node_selector for pod in pods):
        yield "Which labels are on nodes"
