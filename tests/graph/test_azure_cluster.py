"""AKS and what is around it as the program registers it: which resources, in which order, who reaches them, and what of it is secret."""

import itertools
import json
from collections import Counter

import pytest
import yaml
from google.protobuf import json_format

MINE = "198.51.100.7/32"
NAT = "203.0.113.9/32"
SECRET = "4dabf18193072939515e22adb298388d"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
RELEASE = "kubernetes:helm.sh/v3:Release"
SPOT_TAINT = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"
SPOT = {"key": "kubernetes.azure.com/scalesetpriority", "operator": "Equal", "value": "spot", "effect": "NoSchedule"}
PLANTED = ("planted-cluster-token", "planted-redis-key", "planted-storage-key")

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
PRESETS = {"dev": DEV, "team": TEAM, "production": PRODUCTION}
PATCHES, EVERYTHING = {"channel": "patch"}, {"channel": "stable", "nodeOs": "NodeImage"}
WINDOW = {"day": "Friday", "startHour": 3, "hours": 5}
DATA = ("database-server", "redis", "storage")


@pytest.fixture(scope="module")
def made():
    """Graphs by what they were made of, each made once."""
    return {}


@pytest.fixture
def run(run_program, made):
    def in_azure(*, preview=False, data="delete", platform=None, **cluster):
        sections = {"cluster": {"kind": "azure", "allowedRanges": [MINE], "acceptUnvalidated": True, **cluster}, "data": data}
        key = json.dumps([sections, platform, preview], sort_keys=True)
        if key not in made:
            made[key] = run_program(preview=preview, platform=platform or {}, **sections)
        return made[key]

    return in_azure


@pytest.fixture(params=PRESETS)
def graph(request, run):
    return run(preset=request.param)


def azure(graph):
    return {name: type_.removeprefix("azure-native:") for name, type_ in graph.types.items() if type_.startswith("azure-native:")}


def sent(graph, name):
    """Inputs as they go to the engine, with secrets marked."""
    return json_format.MessageToDict(graph.requests[name].object)


def rules(graph, group):
    return {rule["name"]: rule for rule in graph.inputs[group]["securityRules"]}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_made_of_these_resources(run, preset):
    assert Counter(azure(run(preset=preset)).values()) == PRESETS[preset]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_first_preview_knows_every_resource_with_its_name(run, preset):
    graph = run(preset=preset, preview=True)
    assert Counter(azure(graph).values()) == PRESETS[preset]
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


def test_nobody_is_let_in_from_everywhere(graph):
    groups = [name for name, type_ in azure(graph).items() if type_ == "network:NetworkSecurityGroup"]
    for rule in (rule for group in groups for rule in rules(graph, group).values()):
        assert rule["description"]
        if rule["access"] == "Allow":
            assert "sourceAddressPrefix" not in rule
            assert not {"*", "0.0.0.0/0", "Internet"} & set(rule["sourceAddressPrefixes"])
    assert "0.0.0.0/0" not in json.dumps({name: sent(graph, name) for name in azure(graph)})


@pytest.mark.parametrize(
    ("group", "ports", "denied"),
    [
        ("nsg-nodes", None, "Internet"),
        ("nsg-gpu-nodes", None, "Internet"),
        ("nsg-database", ["5432", "6432"], "VirtualNetwork"),
        ("nsg-endpoints", ["443", "10000"], "VirtualNetwork"),
    ],
)
def test_a_subnet_lets_in_what_it_is_for_and_denies_the_rest_by_a_rule(run, group, ports, denied):
    found = rules(run(), group)
    allowed = [rule for rule in found.values() if rule["access"] == "Allow"]
    refused = [rule for rule in found.values() if rule["access"] == "Deny"]
    assert [rule["sourceAddressPrefix"] for rule in refused] == [denied]
    assert max(rule["priority"] for rule in allowed) < refused[0]["priority"]
    first = allowed[0]
    nodes = ["10.0.16.0/20", "10.0.32.0/20"]
    assert first["sourceAddressPrefixes"] == (nodes if ports else [*nodes, "10.244.0.0/16"])
    assert first.get("destinationPortRanges") == ports


