"""Models: Foundry accounts with their deployments, and machine learning workspaces with their serverless endpoints."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any, Final

from rehearsal.azure.behaviour import Fields, Request, View, derived, makes_keys, outputs, rule
from rehearsal.azure.errors import ArmError
from rehearsal.azure.regions import FoundryModel
from rehearsal.azure.resources import Resource
from rehearsal.azure.services.identity import system_assigned

BAD_REQUEST = 400
ACCOUNT: Final = "Microsoft.CognitiveServices/accounts"
PROJECT, DEPLOYMENT = f"{ACCOUNT}/projects", f"{ACCOUNT}/deployments"
WORKSPACE: Final = "Microsoft.MachineLearningServices/workspaces"
ENDPOINT, SUBSCRIPTION = f"{WORKSPACE}/serverlessEndpoints", f"{WORKSPACE}/marketplaceSubscriptions"
CAPACITY: Final = 1000  # thousands of tokens per minute, of one model in one region
OWN_REGISTRIES: Final = ("azureml", "azureml-deepseek")
"""Registries of models that Azure sells itself; others' go through its marketplace."""


@makes_keys(ACCOUNT)
def _account_keys() -> dict[str, str]:
    return {"key1": secrets.token_hex(32), "key2": secrets.token_hex(32)}


@outputs(ACCOUNT)
def _account(view: View, resource: Resource) -> Fields:
    domain = _properties(resource).get("customSubDomainName")
    region = resource.outputs.get("location", "")
    endpoint = f"https://{domain}.cognitiveservices.azure.com/" if domain else f"https://{region}.api.cognitive.microsoft.com/"
    endpoints = {"AI Foundry API": f"https://{domain}.services.ai.azure.com/"} if domain else {}
    added = {"endpoint": endpoint, "endpoints": endpoints, "provisioningState": "Succeeded", "isMigrated": False}
    return {"properties": {**added, "publicNetworkAccess": "Enabled"}, **system_assigned(resource, view)}


@rule(PROJECT)
def _project(request: Request) -> None:
    account = request.view.read(ACCOUNT, request.id.rpartition("/projects/")[0])
    if account and not _properties(account).get("allowProjectManagement"):
        raise _bad("BadRequest", f"The account {account.name} does not allow projects: allowProjectManagement must be true.")


@outputs(PROJECT)
def _project_outputs(view: View, resource: Resource) -> Fields:
    account = resource.id.split("/accounts/")[1].partition("/")[0]
    endpoint = f"https://{account}.services.ai.azure.com/api/projects/{resource.name}"
    return {"properties": {"endpoints": {"AI Foundry API": endpoint}, "isDefault": True}, **system_assigned(resource, view)}


@rule(DEPLOYMENT)
def _deployment(request: Request) -> None:
    account = request.view.read(ACCOUNT, request.id.rpartition("/deployments/")[0])
    if account is None:
        return  # a parent that is absent is refused elsewhere
    wanted = (request.inputs.get("properties") or {}).get("model") or {}
    region = str(account.outputs.get("location", ""))
    named = f"Format: {wanted.get('format')}, Name: {wanted.get('name')}, Version: {wanted.get('version') or ''}"
    found = [model for model in request.view.offers.models(region) if model.key == f"{wanted.get('format')}/{wanted.get('name')}"]
    fitting = [model for model in found if wanted.get("version") in {None, "", model.version}]
    if not fitting:
        raise _bad("DeploymentModelNotSupported", f"The model '{named}' of account deployment is not supported.")
    _refuse_retired(fitting[0], named)
    if (sku := str((request.inputs.get("sku") or {}).get("name") or "")) != fitting[0].sku:
        said = f"The specified SKU '{sku}' for model '{wanted.get('name')} {fitting[0].version}'"
        raise _bad("InvalidResourceProperties", f"{said} is not supported in this region '{region}'.")
    asked, taken = _capacity(request.inputs), _taken(request, region, fitting[0])
    if asked > CAPACITY - taken:
        quota = f"Tokens Per Minute (thousands) - {wanted.get('name')} - {fitting[0].sku}"
        sentence = f"This operation require {asked} new capacity in quota {quota}, which is bigger than the current available capacity"
        raise _bad(
            "InsufficientQuota", f"{sentence} {CAPACITY - taken}. The current quota usage is {taken} and the quota limit is {CAPACITY}."
        )


def _taken(request: Request, region: str, model: FoundryModel) -> int:
    """Capacity of a model that other deployments of the region have."""
    view = request.view
    mine = [one for one in view.resources(DEPLOYMENT) if one.id.lower() != request.id.lower() and _deployed(one) == model.key]
    accounts = {one.id.lower() for one in view.resources(ACCOUNT) if one.outputs.get("location") == region}
    return sum(_capacity(one.inputs) for one in mine if one.id.rpartition("/deployments/")[0].lower() in accounts)


def _deployed(deployment: Resource) -> str:
    model = _properties(deployment).get("model") or {}
    return f"{model.get('format')}/{model.get('name')}"


def _capacity(inputs: Fields) -> int:
    return int((inputs.get("sku") or {}).get("capacity") or 1)


