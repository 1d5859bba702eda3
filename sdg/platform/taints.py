"""Taints that keep pods off nodes, and what pods need to run there all the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sdg.platform.layout import GPU_TAINT

Toleration = dict[str, str]


@dataclass(frozen=True, slots=True)
class NodeTaints:
    """What keeps pods off nodes beside the taint of GPU nodes, as `key=value:Effect`.

    Attributes:
        gpus: of nodes with GPUs.
        others: of nodes without.
    """

    gpus: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


NONE: Final = NodeTaints()


def further(taints: Iterable[str]) -> tuple[str, ...]:
    """Each of them once, without the taint of GPU nodes, which whatever runs there tolerates anyway."""
    return tuple(taint for taint in dict.fromkeys(taints) if toleration(taint)["key"] != GPU_TAINT)


def toleration(taint: str) -> Toleration:
    """What a pod needs to run on nodes with a taint."""
    pair, _, effect = taint.rpartition(":")
    key, _, value = pair.partition("=")
    return {"key": key, "operator": "Equal", "value": value, "effect": effect}


def on_gpu_nodes(taints: Iterable[str] = ()) -> list[Toleration]:
    """What a pod needs to run on nodes with GPUs.

    Args:
        taints: that such nodes have beside their own.
    """
    return [{"key": GPU_TAINT, "operator": "Exists", "effect": "NoSchedule"}, *map(toleration, taints)]


def gpu_operator_values(taints: Iterable[str]) -> dict[str, object]:
    """Values of the GPU operator's chart that bring its pods to nodes with GPUs and these taints; none where its own defaults do.

    The operator takes the GPUs of a node for gone that its feature discovery has found none on, so both need the tolerations.
    """
    tolerated = tuple(taints)
    if not tolerated:
        return {}
    return {
        "daemonsets": {"tolerations": on_gpu_nodes(tolerated)},
        "node-feature-discovery": {"worker": {"tolerations": on_gpu_nodes(tolerated)}},
    }
