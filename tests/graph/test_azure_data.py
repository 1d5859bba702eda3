"""PostgreSQL, Redis, storage and key vault of an Azure cluster: what is made, in which order, who reaches it, and what stays."""

import itertools
import json

import pytest

from sdg.azure.made_of import UsedServices
from tests.graph.azure_data import loop, made, make

__all__ = ["loop", "made", "make"]  # the fixtures


def test_nothing_of_it_is_public_and_everything_speaks_tls(make):
    made = make(keyVault={"enabled": True}, allowedRanges=["198.51.100.7/32"])
    assert made.inputs["database-server"]["network"]["publicNetworkAccess"] == "Disabled"
    assert made.inputs["require-secure-transport"]["value"] == "on"
    redis = made.inputs["redis"]
    assert (redis["publicNetworkAccess"], redis["minimumTlsVersion"]) == ("Disabled", "1.2")
    assert made.inputs["redis-database"]["clientProtocol"] == "Encrypted"
    account = made.inputs["storage"]
    assert (account["minimumTlsVersion"], account["enableHttpsTrafficOnly"]) == ("TLS1_2", True)
    assert (account["allowBlobPublicAccess"], account["networkRuleSet"]["defaultAction"]) == (False, "Deny")
    assert all(made.inputs[name]["publicAccess"] == "None" for name in made.of("storage:BlobContainer"))
    vault = made.inputs["key-vault"]["properties"]
    assert (vault["networkAcls"]["defaultAction"], vault["enableRbacAuthorization"]) == ("Deny", True)


def test_the_firewalls_know_the_allowed_addresses_in_their_own_form_and_nobody_else(make):
    made = make(keyVault={"enabled": True}, allowedRanges=["198.51.100.7/32", "203.0.113.0/24", "192.0.2.1"])
    rules = made.inputs["storage"]["networkRuleSet"]
    assert [rule["iPAddressOrRange"] for rule in rules["ipRules"]] == ["198.51.100.7", "203.0.113.0/24", "192.0.2.1"]
    # the network comes through private endpoints
    assert rules["virtualNetworkRules"] == []
    assert made.inputs["storage"]["publicNetworkAccess"] == "Enabled"
    assert not any("serviceEndpoints" in made.inputs[name] for name in made.of("network:Subnet"))
    assert [rule["value"] for rule in made.inputs["key-vault"]["properties"]["networkAcls"]["ipRules"]][:1] == ["198.51.100.7"]


@pytest.mark.parametrize("access", ["public", "private"])
def test_what_nobody_outside_reaches_has_no_public_side(make, access):
    made = make(keyVault={"enabled": True}, apiServer={"access": access})
    assert made.inputs["key-vault"]["properties"]["publicNetworkAccess"] == "Disabled"
    assert made.inputs["storage"]["publicNetworkAccess"] == "Disabled"


@pytest.mark.parametrize(
    ("kind", "zone", "group"),
    [
        ("redis", "privatelink.redis.azure.net", "redisEnterprise"),
        ("blob", "privatelink.blob.core.windows.net", "blob"),
        ("vault", "privatelink.vaultcore.azure.net", "vault"),
    ],
)
def test_each_service_is_reached_by_its_public_name_at_a_private_address(make, kind, zone, group):
    made = make(keyVault={"enabled": True})
    assert made.inputs[f"{kind}-zone"]["privateZoneName"] == zone
    endpoint = made.inputs[f"{kind}-endpoint"]
    assert endpoint["subnet"] == {"id": "/subnet-endpoints"}
    (connection,) = endpoint["privateLinkServiceConnections"]
    assert connection["groupIds"] == [group]
    assert {f"{kind}-endpoint", f"{kind}-zone", f"{kind}-zone-link"} <= made.before(f"{kind}-zone-group")


@pytest.mark.parametrize(("kind", "service"), [("redis", "redis"), ("blob", "storage"), ("vault", "key-vault")])
def test_an_endpoint_is_made_anew_with_what_it_leads_to(make, kind, service):
    made = make(keyVault={"enabled": True})
    for part in ("endpoint", "zone-group"):
        request = made.requests[f"{kind}-{part}"]
        assert [urn.split("::")[3] for urn in request.replace_with] == [service]
        assert request.deleteBeforeReplace


def test_the_server_comes_after_the_zone_that_it_writes_its_name_into(made):
    assert {"postgres-zone", "postgres-zone-link", "subnet-database"} <= made.before("database-server")
    assert made.inputs["postgres-zone"]["privateZoneName"].endswith(".postgres.database.azure.com")


def test_a_server_and_an_account_get_one_change_at_a_time(made):
    assert "database" in made.before("azure-extensions")
    assert "azure-extensions" in made.before("require-secure-transport")
    chain = ["storage", "blob-service", "container-osmo-workflows", "container-datasets", "blob-endpoint"]
    for earlier, later in itertools.pairwise(chain):
        assert earlier in made.before(later)


def test_the_services_wait_neither_for_aks_nor_for_each_other(make):
    made = make(keyVault={"enabled": True})
    parts = {
        "database": {"require-secure-transport", "database"},
        "redis": {"redis-zone-group", "redis-database"},
        "storage": {"blob-zone-group"},
    }
    heads = {"database": "database-server", "redis": "redis", "storage": "storage", "aks": "aks"}
    for part, last in parts.items():
        before = set().union(*(made.before(name) for name in last))
        assert not before & {head for other, head in heads.items() if other != part}, part
    assert not made.before("aks") & set(heads.values()) - {"aks"}
    assert not made.before("key-vault") & set(heads.values())


