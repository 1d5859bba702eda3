"""vCPUs that the simulated Azure runs, as its quotas count them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.azure.ids import key
from rehearsal.azure.regions import SPOT, TOTAL, regions
from rehearsal.azure.world import World
from sdg.catalog.vm_sizes import vm_sizes

CLUSTER = "Microsoft.ContainerService/managedClusters"
POOL = f"{CLUSTER}/agentPools"


def vcpus(world: World, location: str) -> Counter[str]:
    """What the nodes of a region's clusters take, by the usages' names."""
    taken: Counter[str] = Counter()
    for pool in _pools(world, location):
        size = str(pool.get("vmSize", ""))
        family, known = regions().family(size), vm_sizes().get(size)
        if family is None or known is None:
            continue
        needs = known.vcpus * int(pool.get("count") or 0)
        if str(pool.get("scaleSetPriority", "")).lower() == "spot":
            taken[SPOT] += needs
        else:
            taken[regions().usage(family)] += needs
            taken[TOTAL] += needs
    return taken


def _pools(world: World, location: str) -> Iterator[Mapping[str, Any]]:
    """Every pool of a region's clusters once: a cluster's first ones are part of it, and may be listed as resources as well."""
    pools: dict[str, Mapping[str, Any]] = {}
    for cluster in world.resources(CLUSTER):
        if str(cluster.outputs.get("location", "")).replace(" ", "").lower() != location:
            continue
        for profile in cluster.outputs.get("agentPoolProfiles") or ():
            pools[key(f"{cluster.id}/agentPools/{profile.get('name')}")] = profile
        prefix = key(cluster.id) + "/"
        pools |= {key(pool.id): pool.outputs for pool in world.resources(POOL) if key(pool.id).startswith(prefix)}
    yield from pools.values()
