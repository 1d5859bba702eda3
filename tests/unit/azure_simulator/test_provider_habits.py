"""What the azure-native provider does around ARM: names, regions, previews, retries, refreshes, functions."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.azure.account import SUBSCRIPTION
from rehearsal.azure.errors import ArmError
from rehearsal.azure.provider import Naming, Provider, ProviderFailure, Settings
from rehearsal.azure.values import UNKNOWN
from tests.unit.azure_simulator.site import CLUSTER, GROUP, SERVER, Site, refused

AGENT, NETWORK = "azure-native:containerservice:AgentPool", "azure-native:network:VirtualNetwork"
STORAGE = "azure-native:storage:StorageAccount"
SPACE = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}


@pytest.fixture
def provider(site: Site) -> Provider:
    return Provider(site.world)


def _checked(provider: Provider, token: str, inputs: dict[str, Any], olds: dict[str, Any] | None = None, **naming: Any) -> dict[str, Any]:
    found, failures = provider.check(token, inputs, olds or {}, Naming("mine", **naming), Settings())
    assert failures == []
    return found


def test_a_name_is_made_up_once_and_kept(provider: Provider) -> None:
    first = _checked(provider, NETWORK, {**GROUP, **SPACE}, seed="aa")
    assert first["virtualNetworkName"].startswith("mine")
    assert first == _checked(provider, NETWORK, {**GROUP, **SPACE}, seed="aa")
    assert first["virtualNetworkName"] != _checked(provider, NETWORK, {**GROUP, **SPACE}, seed="bb")["virtualNetworkName"]
    assert _checked(provider, NETWORK, {**GROUP, **SPACE}, first, seed="bb")["virtualNetworkName"] == first["virtualNetworkName"]
    assert _checked(provider, NETWORK, {**GROUP, **SPACE}, proposed="wished")["virtualNetworkName"] == "wished"


def test_a_role_assignment_is_named_by_a_guid(provider: Provider) -> None:
    given = {"scope": "/subscriptions/s", "principalId": UNKNOWN, "roleDefinitionId": UNKNOWN}
    assert len(_checked(provider, "azure-native:authorization:RoleAssignment", given, proposed="no-guid")["roleAssignmentName"]) == 36


def test_a_region_comes_from_the_group(provider: Provider) -> None:
    assert _checked(provider, NETWORK, {**GROUP, **SPACE, "virtualNetworkName": "vnet"})["location"] == "eastus2"
    unknown = {"resourceGroupName": UNKNOWN, **SPACE, "virtualNetworkName": "vnet"}
    assert _checked(provider, NETWORK, unknown)["location"] == UNKNOWN


def test_a_missing_region_is_named_by_the_provider_or_by_arm(site: Site, provider: Provider) -> None:
    account = {"resourceGroupName": "none", "accountName": "stx", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    _, failures = provider.check(STORAGE, account, {}, Naming("mine"), Settings())
    assert failures == [("location", "missing required property 'location'")]
    with refused("LocationRequired"):
        provider.create(NETWORK, {**GROUP, **SPACE, "virtualNetworkName": "vnet"}, Settings())


def test_a_preview_knows_what_was_asked_for_and_nothing_else(provider: Provider) -> None:
    found = provider.preview("azure-native:containerservice:ManagedCluster", {**GROUP, **CLUSTER})
    assert found["dnsPrefix"] == "aks"
    assert found["fqdn"] == UNKNOWN
    assert found["identity"] == {
        "type": "SystemAssigned",
        "principalId": UNKNOWN,
        "tenantId": UNKNOWN,
        "delegatedResources": UNKNOWN,
        "userAssignedIdentities": UNKNOWN,
    }
    assert found["agentPoolProfiles"][0]["vmSize"] == CLUSTER["agentPoolProfiles"][0]["vmSize"]  # type: ignore[index]
    assert "resourceGroupName" not in found


def test_identities_go_in_as_a_list_and_come_out_as_a_map(site: Site, provider: Provider) -> None:
    identity = site.put("managedidentity:UserAssignedIdentity", resourceName="id-one")
    given = {"type": "UserAssigned", "userAssignedIdentities": [identity.id]}
    inputs = {**GROUP, **CLUSTER, "location": "eastus2", "identity": given}
    assert provider.preview("azure-native:containerservice:ManagedCluster", inputs)["identity"]["userAssignedIdentities"] == UNKNOWN
    cluster = provider.create("azure-native:containerservice:ManagedCluster", inputs, Settings())
    assert cluster.outputs["identity"]["userAssignedIdentities"][identity.id]["principalId"] == identity.outputs["principalId"]
    again = provider.refreshed("azure-native:containerservice:ManagedCluster", cluster, dict(cluster.outputs), inputs)
    assert again == inputs


def test_a_preview_of_a_change_keeps_name_and_region(provider: Provider) -> None:
    found = provider.preview(NETWORK, {**GROUP, **SPACE}, {"name": "vnet", "location": "eastus2", "resourceGuid": "g"})
    assert (found["name"], found["location"], found["resourceGuid"]) == ("vnet", "eastus2", UNKNOWN)


def test_what_is_there_already_is_not_overwritten_except_what_always_is(site: Site, provider: Provider) -> None:
    site.storage()
    with pytest.raises(ProviderFailure, match="cannot create already existing resource"):
        provider.create(
            STORAGE,
            {**GROUP, "accountName": "stx", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "location": "eastus2"},
            Settings(),
        )
    place = {**GROUP, "accountName": "stx", "blobServicesName": "default"}
    for days in (7, 8):
        policy = {"enabled": True, "days": days}
        made = provider.create("azure-native:storage:BlobServiceProperties", {**place, "deleteRetentionPolicy": policy}, Settings())
        assert made.outputs["deleteRetentionPolicy"]["days"] == days


@pytest.mark.parametrize("error", [{"status": 429}, {"status": 500}, {"status": 409, "code": "AnotherOperationInProgress"}])
def test_a_stumbling_arm_is_asked_four_times(
    site: Site, provider: Provider, monkeypatch: pytest.MonkeyPatch, error: dict[str, Any]
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(site.world.clock, "wait", waited.append)
    inputs = {**GROUP, **SPACE, "virtualNetworkName": "vnet", "location": "eastus2"}
    site.faults.set("azure.operation", {**error, "times": 4})
    with pytest.raises(ArmError):
        provider.create(NETWORK, inputs, Settings())
    assert waited == [20, 60, 120]
    site.faults.set("azure.operation", {**error, "times": 3})
    assert provider.create(NETWORK, inputs, Settings()).state == "Succeeded"


def test_a_conflict_of_another_kind_is_not_tried_again(site: Site, provider: Provider) -> None:
    site.faults.set("azure.operation", {"status": 409, "code": "StorageAccountOperationInProgress", "times": 1})
    with pytest.raises(ArmError, match="StorageAccountOperationInProgress"):
        provider.create(NETWORK, {**GROUP, **SPACE, "virtualNetworkName": "vnet", "location": "eastus2"}, Settings())


def test_an_update_makes_again_what_has_vanished(site: Site, provider: Provider) -> None:
    network = site.network()
    site.delete(network)
    assert provider.update(NETWORK, network.id, dict(network.inputs)).state == "Succeeded"


def test_an_import_finds_the_inputs_that_make_the_resource(site: Site, provider: Provider) -> None:
    network = site.network()
    found = provider.refreshed(NETWORK, network, {}, {})
    assert {name: found[name] for name in ("resourceGroupName", "virtualNetworkName", "location", "addressSpace")} == {
        "resourceGroupName": "rg",
        "virtualNetworkName": "vnet",
        "location": "eastus2",
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
    }
    assert "resourceGuid" not in found


def _ask(provider: Provider, function: str, **arguments: Any) -> Any:
    return provider.invoke(f"azure-native:{function}", {**GROUP, **arguments}, Settings())


def test_functions_give_keys_and_resources(site: Site, provider: Provider) -> None:
    account = site.storage()
    assert _ask(provider, "authorization:getClientConfig")["subscriptionId"] == SUBSCRIPTION
    keys = _ask(provider, "storage:listStorageAccountKeys", accountName="stx")["keys"]
    assert [key["value"] for key in keys] == [account.secrets["key1"], account.secrets["key2"]]
    assert (
        _ask(provider, "storage:getStorageAccount", accountName="stx")["primaryEndpoints"]["blob"] == "https://stx.blob.core.windows.net/"
    )
    with pytest.raises(ArmError, match=r"storageAccounts/none' was not found"):
        _ask(provider, "storage:listStorageAccountKeys", accountName="none")
    with pytest.raises(ArmError, match="is not simulated"):
        _ask(provider, "storage:listStorageAccountSAS", accountName="stx")


def test_redis_gives_no_keys_that_are_switched_off(site: Site, provider: Provider) -> None:
    site.put("redisenterprise:RedisEnterprise", clusterName="redis", sku={"name": "Balanced_B1"}, publicNetworkAccess="Disabled")
    place = {"clusterName": "redis", "databaseName": "default"}
    database = site.put("redisenterprise:Database", place)
    with pytest.raises(ArmError, match="are disabled"):
        _ask(provider, "redisenterprise:listDatabaseKeys", **place)
    made = site.again(database, accessKeysAuthentication="Enabled")
    assert _ask(provider, "redisenterprise:listDatabaseKeys", **place)["primaryKey"] == made.secrets["primaryKey"]


def test_a_clusters_credentials_are_those_of_whoever_runs_it(site: Site, provider: Provider) -> None:
    site.cluster()
    with pytest.raises(ArmError, match="no Kubernetes behind"):
        _ask(provider, "containerservice:listManagedClusterAdminCredentials", resourceName="aks")
    site.world.on_invoke("listManagedClusterAdminCredentials", lambda cluster, _: {"kubeconfigs": [{"name": cluster.name}]})
    assert _ask(provider, "containerservice:listManagedClusterAdminCredentials", resourceName="aks") == {"kubeconfigs": [{"name": "aks"}]}


def test_nothing_secret_is_among_outputs(site: Site) -> None:
    account = site.storage()
    assert not any(secret in str(account.outputs) + repr(account) for secret in account.secrets.values())
    site.vault()
    secret = site.put("keyvault:Secret", vaultName="kv-one", secretName="s", properties={"value": "planted"})
    assert "planted" not in str(secret.outputs)
    server = site.put("dbforpostgresql:Server", SERVER)
    assert str(SERVER["administratorLoginPassword"]) not in str(server.outputs)