def test_each_service_says_what_it_is_ready_with(made):
    assert made.ready["database"] == {"require-secure-transport"}
    assert made.ready["redis"] == {"redis-zone-group"}
    assert {"blob-zone-group", "role-osmo-blob"} < made.ready["store"]
    assert len(made.ready["store"]) == 3, "and the login of OSMO's pods"


def test_osmo_gets_what_it_needs_and_secrets_stay_secret(made):
    found = made.services
    assert found["database", "host"][0] == "psql.postgres.database.azure.com"
    assert found["database", "password"] == ("planted-database-password", True)
    assert (found["redis", "host"][0], found["redis", "port"][0], found["redis", "tls"][0]) == (
        "redis.eastus2.redis.azure.net",
        10000,
        True,
    )
    assert found["redis", "password"] == ("planted-redis-key", True)
    assert (found["store", "container"][0], found["store", "client_id"][0]) == ("osmo-workflows", "planted-client")
    assert found["store", "key"][0] is None


def test_with_an_identity_the_account_has_no_key_to_log_in_with(made):
    assert made.inputs["storage"]["allowSharedKeyAccess"] is False
    role = made.inputs["role-osmo-blob"]
    assert (role["principalType"], role["principalId"], role["scope"]) == ("ServicePrincipal", "planted-principal", "/storage")
    assert role["roleDefinitionId"].endswith("/ba92f5b4-2d11-453d-a403-e96b0029c9fe")


def test_with_a_key_there_is_neither_identity_nor_role(make):
    made = make(storage={"auth": "key"})
    assert made.inputs["storage"]["allowSharedKeyAccess"] is True
    assert made.services["store", "key"] == ("planted-storage-key", True)
    assert made.services["store", "client_id"][0] is None
    assert "role-osmo-blob" not in made.types


def test_no_key_and_no_password_stands_in_the_open(make):
    made = make(keyVault={"enabled": True}, storage={"auth": "key"})
    marked = "4dabf18193072939515e22adb298388d"  # of a secret in what the engine is sent
    for name, inputs in made.inputs.items():
        request = json.dumps(inputs, default=str)
        for planted in ("planted-database-password", "planted-redis-key", "planted-storage-key"):
            if planted in request:
                assert marked in str(made.requests[name].object), (name, planted)
                assert planted not in str([value for value in inputs.values() if marked not in str(value)]), (name, planted)


def test_the_vault_holds_copies_that_go_with_it(make):
    made = make(keyVault={"enabled": True}, storage={"auth": "key"})
    secrets = made.of("keyvault:Secret")
    assert set(secrets) == {"key-vault-database-password", "key-vault-redis-key", "key-vault-storage-key"}
    assert all(made.requests[name].deletedWith.endswith("::key-vault") for name in secrets)


@pytest.mark.parametrize(("asked", "sent"), [(True, {"enablePurgeProtection": True}), (False, {})])
def test_arm_is_never_told_that_there_is_no_purge_protection(make, asked, sent):
    properties = make(keyVault={"enabled": True, "purgeProtection": asked}).inputs["key-vault"]["properties"]
    assert {key: value for key, value in properties.items() if key == "enablePurgeProtection"} == sent


def test_a_production_database_has_a_standby_and_lasting_backups(make):
    server = make(preset="production", apiServer={"localAccounts": True}).inputs["database-server"]
    assert server["sku"] == {"name": "Standard_D4s_v3", "tier": "GeneralPurpose"}
    assert server["highAvailability"]["mode"] == "ZoneRedundant"
    assert server["backup"] == {"backupRetentionDays": 35, "geoRedundantBackup": "Enabled"}


def test_the_lifecycle_says_what_was_asked_for(make):
    made = make(storage={"coolAfterDays": 30, "deleteAfterDays": 90})
    cool, delete = made.inputs["lifecycle"]["policy"]["rules"]
    assert cool["definition"]["actions"]["baseBlob"]["tierToCool"] == {"daysAfterModificationGreaterThan": 30}
    assert delete["definition"]["actions"]["baseBlob"]["delete"] == {"daysAfterModificationGreaterThan": 90}
    assert delete["definition"]["filters"]["prefixMatch"] == ["osmo-workflows/"]
    assert "lifecycle" not in make().types


def test_what_osmo_has_elsewhere_is_not_made(make):
    made = make(UsedServices(database=False, redis=False, store=False))
    for kind in ("dbforpostgresql:Server", "redisenterprise:RedisEnterprise", "storage:StorageAccount"):
        assert made.of(kind) == []


RETAINED = ("dbforpostgresql:", "storage:", "keyvault:")


@pytest.mark.parametrize("retain", [True, False])
def test_retained_data_stays_with_all_that_it_lies_in(make, retain):
    made = make(retain=retain, keyVault={"enabled": True})
    kept = {name for name, request in made.requests.items() if request.retainOnDelete}
    own = {name for name, type_ in made.types.items() if type_.removeprefix("azure-native:").startswith(RETAINED)}
    around = {"resource-group", "network", "subnet-database", "nsg-database", "postgres-zone", "postgres-zone-link"}
    assert kept == (own | around if retain else set())


def test_azure_chooses_the_databases_zone_unless_the_stack_does(make):
    assert make().inputs["database-server"]["availabilityZone"] == "", "the SDK's default, with which Azure chooses"
    assert make(database={"zone": "2"}).inputs["database-server"]["availabilityZone"] == "2"