def test_every_subnet_has_its_own_security_group(graph):
    for subnet in ("nodes", "gpu-nodes", "database", "endpoints"):
        assert f"nsg-{subnet}" in graph.edges[f"subnet-{subnet}"]
    assert graph.inputs["subnet-endpoints"]["privateEndpointNetworkPolicies"] == "NetworkSecurityGroupEnabled"
    assert graph.inputs["subnet-database"]["delegations"][0]["serviceName"] == "Microsoft.DBforPostgreSQL/flexibleServers"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [MINE, NAT]),
        ({"allowedRanges": ["198.51.100.7", "192.0.2.0/24"]}, [MINE, "192.0.2.0/24", NAT]),
        ({"network": {"egress": "load-balancer"}}, [MINE]),
    ],
)
def test_the_api_server_is_reached_from_these_ranges(run, settings, expected):
    access = run(**settings).inputs["aks"]["apiServerAccessProfile"]
    assert access == {"enablePrivateCluster": False, "authorizedIPRanges": expected}


def test_a_private_api_server_has_no_ranges(run):
    access = run(apiServer={"access": "private"}, allowedRanges=[]).inputs["aks"]["apiServerAccessProfile"]
    assert access == {"enablePrivateCluster": True, "enablePrivateClusterPublicFQDN": False, "privateDNSZone": "system"}


@pytest.mark.parametrize(("egress", "outbound"), [("nat-gateway", "userAssignedNATGateway"), ("load-balancer", "loadBalancer")])
def test_the_way_out_is_the_one_that_was_asked_for(run, egress, outbound):
    graph = run(network={"egress": egress})
    profile = graph.inputs["aks"]["networkProfile"]
    assert profile["outboundType"] == outbound
    assert ("nat-gateway" in graph.edges["subnet-nodes"]) == (egress == "nat-gateway")
    assert "nat-gateway" not in graph.edges["subnet-database"] | graph.edges["subnet-endpoints"]
    addresses = {key: profile[key] for key in ("podCidr", "serviceCidr", "dnsServiceIP")}
    assert addresses == {"podCidr": "10.244.0.0/16", "serviceCidr": "192.168.0.0/16", "dnsServiceIP": "192.168.0.10"}
    assert (profile["networkPluginMode"], profile["networkPolicy"]) == ("overlay", "cilium")


def test_pods_can_have_identities_and_people_log_in_with_entra(graph):
    inputs = graph.inputs["aks"]
    assert inputs["oidcIssuerProfile"] == {"enabled": True}
    assert inputs["securityProfile"] == {"workloadIdentity": {"enabled": True}}
    assert inputs["enableRBAC"]
    assert inputs["aadProfile"]["enableAzureRBAC"]
    assert inputs["identity"]["type"] == "UserAssigned"


def test_with_local_accounts_the_way_in_is_the_administrators(run):
    graph = run()
    assert graph.inputs["aks"]["disableLocalAccounts"] is False
    assert "role-aks-deployer" not in graph.types
    connection = graph.inputs["cluster-gate"]["connection"]["value"]
    assert "planted-cluster-token" in connection["kubeconfig"]
    assert connection["context"] == "aks-sdg-dev"


def test_without_local_accounts_the_way_in_is_the_deployers(run):
    graph = run(apiServer={"localAccounts": False})
    assert graph.inputs["aks"]["disableLocalAccounts"] is True
    role = graph.inputs["role-aks-deployer"]
    assert (role["principalId"], role["principalType"], role["scope"]) == ("deployer", "User", "aks-id")
    # somebody else's update must not take it from whoever made the stack
    assert graph.requests["role-aks-deployer"].ignoreChanges == ["principalId", "principalType"]
    kubeconfig = yaml.safe_load(graph.inputs["cluster-gate"]["connection"]["value"]["kubeconfig"])
    assert kubeconfig["users"][0]["user"]["exec"]["args"] == ["get-token", "--login", "azurecli"]
    assert "role-aks-deployer" in graph.waits_for("aks-access")


@pytest.mark.parametrize("preview", [False, True])
def test_nothing_in_a_cluster_without_local_accounts_is_made_before_a_role_holds_there(run, preview):
    graph = run(preset="production", preview=preview)
    inside = {name for name, type_ in graph.types.items() if type_.startswith("kubernetes:") or "connection" in graph.inputs[name]}
    inside |= {"azure-kubernetes"}
    for name in inside - {"aks-access"}:
        assert "aks-access/verdict" in graph.waits_for(name), name
    assert "aks-access" not in run().types
    if not preview:
        asked = graph.inputs["aks-access"]
        assert (asked["who"], asked["role"]) == ("principal deployer", "role-aks-deployer-id")
        assert "--assignee-object-id deployer --scope aks-id" in asked["remedy"]


