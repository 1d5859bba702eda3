"""Node pools as AKS takes and shows them: counts within bounds, and a cluster's list of every pool, whoever made it."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.azure.provider import Provider, Settings
from rehearsal.azure.world import Resource
from tests.unit.azure_simulator.site import CLUSTER, GROUP, REGION, SYSTEM, Site, refused

AKS = "azure-native:containerservice:ManagedCluster"
INPUTS: dict[str, Any] = {**GROUP, **CLUSTER, "location": REGION}


@pytest.fixture
def provider(site: Site) -> Provider:
    return Provider(site.world)


def shown(cluster: Resource) -> dict[str, Any]:
    return {pool["name"]: pool for pool in cluster.outputs["agentPoolProfiles"]}


@pytest.mark.parametrize(("count", "fine"), [(None, True), (0, False), (1, False), (2, True), (3, True), (4, False)])
def test_a_pools_count_lies_within_its_bounds_whenever_it_is_said(site: Site, count: int | None, fine: bool) -> None:
    site.cluster()
    pool = site.pool()
    changed = {name: value for name, value in {**pool.inputs, "count": count, "minCount": 2, "maxCount": 3}.items() if value is not None}
    if fine:
        assert site.world.update(pool.type, pool.id, changed).outputs["minCount"] == 2
    else:
        with refused("InvalidParameter"):
            site.world.update(pool.type, pool.id, changed)


def test_a_new_pool_says_its_count_also_with_an_autoscaler(site: Site) -> None:
    site.cluster()
    with refused("InvalidParameter") as found:
        site.pool(count=None)
    assert "Required parameter" in found.value.message


def test_a_cluster_shows_every_pool_by_name_and_a_refresh_takes_them_all(site: Site, provider: Provider) -> None:
    made = provider.create(AKS, INPUTS, Settings())
    assert list(shown(made)) == ["system"]
    site.pool()
    found = provider.existing(AKS, made.id)
    assert found
    assert list(shown(found)) == ["gpu", "system"]
    assert shown(found)["gpu"]["maxCount"] == 2
    assert shown(found)["gpu"]["type"] == "VirtualMachineScaleSets"
    inputs = provider.refreshed(AKS, found, dict(made.outputs), INPUTS)
    assert [pool["name"] for pool in inputs["agentPoolProfiles"]] == ["gpu", "system"]
    # what the world itself keeps is each pool once
    assert [pool["name"] for pool in site.world.resources(made.type)[0].outputs["agentPoolProfiles"]] == ["system"]


def test_a_pool_in_its_clusters_list_is_changed_there_too_but_for_its_count(site: Site, provider: Provider) -> None:
    made = provider.create(AKS, INPUTS, Settings())
    pool = site.pool()
    site.world.amend(pool.type, pool.id, {"count": 1})
    found = provider.existing(AKS, made.id)
    assert found
    inputs = provider.refreshed(AKS, found, dict(made.outputs), INPUTS)
    stale = inputs["agentPoolProfiles"][0]
    site.again(pool, maxCount=3)
    again = provider.update(AKS, made.id, {**inputs, "tags": {"a": "1"}})
    assert shown(again)["gpu"]["maxCount"] == stale["maxCount"] == 2
    assert shown(again)["system"]["maxCount"] == SYSTEM["maxCount"]


def test_a_cluster_makes_no_pools_after_it_was_made(provider: Provider) -> None:
    made = provider.create(AKS, INPUTS, Settings())
    other = {**SYSTEM, "name": "other"}
    with refused("BadRequest"):
        provider.update(AKS, made.id, {**INPUTS, "agentPoolProfiles": [SYSTEM, other]})
