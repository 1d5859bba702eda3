"""The subscription itself: its state, its regions and resource providers, and what is in it."""

from __future__ import annotations

from typing import Any

from rehearsal.azure.account import SUBSCRIPTION, TENANT
from rehearsal.azure.errors import ArmError, group_not_found
from rehearsal.azure.ids import GROUP
from rehearsal.azure.regions import regions
from rehearsal.azure.world import Resource
from rehearsal.services.arm.rest.asked import NOT_FOUND, Asked, Json, Page, Route

NAMESPACES = (
    "Microsoft.Authorization",
    "Microsoft.Cache",
    "Microsoft.CognitiveServices",
    "Microsoft.Compute",
    "Microsoft.ContainerService",
    "Microsoft.DBforPostgreSQL",
    "Microsoft.Dashboard",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.MachineLearningServices",
    "Microsoft.ManagedIdentity",
    "Microsoft.MarketplaceOrdering",
    "Microsoft.Monitor",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
    "Microsoft.OperationsManagement",
    "Microsoft.Resources",
    "Microsoft.SaaS",
    "Microsoft.Storage",
)
_TYPES = {
    "Microsoft.Cache": ("redis", "redisEnterprise"),
    "Microsoft.CognitiveServices": ("accounts",),
    "Microsoft.ContainerService": ("managedClusters",),
    "Microsoft.DBforPostgreSQL": ("flexibleServers",),
    "Microsoft.Dashboard": ("grafana",),
    "Microsoft.KeyVault": ("vaults",),
    "Microsoft.MachineLearningServices": ("workspaces",),
    "Microsoft.Monitor": ("accounts",),
    "Microsoft.Network": ("natGateways", "privateEndpoints", "virtualNetworks"),
    "Microsoft.OperationalInsights": ("workspaces",),
    "Microsoft.Storage": ("storageAccounts",),
}
_ALWAYS = ("Microsoft.Authorization", "Microsoft.Resources")


def check(asked: Asked) -> None:
    """Refuse another subscription than the one that there is.

    Raises:
        ArmError: as ARM says it.
    """
    if asked.subscription.lower() != SUBSCRIPTION or _state(asked) == "Deleted":
        raise ArmError(NOT_FOUND, "SubscriptionNotFound", f"The subscription '{asked.subscription}' could not be found.")


def _state(asked: Asked) -> str:
    return str((asked.faults.get("azure.subscription") or {}).get("state", "Enabled"))


def subscription(asked: Asked) -> Json:
    """What it is."""
    return {
        "id": f"/subscriptions/{SUBSCRIPTION}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT,
        "displayName": "Rehearsal",
        "state": _state(asked),
        "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"},
    }


def locations(_asked: Asked) -> Page:
    """Its regions."""
    page = Page()
    for name, region in regions().regions.items():
        zones = [{"logicalZone": zone, "physicalZone": f"{name}-az{zone}"} for zone in region.zones]
        page.append(
            {
                "id": f"/subscriptions/{SUBSCRIPTION}/locations/{name}",
                "name": name,
                "type": "Region",
                "displayName": region.label,
                "regionalDisplayName": region.label,
                "metadata": {"regionType": "Physical", "regionCategory": "Recommended", "pairedRegion": [{"name": region.paired}]},
                **({"availabilityZoneMappings": zones} if zones else {}),
            }
        )
    return page


def providers(asked: Asked) -> Page:
    """All resource providers."""
    return Page(_provider(asked, namespace) for namespace in NAMESPACES)


def provider(asked: Asked) -> Json:
    """One resource provider."""
    wanted = asked.places["namespace"]
    for namespace in NAMESPACES:
        if namespace.lower() == wanted.lower():
            return _provider(asked, namespace)
    raise ArmError(NOT_FOUND, "InvalidResourceNamespace", f"The resource namespace '{wanted}' is invalid.")


def _provider(asked: Asked, namespace: str) -> Json:
    fault = asked.faults.get("azure.provider") or {}
    named = [str(each).lower() for each in fault.get("namespaces", [])]
    concerned = namespace.lower() in named and namespace not in _ALWAYS
    return {
        "id": f"/subscriptions/{SUBSCRIPTION}/providers/{namespace}",
        "namespace": namespace,
        "registrationPolicy": "RegistrationFree" if namespace in _ALWAYS else "RegistrationRequired",
        "registrationState": str(fault.get("state", "NotRegistered")) if concerned else "Registered",
        "resourceTypes": [
            {"resourceType": name, "locations": _labels(asked, f"{namespace}/{name}"), "apiVersions": [], "capabilities": "None"}
            for name in _TYPES.get(namespace, ())
        ],
    }


def _labels(asked: Asked, type_: str) -> list[str]:
    """Regions that have a type, by the names for people: ARM spells them so here."""
    found = [asked.offers.region(name) for name in asked.offers.names()]
    return [region.label for region in found if region and type_ not in region.absent]


def group(asked: Asked) -> Json:
    """One resource group."""
    found = _group(asked)
    return _summary(found) | {"properties": {"provisioningState": found.state}}


def resources(asked: Asked) -> Page:
    """What is in a resource group, by type and name."""
    name = _group(asked).name.lower()
    return Page(_summary(one) for one in asked.world.resources() if one.type != GROUP and one.resource_group.lower() == name and _top(one))


def _group(asked: Asked) -> Resource:
    wanted = asked.places["group"]
    found = next((one for one in asked.world.resources(GROUP) if one.name.lower() == wanted.lower()), None)
    if found is None:
        raise group_not_found(wanted)
    return found


def _top(resource: Resource) -> bool:
    """ARM lists what stands for itself, and not what is part of something (subnets, containers)."""
    return resource.type.count("/") == 1 and not resource.type.startswith("Microsoft.Authorization/")


def _summary(resource: Resource) -> Json:
    said: dict[str, Any] = {"id": resource.id, "name": resource.name, "type": resource.type}
    said |= {key: resource.outputs[key] for key in ("location", "tags", "kind") if resource.outputs.get(key)}
    return said


_S = "/subscriptions/{subscription}"
_RESOURCES = ("2021-04-01", "2024-03-01", "2025-04-01")
ROUTES = (
    Route("GET", _S, ("2020-01-01", "2022-12-01"), subscription),
    Route("GET", f"{_S}/locations", ("2020-01-01", "2022-12-01"), locations),
    Route("GET", f"{_S}/providers", _RESOURCES, providers),
    Route("GET", f"{_S}/providers/{{namespace}}", _RESOURCES, provider),
    Route("GET", f"{_S}/resourceGroups/{{group}}", _RESOURCES, group),
    Route("GET", f"{_S}/resourceGroups/{{group}}/resources", _RESOURCES, resources),
)
