"""AKS and what is around it as the program registers it: which resources, in which order, and what becomes of them."""

import itertools
from collections import Counter

import pytest

from tests.graph.azure_cluster import PRESETS, azure, graph, run, sent

__all__ = ["graph", "run"]  # the fixtures

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
NETWORK = {
    "network:NatGateway": 1,
    "network:NetworkSecurityGroup": 4,
    "network:PublicIPAddress": 1,
    "network:Subnet": 4,
    "network:VirtualNetwork": 1,
    "resources:ResourceGroup": 1,
}
DEV = {
    **NETWORK,
    "authorization:RoleAssignment": 3,
    "containerservice:AgentPool": 1,
    "containerservice:ManagedCluster": 1,
    "dbforpostgresql:Configuration": 2,
    "dbforpostgresql:Database": 1,
    "dbforpostgresql:Server": 1,
    "managedidentity:FederatedIdentityCredential": 1,
    "managedidentity:UserAssignedIdentity": 2,
    "network:PrivateDnsZoneGroup": 2,
    "network:PrivateEndpoint": 2,
    "privatedns:PrivateZone": 3,
    "privatedns:VirtualNetworkLink": 3,
    "redisenterprise:Database": 1,
    "redisenterprise:RedisEnterprise": 1,
    "storage:BlobContainer": 2,
    "storage:BlobServiceProperties": 1,
    "storage:StorageAccount": 1,
}
TEAM = {
    **DEV,
    "containerservice:AgentPool": 2,
    "keyvault:Secret": 2,
    "keyvault:Vault": 1,
    "monitor:DataCollectionRule": 1,
    "monitor:DataCollectionRuleAssociation": 1,
    "monitor:DiagnosticSetting": 1,
    "network:PrivateDnsZoneGroup": 3,
    "network:PrivateEndpoint": 3,
    "operationalinsights:Workspace": 1,
    "privatedns:PrivateZone": 4,
    "privatedns:VirtualNetworkLink": 4,
    "storage:ManagementPolicy": 1,
}
PRODUCTION = {
    **TEAM,
    "authorization:RoleAssignment": 6,
    "dashboard:Grafana": 1,
    "monitor:AzureMonitorWorkspace": 1,
    "monitor:DataCollectionEndpoint": 1,
    "monitor:DataCollectionRule": 2,
    "monitor:DataCollectionRuleAssociation": 2,
}
RESOURCES = {"dev": DEV, "team": TEAM, "production": PRODUCTION}
DATA = ("database-server", "redis", "storage")


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_made_of_these_resources(run, preset):
    assert Counter(azure(run(preset=preset)).values()) == RESOURCES[preset]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_first_preview_knows_every_resource_with_its_name(run, preset):
    graph = run(preset=preset, preview=True)
    assert Counter(azure(graph).values()) == RESOURCES[preset]
    for name in azure(graph):
        inputs = sent(graph, name)
        named = {key: value for key, value in inputs.items() if key.endswith("Name")}
        assert UNKNOWN not in named.values(), name
        assert named or {"scope", "resourceUri"} & inputs.keys(), name


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"preset": "production"}, {"listManagedClusterUserCredentials"}),
        ({"storage": {"auth": "key"}}, {"listManagedClusterAdminCredentials", "listStorageAccountKeys"}),
    ],
)
def test_a_first_preview_asks_nothing_of_a_cluster_or_account_that_does_not_exist(run, settings, expected):
    def asked(**more):
        tokens = {token for token, _ in run(**settings, **more).invokes if "containerservice" in token or "storage" in token}
        return {token.rpartition(":")[2] for token in tokens}

    assert asked() == expected
    assert asked(preview=True) == set()


def test_everything_is_made_and_asked_in_the_stacks_own_subscription(graph):
    assert graph.inputs["azure-arm"]["subscriptionId"] == "11111111-2222-3333-4444-555555555555"
    assert graph.edges["azure-arm"] == {"azure-subscription"}
    for name in azure(graph):
        assert "::azure-arm::" in graph.requests[name].provider, name
    assert graph.invokes
    for token, provider in graph.invokes:
        assert "::azure-arm::" in provider, token


def test_everything_comes_after_the_resource_group(graph):
    for name in azure(graph).keys() - {"resource-group"}:
        assert "resource-group" in graph.waits_for(name), name


def test_aks_and_data_services_do_not_wait_for_each_other(graph):
    others = {*DATA, "key-vault"} & graph.types.keys()
    assert not graph.waits_for("aks") & others
    for name in others:
        assert "aks" not in graph.waits_for(name)
        assert not graph.waits_for(name) & (others - {name})


def test_aks_waits_for_the_subnets_of_its_machines_and_for_its_roles_there(graph):
    # all of its pools are deleted with it: a subnet with machines in it cannot go before
    before = {name for name in graph.waits_for("aks") if name.startswith(("subnet-", "role-"))}
    assert before == {"subnet-nodes", "subnet-gpu-nodes", "role-aks-nodes", "role-aks-gpu-nodes"}