def test_a_machine_that_deploys_gets_its_role_as_a_machine(run_program, monkeypatch):
    monkeypatch.setenv("ARM_CLIENT_ID", "an-application")
    monkeypatch.setenv("ARM_CLIENT_SECRET", "planted-client-secret")
    cluster = {"kind": "azure", "allowedRanges": [MINE], "acceptUnvalidated": True, "apiServer": {"localAccounts": False}}
    graph = run_program(cluster=cluster)
    assert graph.inputs["role-aks-deployer"]["principalType"] == "ServicePrincipal"
    assert "planted-client-secret" not in json.dumps([sent(graph, name) for name in graph.requests])


def test_roles_say_what_their_principal_is_and_go_before_they_are_made_anew(graph):
    roles = [name for name, type_ in azure(graph).items() if type_ == "authorization:RoleAssignment"]
    for role in roles:
        assert graph.inputs[role]["principalType"] in ("ServicePrincipal", "User")
        assert (graph.inputs[role]["principalType"] == "User") == role.endswith("-deployer")
        assert graph.requests[role].deleteBeforeReplace
        # the provider makes it when the role is given: one of a former life may still be somewhere, for a principal that is gone
        assert "roleAssignmentName" not in graph.inputs[role]


def test_a_role_on_the_cluster_is_taken_back_since_azure_keeps_it_when_the_cluster_goes(run):
    request = run(preset="production").requests["role-aks-deployer"]
    assert not request.deletedWith
    assert [urn.rpartition("::")[2] for urn in request.replace_with] == ["aks"]


def test_the_clusters_identity_may_put_machines_into_its_subnets_and_nothing_else(run):
    graph = run()
    scopes = {name: graph.inputs[name]["scope"] for name in graph.types if name.startswith("role-") and "aks-identity" in graph.edges[name]}
    assert scopes == {"role-aks-nodes": "subnet-nodes-id", "role-aks-gpu-nodes": "subnet-gpu-nodes-id"}


def test_osmos_pods_and_no_others_log_in_as_its_identity(run):
    graph = run()
    login = graph.inputs["osmo-login"]
    assert login["subject"] == "system:serviceaccount:osmo-minimal:osmo"
    assert login["issuer"] == "https://issuer.example/"
    assert login["audiences"] == ["api://AzureADTokenExchange"]
    assert graph.inputs["role-osmo-blob"]["scope"] == "storage-id"
    (release,) = [name for name in graph.of_type("kubernetes:helm.sh/v3:Release") if graph.inputs[name]["name"] == "osmo-minimal"]
    assert "osmo-login" in graph.waits_for(release)


def test_osmo_has_no_identity_where_it_logs_in_with_the_key(run):
    graph = run(storage={"auth": "key"})
    assert not {"osmo-identity", "osmo-login", "role-osmo-blob"} & graph.types.keys()


@pytest.mark.parametrize(
    ("settings", "also"),
    [
        ({"preset": "team"}, {"planted-cluster-token"}),
        ({"preset": "production"}, set()),
        ({"storage": {"auth": "key"}}, {"planted-cluster-token", "planted-storage-key"}),
    ],
)
def test_no_key_is_plain_anywhere(run, settings, also):
    graph = run(**settings)

    def plain(value):
        if isinstance(value, dict):
            return "" if SECRET in value else " ".join(plain(each) for each in value.values())
        return " ".join(plain(each) for each in value) if isinstance(value, list) else str(value)

    for name in graph.requests:
        assert not [key for key in PLANTED if key in plain(sent(graph, name))], name
    # they are there, or nothing could be found
    secret = json.dumps([sent(graph, name) for name in graph.requests])
    assert {key for key in PLANTED if key in secret} == {"planted-redis-key", *also}


def test_gpu_nodes_are_marked_from_the_start_and_may_be_none(run):
    pool = run().inputs["pool-gpu"]
    assert pool["nodeTaints"] == ["nvidia.com/gpu=present:NoSchedule"]
    assert pool["nodeLabels"] == {"nvidia.com/gpu.present": "true"}
    assert (pool["count"], pool["minCount"], pool["maxCount"], pool["enableAutoScaling"]) == (0, 0, 1, True)
    assert pool["scaleSetPriority"] == "Regular"
    assert not {"scaleSetEvictionPolicy", "spotMaxPrice"} & pool.keys()


