"""Pools, their quotas, and the nodes behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from rehearsal.services.osmo.configuration import Configuration, Pool
from rehearsal.services.osmo.context import Service, ServiceDep
from rehearsal.services.osmo.errors import InternalError
from rehearsal.services.osmo.identity import IdentityDep
from rehearsal.services.osmo.pools import pool_status, pool_view, quota_view
from rehearsal.services.osmo.resource_views import concise_view, node_view, selected

router = APIRouter()
JsonMap = dict[str, Any]
Names = Annotated[list[str], Query(default_factory=list)]


@router.get("/api/pool")
def get_pools(*, service: ServiceDep, pools: Names, all_pools: bool = True) -> JsonMap:
    return {"pools": {pool.name: pool_view(pool, status) for pool, status in _chosen(service, service.configuration(), pools, all_pools)}}


@router.get("/api/pool_quota")
def get_quota(*, service: ServiceDep, pools: Names, all_pools: bool = True) -> JsonMap:
    configuration = service.configuration()
    chosen, nodes = _chosen(service, configuration, pools, all_pools), service.nodes(configuration)
    with service.reading() as database:
        return quota_view(chosen, nodes, [workflow for workflow in database.workflows if not workflow.status.terminal])


@router.get("/api/resources")
def get_resources(
    *, service: ServiceDep, identity: IdentityDep, pools: Names, platforms: Names, all_pools: bool = False, concise: bool = False
) -> JsonMap:
    configuration = service.configuration()
    nodes = service.nodes(configuration)
    wanted: Sequence[str] | None = list(configuration.pools) if all_pools else pools or identity.pools or None
    if concise:
        statuses = {pool.name: status for pool, status in _chosen(service, configuration, [], True)}
        return {"pools": concise_view(nodes, wanted, platforms if pools else [], statuses)}
    shown = selected(nodes, wanted, platforms if pools else [])
    return {"resources": [node_view(configuration, node, platforms) for node, platforms in shown]}


@router.get("/api/resources/{name}")
def get_resource(*, service: ServiceDep, name: str) -> JsonMap:
    configuration = service.configuration()
    for node, shown in selected(service.nodes(configuration), None):
        if node.name == name:
            return {"resources": [node_view(configuration, node, shown)]}
    raise InternalError(f"Resource {name} does not exist!")


def _chosen(service: Service, configuration: Configuration, pools: Sequence[str], all_pools: bool) -> list[tuple[Pool, str]]:
    """The pools that were asked for, with their statuses."""
    online = service.backend_online()
    if online:
        service.note_backends(configuration)
    chosen = [pool for name, pool in configuration.pools.items() if all_pools or name in pools]
    return [(pool, pool_status(pool, online=online and _connected(configuration, pool))) for pool in chosen]


def _connected(configuration: Configuration, pool: Pool) -> bool:
    return not configuration.backends or pool.backend in configuration.backends
