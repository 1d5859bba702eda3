"""Nothing is made of, in or below what is not there, and nothing goes that others need."""

from __future__ import annotations

import pytest

from rehearsal.azure.account import SUBSCRIPTION
from rehearsal.azure.world import Resource
from tests.unit.azure_simulator.site import Site, refused

NOWHERE = "/subscriptions/5d600000-0000-4000-8000-000000000001/resourceGroups/rg/providers"


def test_a_resource_needs_its_group() -> None:
    with refused("ResourceGroupNotFound"):
        Site().network()


def test_a_subnet_needs_its_network(site: Site) -> None:
    with refused("ParentResourceNotFound"):
        site.subnet()


def test_a_pool_needs_its_cluster(site: Site) -> None:
    with refused("ParentResourceNotFound"):
        site.pool()


def test_a_container_needs_its_account_and_not_the_service_between(site: Site) -> None:
    with refused("ParentResourceNotFound"):
        site.put("storage:BlobContainer", accountName="stx", containerName="osmo")
    site.storage()
    assert site.put("storage:BlobContainer", accountName="stx", containerName="osmo").state == "Succeeded"


def test_a_private_endpoint_leads_nowhere(site: Site) -> None:
    site.network()
    subnet = site.subnet()
    connection = {"name": "c", "privateLinkServiceId": f"{NOWHERE}/Microsoft.Storage/storageAccounts/none", "groupIds": ["blob"]}
    with refused("InvalidResourceReference") as found:
        site.put("network:PrivateEndpoint", privateEndpointName="pe", subnet={"id": subnet.id}, privateLinkServiceConnections=[connection])
    assert "storageAccounts/none" in found.value.message


def test_a_reference_to_what_nobody_simulates_is_one_to_nothing(site: Site) -> None:
    with refused("ResourceNotFound"):
        site.cluster(diskEncryptionSetID=f"{NOWHERE}/Microsoft.Compute/diskEncryptionSets/none")


def test_a_server_needs_a_delegated_subnet_and_a_linked_zone(site: Site) -> None:
    network = site.network()
    plain, delegated, zone = site.subnet(), site.delegated(), site.zone()
    with refused("SubnetNotDelegated"):
        site.server(plain, zone)
    with refused("PrivateDnsZoneNotLinkedToVirtualNetwork"):
        site.server(delegated, zone)
    site.link(zone, network)
    assert site.server(delegated, zone).outputs["fullyQualifiedDomainName"] == "psql-x.postgres.database.azure.com"


def test_a_servers_zone_is_not_called_like_the_server(site: Site) -> None:
    site.network()
    with refused("PrivateDnsZoneNameNotValid"):
        site.server(site.delegated(), site.zone("psql-x.postgres.database.azure.com"))


def test_a_subnet_in_use_stays_and_so_does_its_network(site: Site) -> None:
    network = site.network()
    delegated, zone = site.delegated(), site.zone()
    site.link(zone, network)
    server = site.server(delegated, zone)
    with refused("InUseSubnetCannotBeDeleted") as found:
        site.delete(delegated)
    assert server.id in found.value.message
    site.delete(server)
    site.delete(delegated)


def test_what_a_subnet_uses_stays(site: Site) -> None:
    site.network()
    group = site.put("network:NetworkSecurityGroup", networkSecurityGroupName="nsg")
    standard = {"name": "Standard"}
    address = site.put("network:PublicIPAddress", publicIpAddressName="ip", publicIPAllocationMethod="Static", sku=standard)
    gateway = site.put("network:NatGateway", natGatewayName="nat", sku=standard, publicIpAddresses=[{"id": address.id}])
    subnet = site.subnet(networkSecurityGroup={"id": group.id}, natGateway={"id": gateway.id})
    for one, code in ((group, "InUseNetworkSecurityGroupCannotBeDeleted"), (gateway, "InUseNatGatewayCannotBeDeleted")):
        with refused(code):
            site.delete(one)
    with refused("PublicIPAddressCannotBeDeleted"):
        site.delete(address)
    for one in (subnet, gateway, address, group):
        site.delete(one)