def test_subnets_are_made_one_after_the_other(graph):
    order = ["subnet-nodes", "subnet-gpu-nodes", "subnet-database", "subnet-endpoints"]
    for earlier, later in itertools.pairwise(order):
        assert earlier in graph.edges[later]


def test_pools_are_made_one_after_the_other_and_the_clusters_gate_comes_after_them(run):
    graph = run(preset="team", gpuPools=[{"name": "small", "max": 1}, {"name": "large", "max": 1}])
    for earlier, later in itertools.pairwise(["aks", "pool-cpu", "pool-small", "pool-large", "cluster-gate"]):
        assert earlier in graph.edges[later]


def test_the_clusters_gate_is_told_of_every_pool(run):
    graph = run(preset="team")
    pools = {pool["name"]: pool for pool in graph.inputs["cluster-gate"]["pools"]}
    assert list(pools) == ["system", "cpu", "gpu"]
    assert pools["gpu"] == {
        "name": "gpu",
        "minimum": 0,
        "maximum": 4,
        "gpus": 1,
        "labels": {"nvidia.com/gpu.present": "true"},
        "taints": ["nvidia.com/gpu=present:NoSchedule"],
    }


@pytest.mark.parametrize(
    "change",
    [
        {"kubernetes": "1.34"},
        {"gpuPools": [{"max": 3}]},
        {"gpuPools": [{"size": "Standard_NC80adis_H100_v5"}]},
        {"gpuPools": [{"zones": ["1"]}]},
        {"gpuPools": [{"maxPods": 50}]},
        {"gpuPools": [{"osDiskGib": 512}]},
        {"gpuPools": [{"spot": True}]},
        {"platform": {"gpuOperator": {"driver": "azure"}}},
        {"cpuPool": {}},
    ],
)
def test_what_an_update_changes_of_the_cluster_has_its_gate_look_again(run, change):
    assert run().inputs["cluster-gate"]["revision"] != run(**change).inputs["cluster-gate"]["revision"]


@pytest.mark.parametrize("change", [{"tags": {"owner": "me"}}, {"gpuPools": [{}]}, {"database": {"size": "GP_Standard_D2s_v3"}}])
def test_what_leaves_the_cluster_as_it_is_does_not_have_its_gate_look_again(run, change):
    assert run().inputs["cluster-gate"]["revision"] == run(**change).inputs["cluster-gate"]["revision"]


def test_nothing_in_the_cluster_outlives_it(graph):
    for name in ("pool-gpu", "remains", *graph.of_type("kubernetes:helm.sh/v3:Release")):
        assert graph.requests[name].deletedWith.endswith("ManagedCluster::aks"), name


def test_everything_that_can_have_tags_has_them(run):
    graph = run(preset="production", tags={"team": "synthetic"})
    without = {type_ for name, type_ in azure(graph).items() if graph.inputs[name].get("tags") != {"team": "synthetic"}}
    assert without == {
        "authorization:RoleAssignment",
        "dbforpostgresql:Configuration",
        "dbforpostgresql:Database",
        "managedidentity:FederatedIdentityCredential",
        "monitor:DataCollectionRuleAssociation",
        "monitor:DiagnosticSetting",
        "network:PrivateDnsZoneGroup",
        "network:Subnet",
        "redisenterprise:Database",
        "storage:BlobContainer",
        "storage:BlobServiceProperties",
        "storage:ManagementPolicy",
    }


def test_no_resource_carries_names_of_api_versions_along(graph):
    for name in azure(graph):
        assert not [alias for alias in graph.requests[name].aliases if "/v2" in alias.spec.type], name


def test_destroy_leaves_what_the_database_lies_in_when_data_stays(run):
    ours = {"resource-group", "network", "nsg-database", "subnet-database"}
    graph = run(data="retain")
    kept = {name for name in azure(graph) if graph.requests[name].retainOnDelete}
    assert ours <= kept
    assert not {"aks", "pool-gpu", "nat-gateway", "subnet-nodes", "redis"} & kept
    assert not [name for name in azure(run()) if run().requests[name].retainOnDelete]


def test_what_azure_leaves_out_of_an_answer_is_missed_by_name_but_not_in_a_preview(monkeypatch):
    from components.cluster.azure.base import told  # noqa: PLC0415 -- takes seconds, which the tests above spend anyway

    assert told("https://issuer.example/", "aks", "its OIDC issuer") == "https://issuer.example/"
    with pytest.raises(RuntimeError, match="Azure answered for aks without its OIDC issuer"):
        told(None, "aks", "its OIDC issuer")
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: True)
    assert told(None, "aks", "its OIDC issuer") == ""
