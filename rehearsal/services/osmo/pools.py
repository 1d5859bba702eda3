"""Pools on the wire, and how many of their GPUs are in use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rehearsal.services.osmo.configuration import Configuration, GpuShare, Pool
from rehearsal.services.osmo.records import WorkflowRecord
from rehearsal.services.osmo.resources import NodeResources
from rehearsal.services.osmo.states import TaskStatus

JsonMap = dict[str, Any]
_USAGE = ("quota_used", "quota_free", "quota_limit", "total_usage", "total_capacity", "total_free")
_HOLDING = (TaskStatus.INITIALIZING, TaskStatus.RUNNING)


def pool_status(pool: Pool, *, online: bool) -> str:
    if pool.enable_maintenance:
        return "MAINTENANCE"
    return "ONLINE" if online else "OFFLINE"


def pool_view(pool: Pool, status: str) -> JsonMap:
    """A pool as `/api/pool` shows it."""
    shown = pool.model_dump(exclude={"platforms", *_TEMPLATES})
    platforms = {name: platform.model_dump(include=_PLATFORM) for name, platform in pool.platforms.items()}
    return {"name": pool.name, "description": pool.description, "status": status, **shown, "platforms": platforms}


_TEMPLATES = {"common_default_variables", "common_resource_validations", "common_pod_template", "common_group_templates"}
_PLATFORM = {"description", "host_network_allowed", "privileged_allowed", "allowed_mounts", "default_mounts"}


def pool_config_view(configuration: Configuration, pool: Pool, status: str, *, verbose: bool, expanded: bool) -> JsonMap:
    """A pool as the configuration routes show it; `expanded` fills in the service's times, `verbose` the parsed templates."""
    shown: JsonMap = {"name": pool.name, "description": pool.description, "status": status, **pool.model_dump(exclude={"platforms"})}
    if expanded:
        for key in ("default_exec_timeout", "default_queue_timeout", "max_exec_timeout", "max_queue_timeout"):
            shown[key] = shown[key] or configuration.workflow[key]
    hidden = {"default_mounts"} if not verbose else set()
    shown["platforms"] = {name: platform.model_dump(exclude=hidden) for name, platform in pool.platforms.items()}
    if verbose:
        shown |= _parsed(configuration, pool, "")
        shown["parsed_group_templates"] = []
        for name in pool.platforms:
            shown["platforms"][name] |= {"tolerations": [], "labels": {}, **_parsed(configuration, pool, name)}
    return shown


def _parsed(configuration: Configuration, pool: Pool, platform: str) -> JsonMap:
    return {
        "parsed_resource_validations": [rule.model_dump() for rule in configuration.assertions(pool, platform)],
        "parsed_pod_template": configuration.pod_template(pool, platform),
        "parsed_pod_template_for_accounting": {},
    }


def quota_view(pools: Sequence[tuple[Pool, str]], nodes: Sequence[NodeResources], workflows: Iterable[WorkflowRecord]) -> JsonMap:
    """Pools that share nodes together, each with its GPU usage; a shared node counts once in the sum."""
    running = list(workflows)
    sets = [_node_set(members, nodes, running) for members in _sharing(pools, nodes)]
    total = dict.fromkeys(_USAGE, 0)
    for members in sets:
        for index, view in enumerate(members):
            for key in _USAGE:
                once = key in ("total_capacity", "total_free")
                total[key] += int(view["resource_usage"][key]) if index == 0 or not once else 0
    return {"node_sets": [{"pools": members} for members in sets], "resource_sum": {key: str(value) for key, value in total.items()}}


def _sharing(pools: Sequence[tuple[Pool, str]], nodes: Sequence[NodeResources]) -> list[list[tuple[Pool, str]]]:
    groups: list[tuple[set[str], list[tuple[Pool, str]]]] = []
    for pool, status in pools:
        names = {node.name for node in nodes if pool.name in node.platforms}
        joined = [group for group in groups if group[0] & names]
        groups = [group for group in groups if group not in joined]
        groups.append(
            (names.union(*(group[0] for group in joined)), [*(member for group in joined for member in group[1]), (pool, status)])
        )
    return [members for _names, members in groups]


def _node_set(members: Sequence[tuple[Pool, str]], nodes: Sequence[NodeResources], workflows: Sequence[WorkflowRecord]) -> list[JsonMap]:
    names = {pool.name for pool, _status in members}
    shared = [node for node in nodes if names & set(node.platforms)]
    capacity, used = sum(node.allocatable.gpu for node in shared), sum(node.used.gpu for node in shared)
    views = []
    for pool, status in members:
        share = pool.resources.gpu or GpuShare()
        usage = _usage(pool, share, workflows, capacity)
        usage |= {"total_capacity": str(capacity), "total_free": str(capacity - used)}
        views.append({**pool_view(pool, status), "resources": {"gpu": share.model_dump()}, "resource_usage": usage})
    return views


def _usage(pool: Pool, share: GpuShare, workflows: Iterable[WorkflowRecord], capacity: int) -> dict[str, str]:
    held = [(workflow, _gpus(workflow)) for workflow in workflows if workflow.pool == pool.name]
    used = sum(gpus for workflow, gpus in held if workflow.priority != "LOW")
    limit = capacity if share.guarantee == -1 else share.guarantee
    total = sum(gpus for _workflow, gpus in held)
    return {"quota_used": str(used), "quota_free": str(limit - used), "quota_limit": str(limit), "total_usage": str(total)}


def _gpus(workflow: WorkflowRecord) -> int:
    return sum(task.gpu for _group, task in workflow.tasks() if task.status in _HOLDING)
