"""What would let everything fit: more nodes of a pool, or nodes of another machine size, with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sdg.catalog.fit_model import GPU_TAINT, Pod, Pool
from sdg.catalog.fit_words import gpus, refusal
from sdg.catalog.vm_sizes import LOCAL, VmSize, vm_sizes

MOST_MORE: Final = 16  # nodes beside those that there may be
MOST_SIZES: Final = 3

Judge = Callable[[Sequence[Pool]], bool]


def advice(pod: Pod, pools: Sequence[Pool], judge: Judge, others: Sequence[str] = ()) -> str:
    """What would do, in a sentence; empty when nothing known does.

    Args:
        pod: the one that has no place.
        judge: whether everything has a place on such pools.
        others: what would do beside more nodes.
    """
    options = [*_grown(pools, judge), *_added(pod, pools, judge), *others]
    return f"It would do to {', or to '.join(options)}." if options else ""


def _grown(pools: Sequence[Pool], judge: Judge) -> Iterator[str]:
    alike: dict[object, int] = {}  # nodes that are just there come one by one, and many of them are the same
    for index, pool in enumerate(pools):
        alike.setdefault(_shape(pool), index)
    for index in alike.values():
        pool = pools[index]
        least = _least(lambda more, index=index, pool=pool: judge(_with(pools, index, replace(pool, maximum=pool.maximum + more))))  # type: ignore[misc]
        if least and pool.size:
            yield f"let pool {pool.name} have {_nodes(pool.maximum + least)} (now {pool.maximum})"
        elif least:
            yield f"add {_nodes(least)} like {pool.name}"


def _shape(pool: Pool) -> object:
    """What makes another node of a pool worth as much as one of another pool."""
    return pool.name if pool.size else (pool.gpus, pool.vram_gib, pool.cpu, pool.memory_gib, pool.storage_gib, pool.taints)


def _added(pod: Pod, pools: Sequence[Pool], judge: Judge) -> Iterator[str]:
    """A pool more, of the sizes that need the least for it."""
    found: list[tuple[tuple[int, ...], str]] = []
    for size, machine in _candidates(pod, pools).items():
        pool = _pool_for(pod, size, machine)
        if refusal(pod, pool) is None and (count := _least(lambda more, pool=pool: judge([*pools, replace(pool, maximum=more)]))):  # type: ignore[misc]
            found.append((_cost(machine, count), f"{count} {size}{_shown(machine)}"))
    best = [text for _, text in sorted(found)[:MOST_SIZES]]
    if best:
        yield f"add nodes: {' or '.join(best)}"


def _least(fits: Callable[[int], bool]) -> int:
    """The least number of nodes with which all fits, by halving, since more never harm; 0 when not even the most do."""
    if not fits(MOST_MORE):
        return 0
    low, high = 1, MOST_MORE
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low


def _with(pools: Sequence[Pool], index: int, pool: Pool) -> list[Pool]:
    return [*pools[:index], pool, *pools[index + 1 :]]


def _candidates(pod: Pod, pools: Sequence[Pool]) -> Mapping[str, VmSize]:
    """Sizes that can be had for such a pod; images are for amd64, and a part of a GPU is never what a model is made for.

    Where nobody says how much memory a GPU must have, no less is proposed than the best that there is.
    """
    least = 0 if pod.vram_gib else max((pool.vram_gib or 0 for pool in pools), default=0)
    return {
        name: machine
        for name, machine in vm_sizes().items()
        if not name.startswith(LOCAL) and machine.architecture == "amd64" and bool(machine.gpu) == bool(pod.gpus) and _suits(machine, least)
    }


def _suits(machine: VmSize, vram_gib: float) -> bool:
    return machine.gpu is None or (machine.gpu.fraction is None and machine.gpu.memory_gib >= vram_gib)


def _pool_for(pod: Pod, size: str, machine: VmSize) -> Pool:
    """A pool as one would make it for the pod: with the labels that it wants, and the usual taint of nodes with GPUs if it bears that."""
    taints = (GPU_TAINT,) if machine.gpu and any(each.tolerates(GPU_TAINT) for each in pod.tolerations) else ()
    return Pool.of_size("another", size, 0, MOST_MORE, labels=pod.node_selector, taints=taints, os_disk_gib=256)


def _cost(machine: VmSize, count: int) -> tuple[int, ...]:
    """What orders sizes where no prices are known: those that are generally available and suit every driver, then the smaller ones."""
    gpu = machine.gpu
    size = (int(gpu.driver == "grid"), gpu.count * count, gpu.memory_gib * gpu.count * count) if gpu else (0, 0, 0)
    return int(machine.preview), *size, machine.vcpus * count


def _shown(machine: VmSize) -> str:
    return f" ({gpus(machine.gpu.count)} of {machine.gpu.memory_gib} GiB each)" if machine.gpu else ""


def _nodes(count: int) -> str:
    return f"{count} node{'s' if count != 1 else ''}"
