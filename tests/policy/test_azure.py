"""Rules for Azure: what violates each, what passes, what is not known yet, and what none of them concerns."""

from __future__ import annotations

from typing import Any

import pytest

from policy.pack import POLICIES
from policy.rules.azure_api_server_is_fenced import AZURE_API_SERVER_IS_FENCED as FENCED
from policy.rules.azure_data_is_private import AZURE_DATA_IS_PRIVATE as PRIVATE
from policy.rules.azure_key_vault_is_protected import AZURE_KEY_VAULT_IS_PROTECTED as PROTECTED
from policy.rules.azure_ranges_are_narrow import AZURE_RANGES_ARE_NARROW as NARROW
from policy.rules.azure_roles_are_narrow import AZURE_ROLES_ARE_NARROW as ROLES
from policy.rules.azure_storage_is_closed import AZURE_STORAGE_IS_CLOSED as CLOSED
from policy.rules.azure_tls_is_recent import AZURE_TLS_IS_RECENT as TLS

AZURE = "azure-native:"
POSTGRES = f"{AZURE}dbforpostgresql:Server"
PARAMETER = f"{AZURE}dbforpostgresql:Configuration"
REDIS = f"{AZURE}redisenterprise:RedisEnterprise"
REDIS_DATABASE = f"{AZURE}redisenterprise:Database"
STORAGE = f"{AZURE}storage:StorageAccount"
CONTAINER = f"{AZURE}storage:BlobContainer"
CLUSTER = f"{AZURE}containerservice:ManagedCluster"
VAULT = f"{AZURE}keyvault:Vault"
GROUP = f"{AZURE}network:NetworkSecurityGroup"
RULE = f"{AZURE}network:SecurityRule"
ROLE = f"{AZURE}authorization:RoleAssignment"

SUBNET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/database"
OPEN_GROUP = "/subscriptions/s/resourceGroups/g"
OWNER, CONTRIBUTOR, READER = (
    f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{guid}"
    for guid in ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "B24988AC-6180-42A0-AB88-20F7382DD24C", "acdd72a7-3385-48ef-bd42-f606fba81ae7")
)
DENY = {"networkRuleSet": {"defaultAction": "Deny"}}
TLS_1_2 = {"minimumTlsVersion": "TLS1_2"}


def inbound(source: str, **more: Any) -> dict[str, Any]:
    return {"access": "Allow", "direction": "Inbound", "sourceAddressPrefix": source, **more}


def ranges(*given: str) -> dict[str, Any]:
    return {"apiServerAccessProfile": {"authorizedIPRanges": list(given)}}


def role(definition: str, scope: str, principal_type: str | None = "ServicePrincipal") -> dict[str, Any]:
    return {"roleDefinitionId": definition, "scope": scope} | ({"principalType": principal_type} if principal_type else {})


