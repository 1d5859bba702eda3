"""The simulated ARM, asked by our client and by Microsoft's own, whose models refuse other shapes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from azure.core.exceptions import ResourceNotFoundError
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.storage import StorageManagementClient

from rehearsal.azure.account import OBJECT, SUBSCRIPTION, TENANT
from sdg.azure import questions
from sdg.azure.errors import ArmForbiddenError, ArmNotFoundError, ArmRefusedError, ArmUnavailableError
from sdg.azure.questions import Question
from tests.unit.azure.arm_asked import FOUNDRY_NAME, OTHERS, PROVIDERS, RESOURCES_OF_GROUP, STORAGE_USAGES, got, listed
from tests.unit.azure.conftest import GROUP, Simulated

NAMES = {
    questions.STORAGE_NAME: ("name", "Microsoft.Storage/storageAccounts"),
    questions.KEY_VAULT_NAME: ("name", "Microsoft.KeyVault/vaults"),
    questions.POSTGRESQL_NAME: ("name", "Microsoft.DBforPostgreSQL/flexibleServers"),
    FOUNDRY_NAME: ("subdomainName", "Microsoft.CognitiveServices/accounts"),
}
OBJECTS = (questions.SUBSCRIPTION, questions.PROVIDER, questions.KUBERNETES_VERSIONS, questions.RESOURCE_GROUP, questions.CLUSTER)
ALL = [*(each for each in vars(questions).values() if isinstance(each, Question)), *OTHERS]


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


def test_a_filter_that_arm_does_not_know_is_refused(azure: Simulated) -> None:
    with pytest.raises(ArmRefusedError, match="InvalidFilter"):
        listed(azure, questions.VM_SKUS, **{"$filter": "family eq 'x'"})


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
