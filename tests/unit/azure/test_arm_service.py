"""The simulated ARM, asked by our client and by Microsoft's own, whose models refuse other shapes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from azure.core.exceptions import ResourceNotFoundError
from azure.core.pipeline.policies import HeadersPolicy
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.postgresqlflexibleservers import PostgreSQLManagementClient
from azure.mgmt.storage import StorageManagementClient

from rehearsal.azure.account import OBJECT, SUBSCRIPTION, TENANT
from rehearsal.azure.regions import regions
from sdg.azure import questions
from sdg.azure.credential import Login
from sdg.azure.errors import ArmForbiddenError, ArmNotFoundError, ArmRefusedError, ArmUnavailableError
from sdg.azure.questions import Question
from tests.unit.azure.conftest import FixedToken, Simulated

GPU = "Standard_NC40ads_H100_v5"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test"
_P = "/subscriptions/{subscription}/providers"
PROVIDERS = Question(_P, "2021-04-01")
NETWORK_USAGES = Question(f"{_P}/Microsoft.Network/locations/{{location}}/usages", "2025-05-01")
STORAGE_USAGES = Question(f"{_P}/Microsoft.Storage/locations/{{location}}/usages", "2025-06-01")
ROLE_ASSIGNMENTS = Question(f"{_P}/Microsoft.Authorization/roleAssignments", "2022-04-01")
FOUNDRY_NAME = Question(f"{_P}/Microsoft.CognitiveServices/checkDomainAvailability", "2025-06-01")
FOUNDRY_USAGES = Question(f"{_P}/Microsoft.CognitiveServices/locations/{{location}}/usages", "2025-06-01")
DELETED_WORKSPACES = Question(f"{_P}/Microsoft.OperationalInsights/deletedWorkspaces", "2025-07-01")
RESOURCES_OF_GROUP = Question("/subscriptions/{subscription}/resourceGroups/{group}/resources", "2021-04-01")
OTHERS = (
    PROVIDERS,
    NETWORK_USAGES,
    STORAGE_USAGES,
    ROLE_ASSIGNMENTS,
    FOUNDRY_NAME,
    FOUNDRY_USAGES,
    DELETED_WORKSPACES,
    RESOURCES_OF_GROUP,
)
"""What people ask with `az` and the program does not."""
NAMES = {
    questions.STORAGE_NAME: ("name", "Microsoft.Storage/storageAccounts"),
    questions.KEY_VAULT_NAME: ("name", "Microsoft.KeyVault/vaults"),
    questions.POSTGRESQL_NAME: ("name", "Microsoft.DBforPostgreSQL/flexibleServers"),
    FOUNDRY_NAME: ("subdomainName", "Microsoft.CognitiveServices/accounts"),
}
OBJECTS = (questions.SUBSCRIPTION, questions.PROVIDER, questions.KUBERNETES_VERSIONS, questions.RESOURCE_GROUP, questions.CLUSTER)
ALL = [*(each for each in vars(questions).values() if isinstance(each, Question)), *OTHERS]


def listed(azure: Simulated, question: Question, location: str = "eastus2", **params: str) -> list[dict[str, Any]]:
    path = question.at(SUBSCRIPTION, location=location, namespace="Microsoft.Cache", group="rg-test")
    return azure.arm().list(path, question.api_version, **params)


def got(azure: Simulated, question: Question, **places: str) -> dict[str, Any]:
    return azure.arm().get(question.at(SUBSCRIPTION, **places), question.api_version)


def sizes(azure: Simulated, location: str) -> dict[str, dict[str, Any]]:
    skus = listed(azure, questions.VM_SKUS, **{"$filter": f"location eq '{location}'"})
    return {sku["name"]: sku for sku in skus if sku["resourceType"] == "virtualMachines"}


def limits(azure: Simulated, location: str) -> dict[str, tuple[int, int]]:
    return {one["name"]["value"]: (one["currentValue"], one["limit"]) for one in listed(azure, questions.COMPUTE_USAGES, location)}


@pytest.fixture
def official(azure: Simulated) -> Callable[[Any], Any]:
    """Microsoft's client of a service, on the simulated Azure."""
    token = Login(azure.account, azure.environ).get_token().token
    policy = HeadersPolicy({"Authorization": f"Bearer {token}"})  # its own one refuses to talk without TLS

    def client(kind: Any) -> Any:
        return kind(FixedToken(), SUBSCRIPTION, base_url=azure.url, authentication_policy=policy)

    return client


