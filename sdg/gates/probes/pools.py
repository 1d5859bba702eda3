"""Probe: are the nodes of each pool what was asked for, and may the pool grow as far as was planned?

A pool may start at zero nodes: then its autoscaler's bounds are all that can be seen of it, and a workflow has to prove the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import yaml

from sdg.gates.checks import Check, judge
from sdg.gates.probes import nodes as nodes_of
from sdg.kube.api import Json, KubernetesReader
from sdg.kube.errors import ObjectNotFoundError

POOL_LABEL: Final = "kubernetes.azure.com/agentpool"
# where the cluster autoscaler reports, in the form that it has since Kubernetes 1.30
AUTOSCALER_STATUS: Final = "/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status"
_SCALE_SET: Final = "aks-{}-"  # AKS names a pool's scale set aks-POOL-NUMBER-vmss


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool as it was planned.

    Attributes:
        minimum, maximum: nodes.
        gpus: of one node.
        labels, taints: of every node; taints as `key=value:Effect`.
    """

    name: str
    minimum: int
    maximum: int
    gpus: int = 0
    labels: Mapping[str, str] | None = None
    taints: tuple[str, ...] = ()

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Self:
        """Reads an entry of the gate's input `pools`; numbers arrive as floats."""
        return cls(
            str(properties["name"]),
            minimum=int(properties["minimum"]),
            maximum=int(properties["maximum"]),
            gpus=int(properties["gpus"]),
            labels=dict(properties["labels"]),
            taints=tuple(properties["taints"]),
        )


def checks(api: KubernetesReader, nodes: Sequence[Json], pools: Sequence[Pool]) -> Iterator[Check]:
    """Judges every pool; nothing where there are none."""
    if not pools:
        return
    bounds = _bounds(api)
    for pool in pools:
        members = [node for node in nodes if (node["metadata"].get("labels") or {}).get(POOL_LABEL) == pool.name]
        yield _size(pool, members)
        yield from _members(pool, members)
        if pool.minimum < pool.maximum:
            yield _growth(pool, bounds)


def _size(pool: Pool, members: Sequence[Json]) -> Check:
    wanting = [f"{node['metadata']['name']}: {why}" for node in members if (why := nodes_of.trouble(node))]
    usable = len(members) - len(wanting)
    seen = f"{usable} of {len(members)} nodes usable" + (f"; {'; '.join(wanting[:5])}" if wanting else "")
    remedy = f"Look at the pool's nodes: kubectl get nodes -l {POOL_LABEL}={pool.name}."
    return judge(
        "pool-nodes", f"pool/{pool.name}", usable >= pool.minimum, observed=seen, expected=f"at least {pool.minimum}", remedy=remedy
    )


def _members(pool: Pool, members: Sequence[Json]) -> Iterator[Check]:
    """What each node lacks; nothing is said of a pool without nodes."""
    usable = [node for node in members if not nodes_of.trouble(node)]
    if not usable:
        return
    lacking = {node["metadata"]["name"]: ", ".join(_lacking(pool, node)) for node in usable}
    wrong = "; ".join(f"{name} lacks {what}" for name, what in lacking.items() if what)
    yield judge(
        "pool-form",
        f"pool/{pool.name}",
        not wrong,
        observed=wrong or f"{len(usable)} nodes as planned",
        expected=", ".join([*_labels(pool), *pool.taints, f"GPUs: {pool.gpus}"]),
        remedy="Labels and taints belong to the pool: `pulumi up --refresh` sets them. GPUs appear once the GPU operator's pods run there.",
    )


def _lacking(pool: Pool, node: Json) -> Iterator[str]:
    labels = node["metadata"].get("labels") or {}
    yield from (f"label {key}={value}" for key, value in (pool.labels or {}).items() if labels.get(key) != value)
    taints = {_taint(taint) for taint in (node.get("spec") or {}).get("taints") or []}
    yield from (f"taint {taint}" for taint in pool.taints if taint not in taints)
    if (found := nodes_of.gpus(node)) < pool.gpus:
        yield f"{pool.gpus - found} of {pool.gpus} GPUs"


def _labels(pool: Pool) -> list[str]:
    return [f"{key}={value}" for key, value in (pool.labels or {}).items()]


def _taint(taint: Mapping[str, Any]) -> str:
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"


def _growth(pool: Pool, bounds: Mapping[str, tuple[int, int]] | None) -> Check:
    found = next((bounds[group] for group in bounds if group.startswith(_SCALE_SET.format(pool.name))), None) if bounds else None
    wanted = (pool.minimum, pool.maximum)
    if bounds is None:
        seen = "the autoscaler does not report"
    else:
        seen = f"{found[0]} to {found[1]} nodes" if found else "the autoscaler does not know the pool"
    remedy = f"See what the autoscaler reports: kubectl get --raw {AUTOSCALER_STATUS}; `pulumi up --refresh` sets the bounds."
    return judge(
        "pool-autoscaler", f"pool/{pool.name}", found == wanted, observed=seen, expected=f"{wanted[0]} to {wanted[1]} nodes", remedy=remedy
    )


def _bounds(api: KubernetesReader) -> dict[str, tuple[int, int]] | None:
    """The bounds of every group of nodes that the autoscaler reports; None while it reports none."""
    try:
        text = (api.get(AUTOSCALER_STATUS).get("data") or {}).get("status") or ""
        groups = (yaml.safe_load(text) or {}).get("nodeGroups") or []
        healths = {str(group["name"]): group["health"] for group in groups}
        return {name: (int(health["minSize"]), int(health["maxSize"])) for name, health in healths.items()}
    except (ObjectNotFoundError, yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError):
        return None
