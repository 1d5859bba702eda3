"""Nodes on the wire: the full and the concise form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from rehearsal.services.osmo.configuration import Configuration
from rehearsal.services.osmo.resources import GIB, GPU, Amount, NodeResources

Selection = Sequence[str] | None  # pool names; None selects every node


class Shown(NamedTuple):
    """A node with the pools and platforms that the caller asked for."""

    node: NodeResources
    platforms: dict[str, list[str]]


def selected(nodes: Iterable[NodeResources], pools: Selection, platforms: Sequence[str] = ()) -> list[Shown]:
    """The nodes of these pools, showing only what belongs to them."""
    found = []
    for node in nodes:
        shown = {
            pool: [platform for platform in names if not platforms or platform in platforms]
            for pool, names in node.platforms.items()
            if pools is None or pool in pools
        }
        shown = {pool: names for pool, names in shown.items() if names}
        if shown or pools is None:
            found.append(Shown(node, shown))
    return found


def node_view(configuration: Configuration, node: NodeResources, shown: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "hostname": node.name,
        "exposed_fields": exposed(node, shown),
        "taints": list(node.taints),
        "usage_fields": node.used.as_fields(),
        "conditions": None,
        "non_workflow_usage_fields": _raw(node.other),
        "allocatable_fields": node.allocatable.as_fields(),
        "platform_allocatable_fields": _each(shown, lambda pool, name: node.allocatable.minus(node.sidecars[pool][name])),
        "platform_available_fields": _each(shown, lambda pool, name: node.allocatable.minus(node.sidecars[pool][name]).minus(node.used)),
        "platform_workflow_allocatable_fields": _each(shown, node.free_for_tasks),
        "config_fields": {pool: {name: _config(configuration, pool, name) for name in names} for pool, names in shown.items()},
        "backend": node.backend,
        "label_fields": None,
        "pool_platform_labels": {pool: list(names) for pool, names in shown.items()},
        "resource_type": ("UNUSED", "RESERVED", "SHARED")[min(len(node.platforms), 2)],
    }


def exposed(node: NodeResources, shown: dict[str, list[str]]) -> dict[str, Any]:
    """The fields that people see; storage and memory in Gi."""
    return {
        "node": node.name,
        "pool/platform": [f"{pool}/{name}" for pool, names in shown.items() for name in names],
        "storage": str(node.allocatable.storage // GIB),
        "cpu": str(node.allocatable.cpu),
        "memory": str(node.allocatable.memory * 1024 // GIB),
        "gpu": str(node.allocatable.gpu),
    }


def concise_view(
    nodes: Iterable[NodeResources], pools: Selection, platforms: Sequence[str], statuses: dict[str, str]
) -> list[dict[str, Any]]:
    """One row per pool and platform, with the sums over its nodes."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for node, shown in selected(nodes, pools, platforms):
        for pool, names in shown.items():
            for name in names:
                row = rows.setdefault(
                    (pool, name),
                    {
                        "pool": pool,
                        "platform": name,
                        "status": statuses[pool],
                        "usage_fields": dict.fromkeys(["storage", "cpu", "memory", "gpu"], 0.0),
                        "allocatable_fields": dict.fromkeys(["storage", "cpu", "memory", "gpu"], 0.0),
                        "backend": node.backend,
                    },
                )
                _sum(row["usage_fields"], node.used)
                _sum(row["allocatable_fields"], node.allocatable)
    return list(rows.values())


def _sum(fields: dict[str, float], amount: Amount) -> None:
    fields["storage"] += amount.storage / GIB
    fields["memory"] += amount.memory * 1024 / GIB
    fields["cpu"] += float(amount.cpu)
    fields["gpu"] += float(amount.gpu)


def _raw(amount: Amount) -> dict[str, str]:
    return {
        "cpu": str(amount.cpu),
        "memory": f"{amount.memory}Ki",
        GPU: str(amount.gpu),
        "ephemeral-storage": str(amount.storage),
    }


def _each(shown: dict[str, list[str]], amount: Callable[[str, str], Amount]) -> dict[str, Any]:
    return {pool: {name: amount(pool, name).as_platform_fields() for name in names} for pool, names in shown.items()}


def _config(configuration: Configuration, pool: str, name: str) -> dict[str, Any]:
    platform = configuration.pools[pool].platforms[name]
    return {
        "host_network": platform.host_network_allowed,
        "privileged": platform.privileged_allowed,
        "default_mounts": platform.default_mounts,
        "allowed_mounts": platform.allowed_mounts,
    }
