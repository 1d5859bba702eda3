"""Each service refuses what it refuses in Azure, with its own code."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.azure.resources import Resource
from tests.unit.azure_simulator.site import CLUSTER, REGION, SERVER, SYSTEM, Site, refused

HTTPS = {
    "name": "AllowHttps",
    "access": "Allow",
    "direction": "Inbound",
    "protocol": "Tcp",
    "priority": 1000,
    "sourceAddressPrefix": "10.0.0.0/24",
    "sourcePortRange": "*",
    "destinationAddressPrefix": "*",
    "destinationPortRange": "443",
}
RULES = [
    ("SecurityRuleInvalidPriority", [{**HTTPS, "priority": 99}]),
    ("SecurityRuleInvalidPriority", [{**HTTPS, "priority": 4097}]),
    ("SecurityRuleInvalidAddressPrefix", [{**HTTPS, "sourceAddressPrefix": "10.0.0.300"}]),
    ("SecurityRuleAddressPrefixNotSpecified", [{**HTTPS, "sourceAddressPrefix": None}]),
    ("SecurityRuleParameterConflict", [{**HTTPS, "sourceAddressPrefixes": ["10.0.0.0/24"]}]),
    ("SecurityRuleInvalidPortRange", [{**HTTPS, "destinationPortRange": "443-80"}]),
    ("SecurityRulePortRangeNotSpecified", [{**HTTPS, "destinationPortRanges": ["80"]}]),
    ("SecurityRuleConflict", [HTTPS, {**HTTPS, "name": "Other"}]),
    ("SecurityRuleConflict", [HTTPS, {**HTTPS, "priority": 1001}]),
]


@pytest.mark.parametrize(("code", "rules"), RULES)
def test_a_security_group_refuses_rules_that_make_no_sense(site: Site, code: str, rules: list[dict[str, Any]]) -> None:
    given = [{name: value for name, value in rule.items() if value is not None} for rule in rules]
    with refused(code):
        site.put("network:NetworkSecurityGroup", networkSecurityGroupName="nsg", securityRules=given)


def test_rules_of_other_directions_and_service_tags_do_not_conflict(site: Site) -> None:
    rules = [HTTPS, {**HTTPS, "name": "Out", "direction": "Outbound", "sourceAddressPrefix": "VirtualNetwork"}]
    assert site.put("network:NetworkSecurityGroup", networkSecurityGroupName="nsg", securityRules=rules)


@pytest.mark.parametrize(
    ("code", "prefix"),
    [
        ("NetcfgInvalidSubnet", "10.1.0.0/24"),
        ("NetcfgInvalidSubnet", "10.0.1.0/30"),
        ("NetcfgSubnetRangesOverlap", "10.0.1.128/25"),
        ("InvalidAddressPrefixFormat", "10.0.1.1/24"),
    ],
)
def test_a_subnet_lies_in_its_network_and_beside_the_others(site: Site, code: str, prefix: str) -> None:
    site.network()
    site.subnet()
    with refused(code):
        site.subnet("other", prefix)


def test_a_network_cannot_drop_the_range_of_a_subnet(site: Site) -> None:
    network = site.network()
    site.subnet()
    with refused("InUsePrefixCannotBeDeleted"):
        site.again(network, addressSpace={"addressPrefixes": ["10.9.0.0/16"]})


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("InvalidSku", {"sku": {"name": "Standard_D2s_v3", "tier": "Burstable"}}),
        ("InvalidStorageSize", {"storage": {"storageSizeGB": 33}}),
        ("HighAvailabilityNotSupported", {"highAvailability": {"mode": "ZoneRedundant"}}),
        ("InvalidBackupRetentionDays", {"backup": {"backupRetentionDays": 36}}),
        ("InvalidAdministratorLoginName", {"administratorLogin": "azure_superuser"}),
        ("PasswordTooSimple", {"administratorLoginPassword": "abcdefghij"}),
        ("PasswordTooSimple", {"administratorLoginPassword": "Osmo1234-abc"}),
        ("MissingAdministratorLoginPassword", {"administratorLoginPassword": None}),
        ("LocationNotAvailableForResourceType", {"location": "atlantis"}),
    ],
)
def test_postgresql_refuses(site: Site, code: str, change: dict[str, Any]) -> None:
    with refused(code):
        site.put("dbforpostgresql:Server", {**SERVER, **change})


def test_postgresqls_storage_only_grows_and_its_version_only_rises(site: Site) -> None:
    server = site.put("dbforpostgresql:Server", SERVER)
    with refused("StorageSizeCannotBeReduced"):
        site.again(server, storage={"storageSizeGB": 32})
    with refused("MajorVersionDowngradeNotSupported"):
        site.again(server, version="15")
    assert site.again(server, storage={"storageSizeGB": 128}, version="17").outputs["version"] == "17"


def test_a_parameter_takes_what_it_can_be(site: Site) -> None:
    site.put("dbforpostgresql:Server", SERVER)
    place = {"serverName": "psql-x", "source": "user-override"}
    with refused("InvalidParameterValue"):
        site.put("dbforpostgresql:Configuration", place, configurationName="require_secure_transport", value="maybe")
    with refused("InvalidParameterValue"):
        site.put("dbforpostgresql:Configuration", place, configurationName="azure.extensions", value="HSTORE,MADE_UP")
    made = site.put("dbforpostgresql:Configuration", place, configurationName="require_secure_transport", value="off")
    assert made.outputs["defaultValue"] == "on"


POOLS = [
    ("BadRequest", {"vmSize": "Standard_Imaginary_v9"}),
    ("InvalidParameter", {"minCount": 3, "maxCount": 2}),
    ("InvalidParameter", {"minCount": None}),
    ("InvalidParameter", {"enableAutoScaling": False}),
    ("InvalidParameter", {"scaleSetEvictionPolicy": "Delete"}),
    ("InvalidParameter", {"nodeTaints": ["sku=gpu"]}),
    ("InvalidParameter", {"osDiskSizeGB": 10}),
    ("NodePoolMcVersionIncompatible", {"orchestratorVersion": "1.36"}),
    ("AvailabilityZoneNotSupported", {"availabilityZones": ["9"]}),
    ("AgentPoolAlreadyExists", {"agentPoolName": "system"}),
]


@pytest.mark.parametrize(("code", "change"), POOLS)
def test_a_pool_is_refused(site: Site, code: str, change: dict[str, Any]) -> None:
    site.cluster()
    with refused(code):
        site.pool(**change)


def test_a_pools_nodes_lie_in_no_subnet_of_another_service(site: Site) -> None:
    site.network()
    site.cluster()
    with refused("SubnetIsDelegated"):
        site.pool(vnetSubnetID=site.delegated().id)


NETWORK = {"networkPlugin": "azure", "networkPluginMode": "overlay", "podCidr": "10.244.0.0/16", "serviceCidr": "192.168.0.0/16"}
CLUSTERS = [
    ("InvalidParameter", {"agentPoolProfiles": [{**SYSTEM, "mode": "User"}]}),
    ("InvalidParameter", {"agentPoolProfiles": [{**SYSTEM, "minCount": 0}]}),
    ("InvalidParameter", {"identity": None}),
    ("InvalidParameter", {"dnsPrefix": None}),
    ("InvalidParameter", {"apiServerAccessProfile": {"authorizedIPRanges": ["10.0.0.0/8"]}}),
    ("InvalidParameter", {"apiServerAccessProfile": {"authorizedIPRanges": ["198.51.100.1/32"], "enablePrivateCluster": True}}),
    ("InvalidParameter", {"supportPlan": "AKSLongTermSupport"}),
    ("K8sVersionNotSupported", {"kubernetesVersion": "1.20"}),
    ("K8sVersionNotSupported", {"kubernetesVersion": "1.33"}),
    ("K8sVersionNotSupported", {"kubernetesVersion": "1.35.99"}),
    ("DisableLocalAccountsRequiresAAD", {"disableLocalAccounts": True}),
    ("InvalidWorkloadIdentity", {"securityProfile": {"workloadIdentity": {"enabled": True}}}),
    ("InvalidDNSServiceIP", {"networkProfile": {**NETWORK, "dnsServiceIP": "10.9.0.10"}}),
    ("InvalidDNSServiceIP", {"networkProfile": {**NETWORK, "dnsServiceIP": "192.168.0.1"}}),
    ("ServiceCidrOverlapPodCidr", {"networkProfile": {**NETWORK, "podCidr": "192.168.0.0/17"}}),
    ("NatGatewayNotFoundInSubnet", {"networkProfile": {"outboundType": "userAssignedNATGateway"}}),
    ("LocationNotAvailableForResourceType", {"location": "atlantis"}),
]


@pytest.mark.parametrize(("code", "change"), CLUSTERS)
def test_a_cluster_is_refused(site: Site, code: str, change: dict[str, Any]) -> None:
    with refused(code):
        site.put("containerservice:ManagedCluster", {**CLUSTER, **change})


@pytest.mark.parametrize(
    ("name", "code"), [("serviceCidr", "ServiceCidrOverlapExistingSubnetsCidr"), ("podCidr", "PodCidrOverlapExistingSubnetsCidr")]
)
def test_a_clusters_own_ranges_lie_outside_of_its_network(site: Site, name: str, code: str) -> None:
    site.network()
    pool = {**SYSTEM, "vnetSubnetID": site.subnet().id}
    with refused(code):
        site.cluster(agentPoolProfiles=[pool], networkProfile={**NETWORK, name: "10.0.128.0/17"})


def test_kubernetes_goes_up_one_minor_version_at_a_time(site: Site) -> None:
    old = site.cluster(kubernetesVersion="1.34")
    with refused("OperationNotAllowed"):
        site.again(old, kubernetesVersion="1.36")
    new = site.again(old, kubernetesVersion="1.35")
    assert new.outputs["currentKubernetesVersion"].startswith("1.35.")
    with refused("OperationNotAllowed"):
        site.again(new, kubernetesVersion="1.34")


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("InvalidParameter", {"sku": {"name": "Imaginary_Z1"}}),
        ("InvalidRequestBody", {"sku": {"name": "Balanced_B1", "capacity": 2}}),
        ("LocationNotAvailableForResourceType", {"location": "atlantis"}),
    ],
)
def test_redis_refuses(site: Site, code: str, change: dict[str, Any]) -> None:
    given = {"clusterName": "redis", "sku": {"name": "Balanced_B1"}, "publicNetworkAccess": "Disabled"}
    with refused(code):
        site.put("redisenterprise:RedisEnterprise", {**given, **change})


@pytest.mark.parametrize("text", ["198.51.100.7/32", "198.51.100.6/31", "10.1.2.3", "not-an-address"])
def test_a_storage_firewall_takes_no_single_host_as_a_range_and_no_private_address(site: Site, text: str) -> None:
    with refused("InvalidRequestPropertyValue"):
        site.storage(networkRuleSet={"defaultAction": "Deny", "ipRules": [{"iPAddressOrRange": text}]})


def test_a_storage_firewall_knows_a_subnet_by_its_service_endpoint(site: Site) -> None:
    site.network()
    rules = [{"virtualNetworkResourceId": site.subnet().id}]
    with refused("NetworkAclsValidationFailure"):
        site.storage(networkRuleSet={"defaultAction": "Deny", "virtualNetworkRules": rules})


def test_a_container_is_only_as_public_as_its_account(site: Site) -> None:
    site.storage()
    with refused("PublicAccessNotPermitted"):
        site.put("storage:BlobContainer", accountName="stx", containerName="osmo", publicAccess="Blob")


def test_purge_protection_is_never_denied_and_never_taken_back(site: Site) -> None:
    with refused("BadRequest"):
        site.vault(enablePurgeProtection=False)
    vault = site.vault(enablePurgeProtection=True)
    with refused("BadRequest"):
        site.again(vault, properties={**vault.inputs["properties"], "enablePurgeProtection": False})


def test_a_private_zone_lies_everywhere(site: Site) -> None:
    with refused("LocationNotAvailableForResourceType"):
        site.put("privatedns:PrivateZone", privateZoneName="x.example.com", location=REGION)


def test_a_network_is_linked_to_a_zone_once(site: Site) -> None:
    zone, network = site.zone(), site.network()
    site.link(zone, network)
    place = {"privateZoneName": zone.name, "virtualNetworkLinkName": "again", "location": "Global"}
    with refused("BadRequest"):
        site.put("privatedns:VirtualNetworkLink", place, registrationEnabled=False, virtualNetwork={"id": network.id})


def test_a_private_endpoint_names_a_part_that_its_service_has(site: Site) -> None:
    site.network()
    subnet, account = site.subnet(), site.storage()
    connection = {"name": "c", "privateLinkServiceId": account.id, "groupIds": ["redisEnterprise"]}
    place = {"privateEndpointName": "pe", "subnet": {"id": subnet.id}}
    with refused("PrivateLinkServiceGroupIdsInvalid"):
        site.put("network:PrivateEndpoint", place, privateLinkServiceConnections=[connection])
    made = site.put("network:PrivateEndpoint", place, privateLinkServiceConnections=[{**connection, "groupIds": ["blob"]}])
    assert made.outputs["customDnsConfigs"][0]["ipAddresses"][0].startswith("10.0.1.")


def test_an_endpoint_never_leads_to_a_new_resource_of_an_old_id(site: Site) -> None:
    site.network()
    subnet, account = site.subnet(), site.storage()
    connection = {"name": "c", "privateLinkServiceId": account.id, "groupIds": ["blob"]}
    endpoint = {"privateEndpointName": "pe", "subnet": {"id": subnet.id}, "privateLinkServiceConnections": [connection]}

    def status(found: Resource | None) -> str:
        assert found is not None
        return str(found.outputs["privateLinkServiceConnections"][0]["privateLinkServiceConnectionState"]["status"])

    made = site.put("network:PrivateEndpoint", endpoint)
    assert status(made) == "Approved"
    site.delete(account)
    assert status(site.world.read(made.type, made.id)) == "Disconnected"
    site.storage()
    assert status(site.again(made, tags={"a": "b"})) == "Disconnected"
    site.delete(made)
    assert status(site.put("network:PrivateEndpoint", endpoint)) == "Approved"


def test_a_credential_has_one_audience_and_is_not_given_twice(site: Site) -> None:
    site.put("managedidentity:UserAssignedIdentity", resourceName="id-one")
    place = {"resourceName": "id-one", "issuer": "https://issuer/", "subject": "system:serviceaccount:osmo:osmo"}
    token = "api://AzureADTokenExchange"
    with refused("InvalidAudiences"):
        site.put(
            "managedidentity:FederatedIdentityCredential", place, federatedIdentityCredentialResourceName="one", audiences=[token, "b"]
        )
    site.put("managedidentity:FederatedIdentityCredential", place, federatedIdentityCredentialResourceName="one", audiences=[token])
    with refused("FederatedIdentityCredentialAlreadyExists"):
        site.put("managedidentity:FederatedIdentityCredential", place, federatedIdentityCredentialResourceName="two", audiences=[token])


def test_a_model_is_deployed_where_the_region_has_it(site: Site) -> None:
    site.foundry(customSubDomainName="foundry")
    place = {"accountName": "foundry", "deploymentName": "model", "sku": {"name": "GlobalStandard", "capacity": 1}}
    with refused("DeploymentModelNotSupported"):
        site.put("cognitiveservices:Deployment", place, properties={"model": {"format": "OpenAI", "name": "none", "version": "1"}})


def test_a_maintenance_window_has_one_of_three_names(site: Site) -> None:
    site.cluster()
    with refused("InvalidMaintenanceConfigurationName"):
        site.put("containerservice:MaintenanceConfiguration", resourceName="aks", configName="mine")


def test_what_a_rule_collects_goes_somewhere(site: Site) -> None:
    flows = [{"streams": ["Microsoft-PrometheusMetrics"], "destinations": ["nowhere"]}]
    with refused("InvalidPayload"):
        site.put("monitor:DataCollectionRule", dataCollectionRuleName="rule", kind="Linux", dataFlows=flows, destinations={})