@pytest.mark.parametrize(("owner", "driver"), [("operator", "None"), ("azure", "Install")])
def test_the_gpu_driver_has_one_owner(run, owner, driver):
    graph = run(platform={"gpuOperator": {"driver": owner}})
    assert graph.inputs["pool-gpu"]["gpuProfile"] == {"driver": driver}
    assert graph.inputs["gpu-operator-release"]["values"]["driver"]["enabled"] == (owner == "operator")


def test_spot_nodes_declare_what_aks_would_add_by_itself(run):
    pool = run(gpuPools=[{"spot": True, "size": "Standard_NC24ads_A100_v4", "zones": ["1", "2"]}]).inputs["pool-gpu"]
    assert (pool["scaleSetPriority"], pool["scaleSetEvictionPolicy"], pool["spotMaxPrice"]) == ("Spot", "Delete", -1)
    assert "kubernetes.azure.com/scalesetpriority=spot:NoSchedule" in pool["nodeTaints"]
    assert pool["nodeLabels"]["kubernetes.azure.com/scalesetpriority"] == "spot"
    assert pool["availabilityZones"] == ["1", "2"]
    assert "upgradeSettings" not in pool


def tolerated(graph):
    """Who tolerates spot nodes: OSMO's platforms, the GPU operator's pods by part, and the pod that makes a pool grow."""

    def spot(pod):
        return SPOT in pod.get("tolerations", [])

    (osmo,) = [each for each in map(graph.inputs.get, graph.of_type(RELEASE)) if each["name"] == "osmo-minimal"]
    configs = osmo["values"]["services"]["configs"]
    templates = {name: spot(template["spec"]) for name, template in configs.get("podTemplates", {}).items()}
    platforms = configs.get("pools", {"default": {"platforms": {}}})["default"]["platforms"]
    found = {name for name, platform in platforms.items() if any(templates[each] for each in platform["override_pod_template"])}
    operator = graph.inputs.get("gpu-operator-release", {"values": {}})["values"]
    parts = {"daemonsets": operator.get("daemonsets", {}), "worker": operator.get("node-feature-discovery", {}).get("worker", {})}
    found |= {name for name, part in parts.items() if spot(part)}
    workflows = {each["name"]: each for each in graph.inputs["smoke-gate"]["workflows"]}
    assert "taints" not in workflows["verify-hello"]
    return found | ({"growth"} if workflows.get("verify-gpu", {}).get("taints") == [SPOT_TAINT] else set())


@pytest.mark.parametrize(
    ("pools", "who"),
    [
        ({}, set()),
        ({"preset": "team"}, set()),
        ({"gpuPools": [{"spot": True}]}, {"gpu", "daemonsets", "worker", "growth"}),
        ({"gpuPools": [{"name": "a"}, {"name": "b", "spot": True}]}, {"gpu", "daemonsets", "worker", "growth"}),
        ({"cpuPool": {"spot": True}}, {"default"}),
        ({"cpuPool": {"spot": True}, "gpuPools": []}, {"default"}),
        ({"cpuPool": {"spot": True}, "gpuPools": [{"spot": True}]}, {"default", "gpu", "daemonsets", "worker", "growth"}),
    ],
)
def test_whatever_a_spot_pool_is_for_tolerates_its_nodes_and_nothing_else_does(run, pools, who):
    assert tolerated(run(**pools)) == who


def state_of(graph, **changes):
    """What the state holds of pools once they were made: the cluster's list has all of them, as after a refresh."""
    own = {name: graph.inputs[name] for name, type_ in azure(graph).items() if type_ == "containerservice:AgentPool"}
    pools = {inputs["agentPoolName"]: {**inputs, "name": inputs["agentPoolName"]} for inputs in own.values()}
    (system,) = graph.inputs["aks"]["agentPoolProfiles"]
    known = {name: {**pool, **changes.get(name, {})} for name, pool in {**pools, "system": system}.items()}
    listed = [known[name] for name in sorted(known)]
    found = {"aks": {"type": "azure-native:containerservice:ManagedCluster", "outputs": {"agentPoolProfiles": listed}}}
    return found | {name: {"type": "azure-native:containerservice:AgentPool", "outputs": known[name]} for name in pools}


