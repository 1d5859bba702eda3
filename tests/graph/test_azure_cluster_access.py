"""Who reaches AKS and what is around it, who logs in as whom with which role, and what of it is secret."""

import json

import pytest
import yaml

from tests.graph.azure_cluster import MINE, azure, graph, run, sent

__all__ = ["graph", "run"]  # the fixtures

NAT = "203.0.113.9/32"
SECRET = "4dabf18193072939515e22adb298388d"
PLANTED = ("planted-cluster-token", "planted-redis-key", "planted-storage-key")


def rules(graph, group):
    return {rule["name"]: rule for rule in graph.inputs[group]["securityRules"]}


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


def test_administrators_see_grafana(run):
    group = "aaaaaaaa-0000-0000-0000-000000000000"
    graph = run(preset="production", apiServer={"localAccounts": False, "adminGroups": [group]})
    assert graph.inputs["aks"]["aadProfile"]["adminGroupObjectIDs"] == [group]
    role = graph.inputs[f"role-grafana-{group}"]
    assert (role["principalId"], role["principalType"], role["scope"]) == (group, "Group", "grafana-id")