def test_a_firewalls_rule_does_not_hold_a_subnet(site: Site) -> None:
    site.network()
    subnet = site.subnet(serviceEndpoints=[{"service": "Microsoft.Storage"}])
    rules = {"defaultAction": "Deny", "virtualNetworkRules": [{"virtualNetworkResourceId": subnet.id}]}
    site.storage(networkRuleSet=rules)
    site.delete(subnet)


def test_a_zone_with_links_and_an_account_with_projects_stay(site: Site) -> None:
    zone = site.zone()
    link = site.link(zone, site.network())
    account = site.foundry(allowProjectManagement=True)
    project = site.put("cognitiveservices:Project", accountName="foundry", projectName="project-one", properties={})
    for outer, inner in ((zone, link), (account, project)):
        with refused("CannotDeleteResource") as found:
            site.delete(outer)
        assert inner.name in found.value.message
        site.delete(inner)
        site.delete(outer)


def test_a_group_takes_everything_along_and_a_cluster_its_pools(site: Site) -> None:
    told: list[str] = []
    site.world.on_deleted("Microsoft.ContainerService/managedClusters/agentPools", lambda pool: told.append(pool.name))
    site.world.on_deleted("Microsoft.ContainerService/managedClusters", lambda cluster: told.append(cluster.name))
    site.cluster()
    site.pool()
    site.delete(site.world.resources("Microsoft.Resources/resourceGroups")[0])
    assert told == ["gpu", "aks"]
    assert site.world.resources() == []


def test_deleting_what_is_gone_is_no_error(site: Site) -> None:
    network = site.network()
    site.delete(network)
    site.delete(network)


def test_ids_are_compared_without_regard_to_case(site: Site) -> None:
    network = site.network()
    assert site.world.read(network.type.upper(), network.id.upper()) == network
    site.subnet(natGateway=None, name="nodes")
    with pytest.raises(Exception, match="NatGateways/NONE"):
        site.subnet("other", "10.0.3.0/24", natGateway={"id": f"{NOWHERE}/Microsoft.Network/NatGateways/NONE"})


def test_an_identity_must_exist_before_a_role_is_given_to_it(site: Site) -> None:
    account = site.storage()
    role = (
        f"{NOWHERE.partition('/resourceGroups')[0]}/providers/Microsoft.Authorization/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe"
    )
    given = {"scope": account.id, "roleAssignmentName": "0" * 8 + "-0000-4000-8000-" + "0" * 12, "roleDefinitionId": role}
    with refused("PrincipalNotFound"):
        site.put("authorization:RoleAssignment", given, principalId=account.uid, principalType="ServicePrincipal")
    identity = site.put("managedidentity:UserAssignedIdentity", resourceName="id-one")
    with refused("UnmatchedPrincipalType"):
        site.put("authorization:RoleAssignment", given, principalId=identity.outputs["principalId"], principalType="User")
    made = site.put("authorization:RoleAssignment", given, principalId=identity.outputs["principalId"], principalType="ServicePrincipal")
    other = {**given, "roleAssignmentName": "1" * 8 + "-0000-4000-8000-" + "0" * 12}
    with refused("RoleAssignmentExists") as found:
        site.put("authorization:RoleAssignment", other, principalId=identity.outputs["principalId"], principalType="ServicePrincipal")
    assert made.name in found.value.message


def test_a_role_outlives_what_it_was_given_for_and_its_name_is_nobody_elses(site: Site) -> None:
    role = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe"
    who = site.put("managedidentity:UserAssignedIdentity", resourceName="id-one").outputs["principalId"]
    other = site.put("managedidentity:UserAssignedIdentity", resourceName="id-two").outputs["principalId"]

    def given(name: str, principal: str) -> Resource:
        place = {"scope": site.storage().id, "roleAssignmentName": f"{name * 8}-0000-4000-8000-000000000000", "roleDefinitionId": role}
        return site.put("authorization:RoleAssignment", place, principalId=principal, principalType="ServicePrincipal")

    first = given("0", who)
    site.delete(site.storage())
    with refused("RoleAssignmentExists"):
        given("1", who)
    with refused("RoleAssignmentUpdateNotPermitted"):
        given("0", other)
    site.delete(first)
    assert given("1", who)
