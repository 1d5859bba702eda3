"""Resource groups, key vaults, and what watches over all of it; where regional resources may be."""

from __future__ import annotations

import secrets

from rehearsal.azure.behaviour import Fields, Request, View, derived, makes_keys, outputs, rule
from rehearsal.azure.errors import ArmError
from rehearsal.azure.ids import GROUP
from rehearsal.azure.resources import Resource
from rehearsal.azure.services.identity import system_assigned

BAD_REQUEST = 400
VAULT, SECRET = "Microsoft.KeyVault/vaults", "Microsoft.KeyVault/vaults/secrets"
WORKSPACE = "Microsoft.OperationalInsights/workspaces"
SOLUTION = "Microsoft.OperationsManagement/solutions"
METRICS, GRAFANA = "Microsoft.Monitor/accounts", "Microsoft.Dashboard/grafana"
ENDPOINT, RULE = "Microsoft.Insights/dataCollectionEndpoints", "Microsoft.Insights/dataCollectionRules"
ASSOCIATION, DIAGNOSTICS = "Microsoft.Insights/dataCollectionRuleAssociations", "Microsoft.Insights/diagnosticSettings"
REGIONAL = (
    GROUP,
    VAULT,
    WORKSPACE,
    METRICS,
    GRAFANA,
    ENDPOINT,
    RULE,
    "Microsoft.CognitiveServices/accounts",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.Network/virtualNetworks",
)
RETENTION = {"soft": range(7, 91), "logs": range(30, 731)}
TARGETS = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")


@rule(*REGIONAL)
def _there(request: Request) -> None:
    where = str(request.inputs.get("location") or "")
    region = request.view.offers.region(where)
    if region is None or request.type in region.absent:
        sentence = f"The provided location '{where}' is not available for resource type '{request.type}'."
        raise _bad(
            "LocationNotAvailableForResourceType", f"{sentence} List of available regions is '{','.join(request.view.offers.names())}'."
        )


@rule(VAULT)
def _vault(request: Request) -> None:
    given = request.inputs.get("properties") or {}
    if given.get("enablePurgeProtection") is False:
        words = 'The property "enablePurgeProtection" cannot be set to false.'
        raise _bad("BadRequest", f"{words} Enabling the purge protection for a vault is an irreversible action.")
    before = (request.old.outputs.get("properties") if request.old else None) or {}
    if before.get("enablePurgeProtection") and not given.get("enablePurgeProtection", True):
        raise _bad("BadRequest", "Purge protection cannot be taken back.")
    days = given.get("softDeleteRetentionInDays")
    if days is not None and days not in RETENTION["soft"]:
        raise _bad("BadRequest", f"softDeleteRetentionInDays {days} is out of range: 7 to 90 are allowed.")
    if before and days is not None and days != before.get("softDeleteRetentionInDays", days):
        raise _bad("BadRequest", 'The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.')
    if given.get("enableSoftDelete") is False:
        raise _bad("BadRequest", 'The property "enableSoftDelete" can be set to false only for creating new vault, and no more at all.')


@outputs(VAULT)
def _vault_outputs(view: View, resource: Resource) -> Fields:  # noqa: ARG001 -- the registry's signature
    properties = {
        "vaultUri": f"https://{resource.name}.vault.azure.net/",
        "provisioningState": "Succeeded",
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": 90,
        "publicNetworkAccess": "Enabled",
        "accessPolicies": [],
        "hsmPoolResourceId": None,
    }
    return {"properties": {name: value for name, value in properties.items() if value is not None}}


@outputs(SECRET)
def _secret_outputs(view: View, resource: Resource) -> Fields:  # noqa: ARG001
    vault = resource.id.split("/vaults/")[1].partition("/")[0]
    uri = f"https://{vault}.vault.azure.net/secrets/{resource.name}"
    version = derived(resource, str((resource.inputs.get("properties") or {}).get("value"))).replace("-", "")
    return {"properties": {"secretUri": uri, "secretUriWithVersion": f"{uri}/{version}", "attributes": {"enabled": True}}}


@makes_keys(WORKSPACE)
def _workspace_keys() -> dict[str, str]:
    return {"primarySharedKey": secrets.token_urlsafe(64), "secondarySharedKey": secrets.token_urlsafe(64)}


@rule(WORKSPACE)
def _workspace(request: Request) -> None:
    days = request.inputs.get("retentionInDays")
    if days is not None and days not in RETENTION["logs"]:
        raise _bad("BadRequest", f"retentionInDays {days} is out of range: 30 to 730 are allowed.")