@pytest.fixture
def again(run, run_program):
    """A later update: `before` is what the state says of pools that differs from what they were made with."""

    def updated(before=None, **cluster):
        state = state_of(run(**({"preset": cluster["preset"]} if "preset" in cluster else {})), **(before or {}))
        sections = {"kind": "azure", "allowedRanges": [MINE], "acceptUnvalidated": True, **cluster}
        return run_program(cluster=sections, state=state)

    return updated


def ignored(graph, name):
    return list(graph.requests[name].ignoreChanges)


def said(graph, name):
    """How many nodes an update asks for, and between which bounds."""
    pool = graph.inputs["aks"]["agentPoolProfiles"][0] if name == "aks" else graph.inputs[name]
    return pool["count"], pool["minCount"], pool["maxCount"]


def test_the_autoscaler_decides_how_many_nodes_there_are(again):
    graph = again({"gpu": {"count": 3.0}, "cpu": {"count": 1.0}, "system": {"count": 3.0}}, preset="team")
    assert ignored(graph, "aks") == ["agentPoolProfiles"]
    assert ignored(graph, "pool-gpu") == ignored(graph, "pool-cpu") == ["count"]


def test_a_new_pool_has_its_minimum(graph):
    assert not ignored(graph, "aks")
    assert not ignored(graph, "pool-gpu")
    assert said(graph, "pool-gpu")[0] == 0
    assert said(graph, "aks")[0] == said(graph, "aks")[1]
    assert graph.requests["pool-gpu"].deleteBeforeReplace


@pytest.mark.parametrize(
    ("had", "settings", "asked"),
    [
        (0, {"min": 2, "max": 4}, (2, 2, 4)),
        (3, {"min": 2, "max": 4}, (3, 2, 4)),
        (4, {"max": 2}, (2, 0, 2)),
        (3, {"max": 5}, (3, 0, 5)),
        (3, {"max": 4, "osDiskGib": 512}, (3, 0, 4)),
    ],
)
def test_a_pool_that_changes_is_asked_for_the_nodes_that_it_has_within_its_bounds(again, had, settings, asked):
    graph = again({"gpu": {"count": had, "maxCount": 4}}, gpuPools=[settings])
    assert said(graph, "pool-gpu") == asked
    assert not ignored(graph, "pool-gpu")
    assert not ignored(graph, "aks")


def test_a_system_pool_that_changes_is_asked_for_the_nodes_that_it_has(again):
    graph = again({"system": {"count": 1.0}}, systemPool={"min": 2, "max": 4})
    assert said(graph, "aks") == (2, 2, 4)
    assert not ignored(graph, "aks")
    assert ignored(graph, "pool-gpu") == ["count"]


@pytest.mark.parametrize(
    ("before", "cluster"),
    [
        ({"gpu": {"provisioningState": "Failed"}}, {}),
        ({"gpu": {"nodeTaints": []}}, {}),
        ({"gpu": {"gpuProfile": {"driver": "Install"}}}, {}),
        ({"gpu": {"scaleSetPriority": "Spot"}}, {}),
        ({"gpu": {"orchestratorVersion": "1.34"}}, {}),
        ({}, {"gpuPools": []}),
        ({}, {"gpuPools": [{}, {"name": "more"}]}),
        ({}, {"unlock": ["cluster"]}),
    ],
)
def test_the_list_of_pools_is_said_anew_when_one_of_them_changes_comes_or_goes(again, before, cluster):
    assert not ignored(again(before, **cluster), "aks")


def test_patches_and_versions_that_aks_chooses_change_no_pool(again):
    assert ignored(again({"gpu": {"orchestratorVersion": "1.35.3"}}), "aks") == ["agentPoolProfiles"]
    graph = again({"system": {"orchestratorVersion": "1.36"}}, upgrades={**EVERYTHING, **WINDOW}, systemPool={"max": 6})
    assert graph.inputs["aks"]["agentPoolProfiles"][0]["orchestratorVersion"] == "1.36"


def test_the_system_pool_keeps_nothing_off_since_osmo_runs_on_it(graph):
    (pool,) = graph.inputs["aks"]["agentPoolProfiles"]
    assert (pool["name"], pool["mode"]) == ("system", "System")
    assert not {"nodeTaints", "gpuProfile"} & pool.keys()
    assert pool["osDiskType"] == "Managed"


def test_every_pool_follows_the_clusters_version(run):
    inputs = run(preset="team", kubernetes="1.34").inputs
    versions = {
        inputs["aks"]["kubernetesVersion"],
        inputs["aks"]["agentPoolProfiles"][0]["orchestratorVersion"],
        inputs["pool-cpu"]["orchestratorVersion"],
        inputs["pool-gpu"]["orchestratorVersion"],
    }
    assert versions == {"1.34"}