VIOLATIONS = [
    (PRIVATE, POSTGRES, {}, 'PostgreSQL must be in a subnet, or have network.publicNetworkAccess "Disabled"'),
    (PRIVATE, POSTGRES, {"network": {"publicNetworkAccess": "Enabled"}}, "PostgreSQL must be in a subnet"),
    (PRIVATE, f"{AZURE}dbforpostgresql:FirewallRule", {"startIpAddress": "1.2.3.4"}, "opens a PostgreSQL server to the internet"),
    (PRIVATE, REDIS, {}, 'Redis must have publicNetworkAccess "Disabled"'),
    (PRIVATE, REDIS, {"publicNetworkAccess": "Enabled"}, 'Redis must have publicNetworkAccess "Disabled"'),
    (PRIVATE, f"{AZURE}redis:Redis", {}, 'Redis must have publicNetworkAccess "Disabled"'),
    (CLOSED, STORAGE, DENY, "must have allowBlobPublicAccess false"),
    (CLOSED, STORAGE, {"allowBlobPublicAccess": True, **DENY}, "must have allowBlobPublicAccess false"),
    (CLOSED, STORAGE, {"allowBlobPublicAccess": False}, 'must have networkRuleSet.defaultAction "Deny"'),
    (
        CLOSED,
        STORAGE,
        {"allowBlobPublicAccess": False, "networkRuleSet": {"defaultAction": "Allow"}},
        "must have networkRuleSet.defaultAction",
    ),
    (CLOSED, CONTAINER, {"publicAccess": "Blob"}, 'a container must have publicAccess "None"'),
    (TLS, STORAGE, {}, "minimumTlsVersion must be one of TLS1_2, TLS1_3"),
    (TLS, STORAGE, {"minimumTlsVersion": "TLS1_0"}, "minimumTlsVersion must be one of TLS1_2, TLS1_3"),
    (TLS, STORAGE, {**TLS_1_2, "enableHttpsTrafficOnly": False}, "enableHttpsTrafficOnly must not be false"),
    (TLS, STORAGE, {**TLS_1_2, "enableHttpsTrafficOnly": False, "kind": "FileStorage"}, "enableHttpsTrafficOnly must not be false"),
    (TLS, REDIS, {"minimumTlsVersion": "1.1"}, "minimumTlsVersion must be one of 1.2, 1.3"),
    (TLS, REDIS, {}, "minimumTlsVersion must be one of 1.2, 1.3"),
    (TLS, REDIS_DATABASE, {"clientProtocol": "Plaintext"}, 'clientProtocol must be "Encrypted"'),
    (TLS, PARAMETER, {"configurationName": "require_secure_transport", "value": "OFF"}, "require_secure_transport must not be off"),
    (TLS, PARAMETER, {"configurationName": "ssl_min_protocol_version", "value": "TLSv1.1"}, "must be TLSv1.2 or TLSv1.3"),
    (NARROW, CLUSTER, ranges("198.51.100.7/32", "0.0.0.0/0"), 'apiServerAccessProfile.authorizedIPRanges.1 is "0.0.0.0/0"'),
    (NARROW, CLUSTER, ranges("128.0.0.0/1"), 'is "128.0.0.0/1", which lets in everybody'),
    (
        NARROW,
        STORAGE,
        {"networkRuleSet": {"ipRules": [{"iPAddressOrRange": "0.0.0.0/1"}]}},
        "ipRules.0.iPAddressOrRange is",
    ),
    (NARROW, VAULT, {"properties": {"networkAcls": {"ipRules": [{"value": "0.0.0.0/0"}]}}}, "properties.networkAcls.ipRules.0.value"),
    (NARROW, GROUP, {"securityRules": [inbound("10.0.0.0/16"), inbound("Internet")]}, 'securityRules.1.sourceAddressPrefix is "Internet"'),
    (NARROW, GROUP, {"securityRules": [inbound("*")]}, 'securityRules.0.sourceAddressPrefix is "*"'),
    (NARROW, GROUP, {"securityRules": [inbound("::/0")]}, 'is "::/0"'),
    (NARROW, RULE, inbound("10.0.0.1", sourceAddressPrefixes=["10.0.0.0/8", "0.0.0.0/0"]), 'sourceAddressPrefixes.1 is "0.0.0.0/0"'),
    (FENCED, CLUSTER, {}, "everybody reaches the API server"),
    (FENCED, CLUSTER, ranges(), "set sdg:cluster.allowedRanges"),
    (FENCED, CLUSTER, {"apiServerAccessProfile": {"enablePrivateCluster": False}}, "everybody reaches the API server"),
    (ROLES, ROLE, role(READER, OPEN_GROUP, None), "principalType must be said"),
    (ROLES, ROLE, role(OWNER, "/subscriptions/s"), "Owner over a whole subscription or more"),
    (ROLES, ROLE, role(CONTRIBUTOR, "/subscriptions/s/"), "Contributor over a whole subscription"),
    (ROLES, ROLE, role(OWNER, "/providers/Microsoft.Management/managementGroups/all"), "Owner over a whole subscription or more"),
    (ROLES, ROLE, role(OWNER, "/"), "Owner over a whole subscription or more"),
]