@outputs(WORKSPACE)
def _workspace_outputs(view: View, resource: Resource) -> Fields:
    return {
        "customerId": derived(resource, "workspace"),
        "retentionInDays": 30,
        "publicNetworkAccessForIngestion": "Enabled",
        "publicNetworkAccessForQuery": "Enabled",
        **system_assigned(resource, view),
    }


@rule(SOLUTION)
def _solution(request: Request) -> None:
    workspace = str((request.inputs.get("properties") or {}).get("workspaceResourceId", "")).rpartition("/")[2]
    if not request.name.endswith(f"({workspace})") or (request.inputs.get("plan") or {}).get("name", request.name) != request.name:
        raise _bad("InvalidSolution", f"The name of a solution is its product and its workspace in brackets: '{request.name}'.")


@outputs(METRICS)
def _metrics(view: View, resource: Resource) -> Fields:  # noqa: ARG001
    region = resource.outputs.get("location", "")
    group = f"/subscriptions/{resource.id.split('/')[2]}/resourceGroups/MA_{resource.name}_{region}_managed/providers/Microsoft.Insights"
    collected = {
        "dataCollectionEndpointResourceId": f"{group}/dataCollectionEndpoints/{resource.name}",
        "dataCollectionRuleResourceId": f"{group}/dataCollectionRules/{resource.name}",
    }
    query = f"https://{resource.name}-{derived(resource, 'query')[:4]}.{region}.prometheus.monitor.azure.com"
    return {
        "accountId": derived(resource, "account"),
        "defaultIngestionSettings": collected,
        "metrics": {"internalId": f"mac_{derived(resource, 'account')}", "prometheusQueryEndpoint": query},
        "publicNetworkAccess": "Enabled",
    }


@outputs(ENDPOINT, RULE)
def _collection(view: View, resource: Resource) -> Fields:  # noqa: ARG001
    number = derived(resource, "immutable").replace("-", "")
    if resource.type == RULE:
        return {"immutableId": f"dcr-{number}"}
    region = resource.outputs.get("location", "")
    host = f"{resource.name}-{number[:4]}.{region}-1"
    return {
        "immutableId": f"dce-{number}",
        "logsIngestion": {"endpoint": f"https://{host}.ingest.monitor.azure.com"},
        "metricsIngestion": {"endpoint": f"https://{host}.metrics.ingest.monitor.azure.com"},
        "configurationAccess": {"endpoint": f"https://{host}.handler.control.monitor.azure.com"},
    }


@rule(RULE)
def _rule(request: Request) -> None:
    names = {
        str(one.get("name"))
        for group in (request.inputs.get("destinations") or {}).values()
        for one in (group if isinstance(group, list) else [group] if group else [])
    }
    for flow in request.inputs.get("dataFlows") or []:
        if missing := [one for one in flow.get("destinations") or [] if one not in names]:
            raise _bad("InvalidPayload", f"Data collection rule is invalid: destination {missing[0]} of a data flow is not declared.")


@rule(ASSOCIATION)
def _association(request: Request) -> None:
    both = [request.inputs.get("dataCollectionRuleId"), request.inputs.get("dataCollectionEndpointId")]
    if len([one for one in both if one]) != 1:
        raise _bad("InvalidPayload", "An association names either dataCollectionRuleId or dataCollectionEndpointId.")


@rule(DIAGNOSTICS)
def _diagnostics(request: Request) -> None:
    if not any(request.inputs.get(name) for name in TARGETS):
        raise _bad("BadRequest", f"At least one of {', '.join(TARGETS)} is required.")
    if not (request.inputs.get("logs") or request.inputs.get("metrics")):
        raise _bad("BadRequest", "At least one of logs and metrics is required.")


@outputs(GRAFANA)
def _grafana(view: View, resource: Resource) -> Fields:
    region = resource.outputs.get("location", "")
    endpoint = f"https://{resource.name}-{derived(resource, 'endpoint')[:4]}.{region}.grafana.azure.com"
    return {
        "properties": {
            "endpoint": endpoint,
            "grafanaVersion": "11.6.0",
            "provisioningState": "Succeeded",
            "publicNetworkAccess": "Enabled",
        },
        **system_assigned(resource, view),
    }


@outputs(GROUP)
def _group(view: View, resource: Resource) -> Fields:  # noqa: ARG001
    return {"properties": {"provisioningState": "Succeeded"}}


def _bad(code: str, message: str) -> ArmError:
    return ArmError(BAD_REQUEST, code, message)
