"""Asking the simulated ARM: the program's questions, and those that people ask with `az`."""

from __future__ import annotations

from typing import Any

from rehearsal.azure.account import SUBSCRIPTION
from sdg.azure import questions
from sdg.azure.questions import Question
from tests.unit.azure.conftest import Simulated

GPU = "Standard_NC40ads_H100_v5"
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