@pytest.fixture
def group(azure: Simulated) -> str:
    azure.put("Microsoft.Resources/resourceGroups", GROUP, location="eastus2")
    return GROUP


@pytest.fixture
def private_cluster(azure: Simulated, group: str) -> None:
    cluster = "Microsoft.ContainerService/managedClusters"
    azure.put(cluster, f"{group}/providers/{cluster}/aks-test", location="eastus2", privateFQDN="aks-test.example.com")


@pytest.mark.parametrize("question", ALL, ids=lambda each: each.template.rpartition("/")[2])
@pytest.mark.usefixtures("private_cluster")
def test_every_question_has_an_answer(azure: Simulated, question: Question) -> None:
    path = question.at(SUBSCRIPTION, location="eastus2", namespace="Microsoft.Cache", group="rg-test", name="aks-test")
    if question in NAMES:
        field, kind = NAMES[question]
        assert azure.arm().check(path, question.api_version, {field: "free0name", "type": kind})
    elif question in OBJECTS:
        assert azure.arm().get(path, question.api_version)
    else:
        azure.arm().list(path, question.api_version)


@pytest.mark.parametrize("question", ALL, ids=lambda each: each.template.rpartition("/")[2])
def test_a_version_that_an_api_never_had_is_refused(azure: Simulated, question: Question) -> None:
    path = question.at(SUBSCRIPTION, location="eastus2", namespace="Microsoft.Cache", group="rg-test", name="aks-test")
    with pytest.raises(ArmRefusedError, match="InvalidApiVersionParameter"):
        azure.arm().check(path, "1999-01-01", {}) if question in NAMES else azure.arm().get(path, "1999-01-01")


@pytest.mark.usefixtures("private_cluster")
def test_a_private_api_server_has_a_name(official: Callable[[Any], Any]) -> None:
    clusters = official(ContainerServiceClient).managed_clusters
    assert clusters.get("RG-TEST", "aks-test").private_fqdn == "aks-test.example.com"
    with pytest.raises(ResourceNotFoundError):
        clusters.get("rg-test", "other")


@pytest.mark.parametrize(
    ("question", "action"),
    [
        (questions.SUBSCRIPTION, "Microsoft.Resources/subscriptions/read"),
        (questions.PROVIDER, "Microsoft.Resources/subscriptions/providers/read"),
        (questions.VM_SKUS, "Microsoft.Compute/skus/read"),
        (questions.COMPUTE_USAGES, "Microsoft.Compute/locations/usages/read"),
        (questions.CLUSTER, "Microsoft.ContainerService/managedClusters/read"),
    ],
)
def test_a_refusal_names_the_action_that_no_role_allows(azure: Simulated, question: Question, action: str) -> None:
    azure.faults.set("azure.http", {"status": 403})
    with pytest.raises(ArmForbiddenError, match=f"perform action '{action}'"):
        got(azure, question, location="eastus2", namespace="Microsoft.Cache", group="rg-test", name="aks-test")


