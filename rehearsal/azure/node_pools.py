"""AKS' two ways to one node pool: a resource of its own, and an entry in its cluster's list, which shows every pool, whoever made it.

Source: Azure/AKS, the page "Microsoft.ContainerService managedClusters"; the order by hashicorp/terraform-provider-azurerm#4560.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from rehearsal.azure import kinds
from rehearsal.azure.ids import key
from rehearsal.azure.resources import DELETING, FAILED, Resource
from rehearsal.azure.world import World

CLUSTER: Final = "Microsoft.ContainerService/managedClusters"
POOL: Final = f"{CLUSTER}/agentPools"
PROFILES: Final = "agentPoolProfiles"
Fields = Mapping[str, Any]


def shown(world: World, resource: Resource) -> Resource:
    """A resource as ARM answers for it: a cluster with all of its pools, by name."""
    if resource.type.lower() != CLUSTER.lower() or PROFILES not in resource.outputs:
        return resource
    inline = {str(one.get("name")): one for one in resource.outputs[PROFILES]}
    others = {one.name: _profile(one) for one in _others(world, resource.id)}
    profiles = [profile for _, profile in sorted({**inline, **others}.items())]
    return replace(resource, outputs={**resource.outputs, PROFILES: profiles})


def _profile(pool: Resource) -> dict[str, Any]:
    """A pool as an entry in its cluster's list."""
    known = kinds.of_type(CLUSTER)
    fields = known.types[known.outputs[PROFILES]["items"]["ref"]]
    # the resource's own `type` is ARM's
    said = {**pool.outputs, "type": pool.inputs.get("type", "VirtualMachineScaleSets")}
    return {name: value for name, value in said.items() if name in fields}


def parted(world: World, id: str, inputs: Fields) -> tuple[dict[str, Any], list[tuple[Resource, dict[str, Any]]]]:  # noqa: A002 -- it is called id everywhere
    """A cluster's inputs without its other pools, and those of them that its list would change, with what they would become."""
    others = {one.name: one for one in _others(world, id)}
    own, changed = [], []
    for profile in inputs.get(PROFILES) or []:
        pool = others.get(str(profile.get("name")))
        if pool is None:
            own.append(profile)
        elif (wanted := _wanted(pool, profile)) != pool.inputs:
            changed.append((pool, wanted))
    return {**inputs, **({PROFILES: own} if PROFILES in inputs else {})}, changed


def _wanted(pool: Resource, profile: Fields) -> dict[str, Any]:
    """What a pool would become by an entry in its cluster's list; how many nodes there are is its autoscaler's business."""
    known, now, autoscaled = kinds.of_type(POOL).inputs, _profile(pool), bool(profile.get("enableAutoScaling"))
    changed = {name: value for name, value in profile.items() if name in known and now.get(name) != value}
    return {**pool.inputs, **{name: value for name, value in changed.items() if not (autoscaled and name == "count")}}


def _others(world: World, id: str) -> Iterator[Resource]:  # noqa: A002
    below = f"{key(id)}/"
    return (one for one in world.resources(POOL) if key(one.id).startswith(below) and one.state not in {FAILED, DELETING})
