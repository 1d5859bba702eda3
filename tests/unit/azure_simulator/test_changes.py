"""What a change of a resource means: an update, a replacement, or ARM's refusal, as in Azure."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.azure import kinds
from rehearsal.azure.differences import changes, merged
from rehearsal.azure.values import UNKNOWN
from tests.unit.azure_simulator.site import CLUSTER, GPU_SIZE, POOL, SERVER, SYSTEM, Site, refused

PLANNED = [
    ("containerservice:AgentPool", POOL, {"vmSize": "Standard_NC80adis_H100_v5"}, "vmSize", True),
    ("containerservice:AgentPool", POOL, {"agentPoolName": "other"}, "agentPoolName", True),
    ("containerservice:AgentPool", POOL, {"resourceName": "other"}, "resourceName", True),
    ("containerservice:AgentPool", POOL, {"maxCount": 3}, "maxCount", False),
    ("containerservice:AgentPool", POOL, {"count": 1}, "count", False),
    ("containerservice:AgentPool", POOL, {"nodeTaints": ["a=b:NoSchedule"]}, "nodeTaints", False),
    ("containerservice:ManagedCluster", CLUSTER, {"kubernetesVersion": "1.36"}, "kubernetesVersion", False),
    ("containerservice:ManagedCluster", CLUSTER, {"dnsPrefix": "other"}, "dnsPrefix", True),
    ("containerservice:ManagedCluster", CLUSTER, {"location": "westus3"}, "location", True),
    ("containerservice:ManagedCluster", CLUSTER, {"networkProfile": {"podCidr": "10.1.0.0/16"}}, "networkProfile", False),
    ("dbforpostgresql:Server", SERVER, {"sku": {**SERVER["sku"], "name": "Standard_B4ms"}}, "sku.name", False),  # type: ignore[dict-item]
    ("dbforpostgresql:Server", SERVER, {"storage": {"storageSizeGB": 128}}, "storage.storageSizeGB", False),
    ("dbforpostgresql:Server", SERVER, {"administratorLogin": "other"}, "administratorLogin", True),
]


@pytest.mark.parametrize(("short", "base", "change", "path", "replaces"), PLANNED)
def test_a_change_is_planned_as_the_provider_plans_it(short: str, base: Any, change: Any, path: str, replaces: bool) -> None:
    kind = kinds.of_token(f"azure-native:{short}")
    found = changes(kind, {"location": "eastus2", **base}, {"location": "eastus2", **base, **change})
    assert [(one.path, one.replaces) for one in found] == [(path, replaces)]


def test_a_networks_ranges_replace_a_cluster_and_other_parts_of_its_profile_do_not() -> None:
    kind = kinds.of_token("azure-native:containerservice:ManagedCluster")
    old = {"networkProfile": {"podCidr": "10.1.0.0/16", "loadBalancerSku": "standard"}}
    new = {"networkProfile": {"podCidr": "10.2.0.0/16", "loadBalancerSku": "basic"}}
    assert {one.path: one.replaces for one in changes(kind, old, new)} == {
        "networkProfile.loadBalancerSku": False,
        "networkProfile.podCidr": True,
    }


def test_a_region_is_the_same_however_it_is_spelled() -> None:
    kind = kinds.of_token("azure-native:network:VirtualNetwork")
    assert changes(kind, {"location": "East US 2"}, {"location": "eastus2"}) == []


def test_what_is_unknown_may_differ_and_items_of_lists_replace_nothing() -> None:
    kind = kinds.of_token("azure-native:network:PrivateEndpoint")
    found = changes(kind, {"subnet": {"id": "a"}}, {"subnet": {"id": UNKNOWN}})
    assert [(one.path, one.replaces) for one in found] == [("subnet.id", True)]
    pool = kinds.of_token("azure-native:containerservice:AgentPool")
    assert [one.replaces for one in changes(pool, {"nodeTaints": ["a"]}, {"nodeTaints": ["a", "b"]})] == [False]


@pytest.mark.parametrize(
    "change", [{"maxPods": 50}, {"osDiskSizeGB": 512}, {"availabilityZones": ["1"]}, {"gpuProfile": {"driver": "None"}}]
)
def test_aks_refuses_to_change_what_a_pool_was_made_with(site: Site, change: dict[str, Any]) -> None:
    site.cluster()
    made = {"maxPods": 110, "osDiskSizeGB": 256, "availabilityZones": ["2"], "gpuProfile": {"driver": "Install"}}
    pool = site.pool(**made)
    with refused("PropertyChangeNotAllowed") as found:
        site.again(pool, **change)
    assert next(iter(change)) in found.value.message
    assert site.again(pool, maxCount=1).outputs["maxCount"] == 1


def test_naming_later_what_aks_chose_is_no_change_and_choosing_otherwise_is(site: Site) -> None:
    site.cluster()
    pool = site.pool()
    assert site.again(pool, maxPods=30).outputs["maxPods"] == 30
    with refused("PropertyChangeNotAllowed"):
        site.again(pool, maxPods=31)


def test_pools_of_a_cluster_are_compared_by_name(site: Site) -> None:
    second = {**SYSTEM, "name": "second"}
    cluster = site.cluster(agentPoolProfiles=[SYSTEM, second])
    site.again(cluster, agentPoolProfiles=[second, SYSTEM])
    with refused("PropertyChangeNotAllowed"):
        site.again(cluster, agentPoolProfiles=[{**SYSTEM, "vmSize": GPU_SIZE}, second])


def test_a_resource_does_not_move(site: Site) -> None:
    with refused("InvalidResourceLocation"):
        site.again(site.network(), location="westus3")


@pytest.mark.parametrize(
    ("base", "old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 2}, {"a": 1}),
        ({"a": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 1, "b": 3}),
        ({"a": 1, "c": 0}, {"a": 1}, {"a": 9}, {"a": 9, "c": 0}),
        ({"a": 1}, {"a": 1}, {}, {}),
        ({"a": {"x": 1}}, {"a": {"x": 1, "y": 2}}, {"a": {"x": 5, "y": 2}}, {"a": {"x": 5}}),
        ({"a": [{"x": 1}]}, {"a": [{"x": 1, "y": 2}]}, {"a": [{"x": 1, "y": 3}]}, {"a": [{"x": 1, "y": 3}]}),
        ({"location": "East US 2"}, {"location": "eastus2"}, {"location": "eastus2"}, {"location": "East US 2"}),
    ],
)
def test_a_refresh_takes_into_the_inputs_only_what_has_changed(base: Any, old: Any, new: Any, expected: Any) -> None:
    assert merged(base, old, new) == expected