@pytest.mark.parametrize(("rule", "kind", "properties", "message"), VIOLATIONS)
def test_a_resource_that_violates_a_rule_is_named_with_what_is_wrong(judge, rule, kind, properties, message) -> None:
    (found,) = judge(rule, kind, properties).violations
    assert found.startswith("it: ")
    assert message in found


def test_a_type_of_an_older_version_is_the_same_type(judge) -> None:
    assert judge(PRIVATE, f"{AZURE}redisenterprise/v20250701:RedisEnterprise", {}).violations


@pytest.mark.parametrize(
    ("rule", "kind", "properties"),
    [
        (PRIVATE, POSTGRES, {"network": {"delegatedSubnetResourceId": SUBNET}}),
        (PRIVATE, POSTGRES, {"network": {"publicNetworkAccess": "Disabled"}}),
        (PRIVATE, REDIS, {"publicNetworkAccess": "Disabled"}),
        (CLOSED, STORAGE, {"allowBlobPublicAccess": False, **DENY}),
        (CLOSED, STORAGE, {"allowBlobPublicAccess": False, "publicNetworkAccess": "Disabled"}),
        (CLOSED, CONTAINER, {"publicAccess": "None"}),
        (CLOSED, CONTAINER, {}),
        (TLS, STORAGE, TLS_1_2),
        (TLS, STORAGE, {"minimumTlsVersion": "TLS1_3", "enableHttpsTrafficOnly": True}),
        # NFS, which knows no TLS, for the virtual network alone
        (TLS, STORAGE, {**TLS_1_2, "enableHttpsTrafficOnly": False, "kind": "FileStorage", "publicNetworkAccess": "Disabled"}),
        (TLS, REDIS, {"minimumTlsVersion": "1.2"}),
        (TLS, REDIS_DATABASE, {"clientProtocol": "Encrypted"}),
        (TLS, PARAMETER, {"configurationName": "require_secure_transport", "value": "on"}),
        (TLS, PARAMETER, {"configurationName": "ssl_min_protocol_version", "value": "TLSv1.2"}),
        (TLS, PARAMETER, {"configurationName": "azure.extensions", "value": "off"}),
        (NARROW, CLUSTER, ranges("198.51.100.7/32", "0.0.0.0/32")),
        (NARROW, CLUSTER, {}),
        (NARROW, STORAGE, {"networkRuleSet": {"ipRules": [{"iPAddressOrRange": "198.51.100.7", "action": "Allow"}]}}),
        (NARROW, GROUP, {"securityRules": [inbound("10.0.0.0/8"), inbound("VirtualNetwork"), inbound("AzureLoadBalancer")]}),
        (NARROW, GROUP, {"securityRules": [{"access": "Deny", "direction": "Inbound", "sourceAddressPrefix": "Internet"}]}),
        (NARROW, GROUP, {"securityRules": [inbound("10.0.0.0/8", destinationAddressPrefix="*", sourcePortRange="*")]}),
        (NARROW, GROUP, {"securityRules": [{"access": "Allow", "direction": "Outbound", "sourceAddressPrefix": "*"}]}),
        (NARROW, GROUP, {}),
        (FENCED, CLUSTER, ranges("198.51.100.7/32")),
        (FENCED, CLUSTER, {"apiServerAccessProfile": {"enablePrivateCluster": True}}),
        (ROLES, ROLE, role(OWNER, OPEN_GROUP)),
        (ROLES, ROLE, role(READER, "/subscriptions/s", "User")),
    ],
)
def test_a_resource_that_keeps_to_a_rule_passes(judge, rule, kind, properties) -> None:
    found = judge(rule, kind, properties)
    assert (found.violations, found.not_applicable, found.unknown) == ((), "", "")


