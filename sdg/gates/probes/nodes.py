"""Probe: are enough nodes usable, and can the planned GPUs be had where they are needed?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sdg.gates.checks import Check, judge
from sdg.kube.api import Json
from sdg.platform.layout import GPU_RESOURCE

_CONDITION_TAINTS = "node.kubernetes.io/"  # set by the node controller for what is wrong with a node, and by a cordon


@dataclass(frozen=True, slots=True)
class NodePlan:
    """What the nodes of a cluster must offer.

    Attributes:
        nodes: usable nodes at least; a node is usable when it is Ready, not cordoned, and no taint of its condition keeps pods away.
        gpus: GPUs in all; 0 skips the GPU checks.
        gpus_per_node: GPUs that one pod gets together, so that must be on one node. A sum over nodes would promise what no pod can get.
        in_pools: whether nodes come in pools that grow and shrink: each pool is judged by itself then, and GPUs may come later.
    """

    nodes: int = 1
    gpus: int = 0
    gpus_per_node: int = 0
    in_pools: bool = False


def checks(nodes: Sequence[Json], plan: NodePlan) -> list[Check]:
    """Judges the nodes of one cluster."""
    usable = [node for node in nodes if not trouble(node)]
    found = [_enough(nodes, usable, plan)]
    if plan.gpus and not plan.in_pools:
        found += _gpu_checks(usable, plan)
    return found


def trouble(node: Json) -> str:
    """Why no pod can be placed on a node; empty when one can."""
    ready = _condition(node, "Ready")
    if ready.get("status") != "True":
        return f"Ready={ready.get('status', 'Unknown')} ({ready.get('reason') or 'no reason given'})"
    spec = node.get("spec") or {}
    if spec.get("unschedulable"):
        return "cordoned"
    taints = [taint["key"] for taint in spec.get("taints") or [] if taint["key"].startswith(_CONDITION_TAINTS)]
    return f"tainted {', '.join(taints)}" if taints else ""


def gpus(node: Json) -> int:
    """GPUs that the node's device plugin offers to pods."""
    return int((node.get("status") or {}).get("allocatable", {}).get(GPU_RESOURCE, 0))


def _enough(nodes: Sequence[Json], usable: Sequence[Json], plan: NodePlan) -> Check:
    wanting = [f"{node['metadata']['name']}: {why}" for node in nodes if (why := trouble(node))]
    seen = f"{len(usable)} of {len(nodes)} usable" + (f"; {'; '.join(wanting[:5])}" if wanting else "")
    name = wanting[0].partition(":")[0] if wanting else ""
    remedy = f"Run `kubectl describe node {name}` and look at its conditions, taints and events." if name else "Add nodes to the cluster."
    return judge("nodes-usable", "cluster", len(usable) >= plan.nodes, observed=seen, expected=f"at least {plan.nodes}", remedy=remedy)


def _gpu_checks(usable: Sequence[Json], plan: NodePlan) -> list[Check]:
    share = max(1, plan.gpus_per_node)
    per_node = {node["metadata"]["name"]: gpus(node) for node in usable}
    largest = max(per_node.values(), default=0)
    # what a node has beyond whole shares fits no pod
    whole = sum(count // share * share for count in per_node.values())
    remedy = "Check that the GPU operator's pods run on every GPU node, or choose a larger node size."
    return [
        judge(
            "gpus-on-one-node",
            "cluster",
            largest >= share,
            observed=f"{largest} on the largest usable node",
            expected=f"at least {share}",
            remedy=remedy,
        ),
        judge(
            "gpus-in-all",
            "cluster",
            whole >= plan.gpus,
            observed=f"{whole} in shares of {share} on usable nodes",
            expected=f"at least {plan.gpus}",
            remedy=remedy,
        ),
    ]


def _condition(node: Json, kind: str) -> Mapping[str, Any]:
    conditions = (node.get("status") or {}).get("conditions") or []
    return next((condition for condition in conditions if condition.get("type") == kind), {})