@outputs(DEPLOYMENT)
def _deployment_outputs(view: View, resource: Resource) -> Fields:
    wanted = _properties(resource).get("model") or {}
    account = view.read(ACCOUNT, resource.id.rpartition("/deployments/")[0])
    region = str(account.outputs.get("location", "")) if account else ""
    version = wanted.get("version") or next((m.version for m in view.offers.models(region) if m.key == _deployed(resource)), None)
    added = {"provisioningState": "Succeeded", "versionUpgradeOption": "OnceNewDefaultVersionAvailable"}
    return {"properties": added | ({"model": {**wanted, "version": version}} if version else {})}


@rule(WORKSPACE)
def _workspace(request: Request) -> None:
    kind, inputs = str(request.inputs.get("kind") or "Default").lower(), request.inputs
    hub = str(inputs.get("hubResourceId") or "")
    if kind == "project" and request.view.read(WORKSPACE, hub) is None:
        raise _bad("ValidationError", f"The hub '{hub}' of project '{request.name}' was not found.")
    if kind != "project" and not (inputs.get("storageAccount") and inputs.get("keyVault")):
        raise _bad("ValidationError", "Missing dependent resources in workspace json: storageAccount and keyVault are required.")


@outputs(WORKSPACE)
def _workspace_outputs(view: View, resource: Resource) -> Fields:
    number = derived(resource, "workspace")
    return {"workspaceId": number, "provisioningState": "Succeeded", "publicNetworkAccess": "Enabled", **system_assigned(resource, view)}


@rule(ENDPOINT)
def _endpoint(request: Request) -> None:
    id_ = request.id.rpartition("/serverlessEndpoints/")[0]
    workspace = request.view.read(WORKSPACE, id_)
    if workspace is None or str(workspace.inputs.get("kind") or "").lower() != "project":
        raise _bad("UserError", "Serverless endpoints are made in projects.")
    model_id = _model_id(request.inputs)
    _, registry, name = _parts(model_id)
    _refuse_unoffered(request.view, str(workspace.outputs.get("location", "")), model_id)
    accepted = [
        one for one in request.view.resources(SUBSCRIPTION) if _within(one, workspace) and _properties(one).get("modelId") == model_id
    ]
    if registry not in OWN_REGISTRIES and not accepted:
        words = f"Marketplace Subscription purchase eligibility check failed: model {name} needs a marketplace subscription in its project."
        raise _bad("UserError", words)
    others = [one for one in request.view.resources(ENDPOINT) if _within(one, workspace) and one.name != request.name]
    if any(_model_id(one.inputs) == model_id for one in others):
        raise _bad("UserError", f"Project {workspace.name} has an endpoint of model {name} already: one of each.")


@makes_keys(ENDPOINT)
def _endpoint_keys() -> dict[str, str]:
    return {"primaryKey": secrets.token_hex(16), "secondaryKey": secrets.token_hex(16)}


@outputs(ENDPOINT)
def _endpoint_outputs(view: View, resource: Resource) -> Fields:
    workspace = view.read(WORKSPACE, resource.id.rpartition("/serverlessEndpoints/")[0])
    region = str(workspace.outputs.get("location", "")) if workspace else ""
    uri = f"https://{resource.name}.{region}.models.ai.azure.com"
    added: dict[str, Any] = {"inferenceEndpoint": {"uri": uri, "headers": {}}, "endpointState": "Online", "provisioningState": "Succeeded"}
    return {"properties": added}


@outputs(SUBSCRIPTION)
def _subscription_outputs(view: View, resource: Resource) -> Fields:  # noqa: ARG001 -- the registry's signature
    plan = {"publisherId": "rehearsal", "offerId": _parts(str(_properties(resource).get("modelId")))[2], "planId": "pay-as-you-go"}
    return {"properties": {"marketplacePlan": plan, "marketplaceSubscriptionStatus": "Subscribed", "provisioningState": "Succeeded"}}


def _refuse_unoffered(view: View, region: str, model_id: str) -> None:
    name = _parts(model_id)[2]
    found = next((model for model in view.offers.models(region) if model.name == name), None)
    if found is None:
        raise _bad("UserError", f"Model {name} is not available for serverless deployment in region {region}.")
    _refuse_retired(found, f"Format: {found.format}, Name: {name}, Version: {found.version}")


def _refuse_retired(model: FoundryModel, named: str) -> None:
    if model.retires <= datetime.now(UTC).date():
        since = f"{model.retires:%m/%d/%Y} 00:00:00"
        raise _bad("ServiceModelDeprecated", f"The model '{named}' has been deprecated since {since}.")


def _within(resource: Resource, workspace: Resource) -> bool:
    return resource.id.lower().startswith(f"{workspace.id.lower()}/")


def _model_id(inputs: Fields) -> str:
    return str(((inputs.get("properties") or {}).get("modelSettings") or {}).get("modelId") or "")


def _parts(model_id: str) -> tuple[str, str, str]:
    """Scheme, registry and name of `azureml://registries/<registry>/models/<name>`."""
    scheme, _, rest = model_id.partition("://registries/")
    registry, _, name = rest.partition("/models/")
    return scheme, registry, name.partition("/")[0]


def _properties(resource: Resource) -> dict[str, Any]:
    return dict(resource.inputs.get("properties") or {})


def _bad(code: str, message: str) -> ArmError:
    return ArmError(BAD_REQUEST, code, message)