def test_aks_changes_nothing_by_itself_unless_it_is_asked_to(graph):
    assert graph.inputs["aks"]["autoUpgradeProfile"] == {"upgradeChannel": "none", "nodeOSUpgradeChannel": "None"}
    assert not [name for name in graph.types if name.startswith("maintenance-")]


@pytest.mark.parametrize(
    ("upgrades", "windows"),
    [
        (PATCHES, {"aksManagedAutoUpgradeSchedule"}),
        ({"nodeOs": "SecurityPatch"}, {"aksManagedNodeOSUpgradeSchedule"}),
        ({"nodeOs": "Unmanaged"}, set()),
        (EVERYTHING, {"aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"}),
    ],
)
def test_what_aks_changes_by_itself_has_its_window(run, upgrades, windows):
    graph = run(upgrades={**upgrades, **WINDOW})
    found = [graph.inputs[name] for name in graph.types if name.startswith("maintenance-")]
    assert {each["configName"] for each in found} == windows
    for each in found:
        assert each["maintenanceWindow"] == {
            "durationHours": 5,
            "schedule": {"weekly": {"dayOfWeek": "Friday", "intervalWeeks": 1}},
            "startTime": "03:00",
            "utcOffset": "+00:00",
        }


@pytest.mark.parametrize(("upgrades", "moves"), [(PATCHES, False), (EVERYTHING, True)])
def test_a_version_that_aks_moves_on_is_not_moved_back(run, upgrades, moves):
    graph = run(upgrades={**upgrades, **WINDOW})
    assert ("kubernetesVersion" in graph.requests["aks"].ignoreChanges) == moves
    assert ("orchestratorVersion" in graph.requests["pool-gpu"].ignoreChanges) == moves


def test_long_term_support_is_a_plan_of_its_own(run):
    inputs = run(lts=True, tier="Premium").inputs["aks"]
    assert (inputs["supportPlan"], inputs["sku"]) == ("AKSLongTermSupport", {"name": "Base", "tier": "Premium"})
    assert run().inputs["aks"]["supportPlan"] == "KubernetesOfficial"


def test_logs_and_metrics_are_collected_where_they_were_asked_for(run):
    graph = run(preset="production")
    watched = graph.inputs["aks"]
    config = {"logAnalyticsWorkspaceResourceID": "log-workspace-id", "useAADAuth": "true"}
    assert watched["addonProfiles"] == {"omsagent": {"enabled": True, "config": config}}
    assert watched["azureMonitorProfile"] == {"metrics": {"enabled": True}}
    assert graph.inputs["audit-log"]["logs"] == [{"category": "kube-audit-admin", "enabled": True}]
    associations = {graph.inputs[name]["associationName"] for name in ("log-association", "metrics-association")}
    assert associations == {"ContainerInsightsExtension", "ContainerInsightsMetricsExtension"}


def test_what_is_off_is_said_since_azure_keeps_what_is_left_out(run):
    inputs = run().inputs["aks"]
    assert inputs["addonProfiles"] == {"omsagent": {"enabled": False}}
    assert inputs["azureMonitorProfile"] == {"metrics": {"enabled": False}}
    assert inputs["aadProfile"]["adminGroupObjectIDs"] == []


def test_what_azure_leaves_out_of_an_answer_is_missed_by_name_but_not_in_a_preview(monkeypatch):
    from components.cluster.azure.base import told  # noqa: PLC0415 -- takes seconds, which the tests above spend anyway

    assert told("https://issuer.example/", "aks", "its OIDC issuer") == "https://issuer.example/"
    with pytest.raises(RuntimeError, match="Azure answered for aks without its OIDC issuer"):
        told(None, "aks", "its OIDC issuer")
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: True)
    assert told(None, "aks", "its OIDC issuer") == ""


def test_administrators_see_grafana(run):
    group = "aaaaaaaa-0000-0000-0000-000000000000"
    graph = run(preset="production", apiServer={"localAccounts": False, "adminGroups": [group]})
    assert graph.inputs["aks"]["aadProfile"]["adminGroupObjectIDs"] == [group]
    role = graph.inputs[f"role-grafana-{group}"]
    assert (role["principalId"], role["principalType"], role["scope"]) == (group, "Group", "grafana-id")


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