def test_nothing_is_said_without_a_token(azure: Simulated) -> None:
    answer = requests.get(f"{azure.url}/subscriptions/{SUBSCRIPTION}?api-version=2022-12-01", timeout=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AuthenticationFailed")
    header = {"Authorization": "Bearer x.y.z"}
    answer = requests.get(f"{azure.url}/subscriptions/{SUBSCRIPTION}?api-version=2022-12-01", headers=header, timeout=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


def test_an_identity_is_given_to_whoever_names_its_header(azure: Simulated) -> None:
    url, query = azure.environ["IDENTITY_ENDPOINT"], {"api-version": "2019-08-01", "resource": "https://management.azure.com"}
    assert requests.get(url, params=query, headers={"X-IDENTITY-HEADER": "another"}, timeout=5).status_code == 401
    assert "access_token" in requests.get(url, params=query, headers={"X-IDENTITY-HEADER": "rehearsal"}, timeout=5).json()


def test_there_is_one_subscription(azure: Simulated) -> None:
    assert got(azure, questions.SUBSCRIPTION)["tenantId"] == TENANT
    with pytest.raises(ArmNotFoundError, match="SubscriptionNotFound"):
        azure.arm().get(questions.SUBSCRIPTION.at("11111111-1111-1111-1111-111111111111"), questions.SUBSCRIPTION.api_version)


@pytest.mark.parametrize("state", ["Disabled", "Warned", "PastDue"])
def test_a_subscription_may_be_out_of_order(azure: Simulated, state: str) -> None:
    azure.faults.set("azure.subscription", {"state": state})
    assert got(azure, questions.SUBSCRIPTION)["state"] == state


def test_providers_may_be_unregistered(azure: Simulated) -> None:
    azure.faults.set("azure.provider", {"namespaces": ["Microsoft.Cache", "Microsoft.KeyVault"], "state": "Unregistered"})
    states = {one["namespace"]: one["registrationState"] for one in listed(azure, PROVIDERS)}
    assert {name for name, state in states.items() if state != "Registered"} == {"Microsoft.Cache", "Microsoft.KeyVault"}
    assert states["Microsoft.Cache"] == "Unregistered"


def test_paths_are_read_without_regard_to_case(azure: Simulated) -> None:
    path = questions.PROVIDER.at(SUBSCRIPTION.upper(), namespace="microsoft.cache").replace("/providers", "/PROVIDERS")
    assert azure.arm().get(path, questions.PROVIDER.api_version)["namespace"] == "Microsoft.Cache"


def test_long_lists_come_in_pages(azure: Simulated) -> None:
    found = listed(azure, questions.VM_SKUS)
    assert len(found) > 100
    assert len({(one["name"], one["locations"][0]) for one in found}) == len(found)


def test_a_size_has_its_family_its_cores_and_its_zones(azure: Simulated) -> None:
    sku = sizes(azure, "eastus2")[GPU]
    capabilities = {one["name"]: one["value"] for one in sku["capabilities"]}
    assert (sku["family"], capabilities["vCPUs"], capabilities["GPUs"]) == ("standardNCADSH100v5Family", "40", "1")
    assert sku["locationInfo"][0]["zones"] == ["1", "2", "3"]
    assert sku["restrictions"] == []


def test_regions_lack_what_their_data_says(azure: Simulated) -> None:
    assert GPU not in sizes(azure, "westus3")
    [zonal] = sizes(azure, "southcentralus")[GPU]["restrictions"]
    assert (zonal["type"], zonal["restrictionInfo"]["zones"], zonal["reasonCode"]) == ("Zone", ["1", "3"], "NotAvailableForSubscription")
    [whole] = sizes(azure, "northeurope")[GPU]["restrictions"]
    assert (whole["type"], whole["values"]) == ("Location", ["northeurope"])
    assert limits(azure, "westeurope")["StandardNCadsH100v5Family"] == (0, 0)
    assert sizes(azure, "westcentralus")[GPU]["locationInfo"][0]["zones"] == []


def test_a_filter_that_arm_does_not_know_is_refused(azure: Simulated) -> None:
    with pytest.raises(ArmRefusedError, match="InvalidFilter"):
        listed(azure, questions.VM_SKUS, **{"$filter": "family eq 'x'"})


def test_a_region_that_is_none_is_refused(azure: Simulated) -> None:
    with pytest.raises(ArmRefusedError, match="eastus2"):
        listed(azure, questions.COMPUTE_USAGES, "atlantis")


def test_every_family_of_a_size_has_a_quota_by_some_spelling(azure: Simulated) -> None:
    known = {name.replace(" ", "").lower() for name in limits(azure, "eastus2")}
    assert {sku["family"].replace(" ", "").lower() for sku in sizes(azure, "eastus2").values()} <= known


def test_what_runs_counts_against_its_quota(azure: Simulated, group: str) -> None:
    before = limits(azure, "eastus2")
    pools = [
        {"name": "system", "vmSize": "Standard_D16ds_v5", "count": 2},
        {"name": "gpu", "vmSize": GPU, "count": 3},
        {"name": "spot", "vmSize": GPU, "count": 1, "scaleSetPriority": "Spot"},
    ]
    cluster = f"{group}/providers/Microsoft.ContainerService/managedClusters/aks"
    azure.put("Microsoft.ContainerService/managedClusters", cluster, location="eastus2", agentPoolProfiles=pools)
    after = limits(azure, "eastus2")
    grown = {name: after[name][0] - before[name][0] for name in after if after[name] != before[name]}
    assert grown == {"cores": 152, "standardDDSv5Family": 32, "StandardNCadsH100v5Family": 120, "lowPriorityCores": 40}
    assert limits(azure, "swedencentral")["cores"] == (0, 1000)


def test_quotas_and_sizes_can_be_taken_away(azure: Simulated) -> None:
    azure.faults.set("azure.quota", {"location": "eastus2", "family": "cores", "limit": 10})
    azure.faults.set("azure.sku", {"location": "eastus2", "size": GPU, "zones": ["2"], "reason": "QuotaId"})
    assert limits(azure, "eastus2")["cores"][1] == 10
    assert limits(azure, "swedencentral")["cores"][1] == 1000
    assert sizes(azure, "eastus2")[GPU]["restrictions"][0]["restrictionInfo"]["zones"] == ["2"]
    azure.faults.set("azure.sku", {"size": GPU, "absent": True})
    assert GPU not in sizes(azure, "eastus2")
    assert GPU not in sizes(azure, "swedencentral")


def test_roles_decide_what_a_login_may_do(azure: Simulated, official: Callable[[Any], Any]) -> None:
    assert listed(azure, questions.PERMISSIONS)[0]["actions"] == ["*"]
    azure.faults.set("azure.roles", {"roles": ["Contributor", "Reader"]})
    contributor, reader = listed(azure, questions.PERMISSIONS)
    assert "Microsoft.Authorization/*/Write" in contributor["notActions"]
    assert reader["actions"] == ["*/read"]
    client = official(AuthorizationManagementClient)
    assert len(list(client.role_assignments.list_for_subscription(filter=f"assignedTo('{OBJECT}')"))) == 2
    assert list(client.role_assignments.list_for_subscription(filter="principalId eq '11111111-1111-1111-1111-111111111111'")) == []
    azure.faults.set("azure.roles", {"roles": []})
    with pytest.raises(ArmForbiddenError, match="AuthorizationFailed"):
        listed(azure, questions.PERMISSIONS)


def test_aks_names_its_versions(azure: Simulated, official: Callable[[Any], Any]) -> None:
    found = official(ContainerServiceClient).managed_clusters.list_kubernetes_versions("eastus2").values
    plans = {one.version: one.capabilities.support_plan for one in found}
    assert plans["1.33"] == ["AKSLongTermSupport"]
    assert "KubernetesOfficial" in plans["1.36"]
    assert [one.version for one in found if one.is_default] == ["1.35"]
    azure.faults.set("azure.kubernetes", {"without": ["1.35"]})
    values = got(azure, questions.KUBERNETES_VERSIONS, location="eastus2")["values"]
    assert "1.35" not in [one["version"] for one in values]


def test_postgresql_names_its_sizes_and_its_restriction(azure: Simulated, official: Callable[[Any], Any]) -> None:
    client = official(PostgreSQLManagementClient)
    [found] = client.capabilities_by_location.list("eastus2")
    skus = {sku.name: sku for edition in found.supported_server_editions for sku in edition.supported_server_skus}
    assert (found.restricted, found.zone_redundant_ha_supported) == ("Disabled", "Enabled")
    assert skus["Standard_D4s_v3"].supported_ha_mode == ["SameZone", "ZoneRedundant"]
    assert skus["Standard_B2s"].supported_ha_mode == []
    [restricted] = client.capabilities_by_location.list("eastus")
    assert (restricted.restricted, restricted.status) == ("Enabled", "Disabled")
    assert "restricted in this region" in restricted.reason
    azure.faults.set("azure.postgresql", {"location": "eastus2", "reason": "No more."})
    [taken] = client.capabilities_by_location.list("eastus2")
    assert (taken.restricted, taken.reason) == ("Enabled", "No more.")


def test_redis_is_where_its_provider_says(azure: Simulated) -> None:
    def where() -> list[str]:
        types = {
            one["resourceType"]: one["locations"] for one in got(azure, questions.PROVIDER, namespace="Microsoft.Cache")["resourceTypes"]
        }
        return types["redisEnterprise"]

    assert "East US 2" in where()
    assert "Germany West Central" not in where()
    azure.faults.set("azure.redis", {"location": "eastus2"})
    assert "East US 2" not in where()


@pytest.mark.parametrize("question", NAMES, ids=lambda each: each.template.rpartition("/")[2])
def test_a_name_is_free_taken_or_wrong(azure: Simulated, question: Question) -> None:
    field, kind = NAMES[question]

    def ask(name: str) -> dict[str, Any]:
        return azure.arm().check(question.at(SUBSCRIPTION, location="eastus2"), question.api_version, {field: name, "type": kind})

    def free(answer: dict[str, Any]) -> bool:
        return bool(answer.get("nameAvailable", answer.get("isSubdomainAvailable")))

    assert free(ask("free0name"))
    assert not free(ask("_"))
    azure.faults.set("azure.name", {"taken": ["free0name"]})
    assert ask("free0name")["reason"] == "AlreadyExists"
    with pytest.raises(ArmRefusedError, match="InvalidRequestContent"):
        azure.arm().check(question.at(SUBSCRIPTION, location="eastus2"), question.api_version, {field: "x", "type": "Other/type"})


def test_microsofts_clients_agree_on_names(azure: Simulated, official: Callable[[Any], Any]) -> None:
    azure.faults.set("azure.name", {"taken": ["sdgtaken"], "deleted": ["kv-sdg-gone"]})
    storage, vaults = official(StorageManagementClient).storage_accounts, official(KeyVaultManagementClient).vaults
    assert not storage.check_name_availability({"name": "sdgtaken", "type": "Microsoft.Storage/storageAccounts"}).name_available
    answer = vaults.check_name_availability({"name": "kv-sdg-gone", "type": "Microsoft.KeyVault/vaults"})
    assert (answer.name_available, answer.reason) == (False, "AlreadyExists")
    [gone] = vaults.list_deleted()
    assert gone.name == "kv-sdg-gone"
    assert gone.properties.scheduled_purge_date > datetime.now(UTC)


def test_a_name_that_the_world_uses_is_taken(azure: Simulated) -> None:
    account = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/sdgthere"
    azure.put("Microsoft.Storage/storageAccounts", account, location="eastus2")
    body = {"name": "sdgthere", "type": "Microsoft.Storage/storageAccounts"}
    answer = azure.arm().check(questions.STORAGE_NAME.at(SUBSCRIPTION), questions.STORAGE_NAME.api_version, body)
    assert answer["reason"] == "AlreadyExists"
    assert listed(azure, STORAGE_USAGES)[0]["currentValue"] == 1


def test_models_are_listed_with_the_day_of_their_end(azure: Simulated, official: Callable[[Any], Any]) -> None:
    client = official(CognitiveServicesManagementClient)

    def models(location: str) -> dict[str, Any]:
        return {one.model.name: one.model for one in client.models.list(location)}

    assert "DeepSeek-R1" in models("eastus2")
    assert models("uksouth") == {}
    assert models("eastus2")["Meta-Llama-3.1-8B-Instruct"].lifecycle_status == "Deprecated"
    azure.faults.set("azure.model", {"location": "eastus2", "model": "DeepSeek/DeepSeek-R1"})
    assert "DeepSeek-R1" not in models("eastus2")
    azure.faults.set("azure.model", {"location": "eastus2", "model": "OpenAI/gpt-4o", "retires": "2020-01-01"})
    assert models("eastus2")["gpt-4o"].deprecation.inference == "2020-01-01T00:00:00Z"
    usages = [one.name.value for one in client.usages.list("eastus2")]
    assert "AIServices.GlobalStandard.gpt-4o" in usages


def test_networks_have_quotas_too(official: Callable[[Any], Any]) -> None:
    found = {one.name.value: one.limit for one in official(NetworkManagementClient).usages.list("eastus2")}
    assert found["StandardSkuPublicIpAddresses"] == 20


def test_a_resource_group_lists_what_is_in_it(azure: Simulated, group: str) -> None:
    account = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/sdghere"
    azure.put("Microsoft.Storage/storageAccounts", account, location="eastus2")
    assert [one["name"] for one in listed(azure, RESOURCES_OF_GROUP)] == ["sdghere"]
    with pytest.raises(ArmNotFoundError, match="ResourceGroupNotFound"):
        got(azure, questions.RESOURCE_GROUP, group="elsewhere")


def test_failures_pass_after_as_many_times_as_they_are_told(azure: Simulated) -> None:
    azure.faults.set("azure.http", {"path": "/locations", "status": 429, "retryAfter": 0, "times": 2})
    assert listed(azure, questions.LOCATIONS)
    azure.faults.set("azure.http", {"status": 500})
    with pytest.raises(ArmUnavailableError):
        listed(azure, questions.LOCATIONS)


def test_one_region_has_everything() -> None:
    region = regions().regions["eastus2"]
    assert not any([region.without, region.restricted, region.absent, region.postgresql.restricted])