def unknowns(unknown: str) -> list[tuple[Any, str, dict[str, Any]]]:
    return [
        (PRIVATE, POSTGRES, {"network": unknown}),
        (PRIVATE, REDIS, {"publicNetworkAccess": unknown}),
        (CLOSED, STORAGE, {"allowBlobPublicAccess": unknown}),
        (CLOSED, STORAGE, {"allowBlobPublicAccess": False, "networkRuleSet": unknown}),
        (TLS, STORAGE, {"minimumTlsVersion": unknown}),
        (TLS, PARAMETER, {"configurationName": "require_secure_transport", "value": unknown}),
        (FENCED, CLUSTER, {"apiServerAccessProfile": {"authorizedIPRanges": unknown}}),
        (ROLES, ROLE, role(unknown, OPEN_GROUP)),
        (ROLES, ROLE, role(OWNER, unknown)),
    ]


@pytest.mark.parametrize("index", range(9))
def test_what_is_not_known_yet_is_not_judged_and_that_is_said(judge, unknown, index) -> None:
    found = judge(*unknowns(unknown)[index])
    assert found.violations == ()
    assert "can't be known during preview" in found.unknown


def test_a_server_in_a_subnet_that_is_not_made_yet_is_known_to_be_in_one(judge, unknown) -> None:
    found = judge(PRIVATE, POSTGRES, {"network": {"delegatedSubnetResourceId": unknown}})
    assert (found.violations, found.unknown) == ((), "")


def test_the_scope_of_a_role_that_is_narrow_may_stay_unknown(judge, unknown) -> None:
    found = judge(ROLES, ROLE, role(READER, unknown))
    assert (found.violations, found.unknown) == ((), "")


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        (CLUSTER, lambda unknown: ranges(unknown, "0.0.0.0/0")),
        (GROUP, lambda unknown: {"securityRules": [unknown, inbound("*", sourceAddressPrefixes=unknown)]}),
        (RULE, lambda unknown: inbound(unknown, sourceAddressPrefixes=[unknown, "0.0.0.0/0"])),
    ],
)
def test_an_unknown_range_hides_no_known_one(judge, unknown, kind, properties) -> None:
    found = judge(NARROW, kind, properties(unknown))
    assert len(found.violations) == 1
    assert found.unknown == ""


def test_a_rule_that_is_unknown_itself_lets_in_nobody_yet(judge, unknown) -> None:
    assert judge(NARROW, RULE, inbound("*", access=unknown)).violations == ()


REQUIRED = {"required": True}


def test_purge_protection_is_asked_for_by_the_packs_config_alone(judge) -> None:
    plain = {"properties": {"enableSoftDelete": True}}
    (found,) = judge(PROTECTED, VAULT, plain, REQUIRED).violations
    assert "sdg:cluster.keyVault.purgeProtection" in found
    assert judge(PROTECTED, VAULT, plain).not_applicable
    assert judge(PROTECTED, VAULT, plain, {"required": False}).not_applicable


def test_a_vault_with_purge_protection_passes(judge) -> None:
    found = judge(PROTECTED, VAULT, {"properties": {"enablePurgeProtection": True}}, REQUIRED)
    assert (found.violations, found.not_applicable) == ((), "")


def test_a_vault_that_is_unknown_is_not_judged_and_that_is_said(judge, unknown) -> None:
    found = judge(PROTECTED, VAULT, {"properties": unknown}, REQUIRED)
    assert (found.violations, bool(found.unknown)) == ((), True)


@pytest.mark.parametrize("rule", [PRIVATE, CLOSED, TLS, NARROW, FENCED, ROLES, PROTECTED])
@pytest.mark.parametrize(
    "kind", ["kubernetes:core/v1:Secret", "sdg:cluster:Azure", f"{AZURE}resources:ResourceGroup", "pulumi:providers:azure-native"]
)
def test_every_other_resource_is_not_applicable(judge, rule, kind) -> None:
    found = judge(rule, kind, {"publicNetworkAccess": "Enabled"}, REQUIRED)
    assert (found.violations, bool(found.not_applicable)) == ((), True)


def test_every_rule_is_in_the_pack_and_says_what_it_checks() -> None:
    assert {PRIVATE, CLOSED, TLS, NARROW, FENCED, ROLES, PROTECTED} <= set(POLICIES)
    assert len({policy.name for policy in POLICIES}) == len(POLICIES)
    assert all(policy.description.startswith("Checks whether ") and policy.description.endswith(".") for policy in POLICIES)
