"""Foundry's models as the simulated ARM has them: deployments of accounts, and serverless endpoints of projects."""

from __future__ import annotations

import pytest

from rehearsal.azure.regions import regions
from rehearsal.azure.resources import Resource
from sdg.catalog.foundry_models import FoundryModel, foundry_models
from tests.unit.azure_simulator.site import REGION, Site, refused

LLAMA = {"format": "Meta", "name": "Llama-3.3-70B-Instruct"}
LLAMA_ID = "azureml://registries/azureml-meta/models/Llama-3.3-70B-Instruct"
DEEPSEEK_ID = "azureml://registries/azureml-deepseek/models/DeepSeek-V4-Pro"


@pytest.fixture
def account(site: Site) -> Resource:
    properties = {"customSubDomainName": "models"}
    return site.put(
        "cognitiveservices:Account", accountName="models", location=REGION, kind="AIServices", sku={"name": "S0"}, properties=properties
    )


def deploy(site: Site, deployment: str = "text", capacity: int = 1, kind: str = "GlobalStandard", **model: str) -> Resource:
    sku = {"name": kind, "capacity": capacity}
    return site.put(
        "cognitiveservices:Deployment", accountName="models", deploymentName=deployment, sku=sku, properties={"model": {**LLAMA, **model}}
    )


def test_an_account_says_where_its_models_answer(account: Resource) -> None:
    assert account.outputs["properties"]["endpoints"]["AI Foundry API"] == "https://models.services.ai.azure.com/"


def test_a_deployment_gets_the_version_that_the_region_has(site: Site, account: Resource) -> None:
    assert deploy(site).outputs["properties"]["model"]["version"] == "9"


@pytest.mark.parametrize("model", [{"name": "gpt-1"}, {"format": "OpenAI"}, {"version": "1"}])
def test_a_model_that_the_region_lacks_is_not_deployed(site: Site, account: Resource, model: dict[str, str]) -> None:
    with refused("DeploymentModelNotSupported"):
        deploy(site, **model)


def test_a_retired_model_is_not_deployed(site: Site, account: Resource) -> None:
    with refused("ServiceModelDeprecated"):
        deploy(site, name="Meta-Llama-3.1-8B-Instruct")


def test_a_kind_of_deployment_that_the_model_lacks_is_refused(site: Site, account: Resource) -> None:
    with refused("InvalidResourceProperties"):
        deploy(site, kind="ProvisionedManaged")


@pytest.mark.parametrize("model", [model for model in foundry_models().values() if model.retired], ids=lambda model: model.name)
def test_no_model_outlives_its_own_retirement(model: FoundryModel) -> None:
    assert {found.retires for found in regions().models if found.name == model.name} <= {model.retired}


@pytest.mark.parametrize("model", [model for model in foundry_models().values() if not model.retired], ids=lambda model: model.name)
def test_every_model_that_serves_can_be_had_somewhere(model: FoundryModel) -> None:
    offered = {name for region in regions().regions.values() for name in region.models}
    assert f"{model.format}/{model.name}" in offered & {found.key for found in regions().models}


def test_deployments_of_a_region_share_its_capacity(site: Site, account: Resource) -> None:
    deploy(site, capacity=900)
    deploy(site, capacity=1000)  # the same one, grown
    with refused("InsufficientQuota"):
        deploy(site, "more", capacity=1)


@pytest.fixture
def project(site: Site) -> Resource:
    common = {"location": REGION, "identity": {"type": "SystemAssigned"}}
    hub = site.put("machinelearningservices:Workspace", workspaceName="hub", kind="Hub", storageAccount="/a", keyVault="/b", **common)
    return site.put("machinelearningservices:Workspace", workspaceName="project", kind="Project", hubResourceId=hub.id, **common)


def offer(site: Site, model: str, name: str = "text", workspace: str = "project") -> Resource:
    properties = {"authMode": "Key", "modelSettings": {"modelId": model}}
    place = {"workspaceName": workspace, "name": name, "location": REGION}
    return site.put("machinelearningservices:ServerlessEndpoint", sku={"name": "Consumption"}, properties=properties, **place)


def test_an_endpoint_says_where_it_answers(site: Site, project: Resource) -> None:
    found = offer(site, DEEPSEEK_ID)
    assert found.outputs["properties"]["inferenceEndpoint"]["uri"] == f"https://text.{REGION}.models.ai.azure.com"
    assert set(found.secrets) == {"primaryKey", "secondaryKey"}


def test_a_partners_model_needs_its_terms_accepted_first(site: Site, project: Resource) -> None:
    with refused("UserError"):
        offer(site, LLAMA_ID)
    terms = {"workspaceName": "project", "name": "terms", "properties": {"modelId": LLAMA_ID}}
    site.put("machinelearningservices:MarketplaceSubscription", **terms)
    assert offer(site, LLAMA_ID).outputs["properties"]["endpointState"] == "Online"


def test_a_project_has_one_endpoint_of_a_model(site: Site, project: Resource) -> None:
    offer(site, DEEPSEEK_ID)
    with refused("UserError"):
        offer(site, DEEPSEEK_ID, "again")


def test_endpoints_are_made_in_projects_alone(site: Site, project: Resource) -> None:
    with refused("UserError"):
        offer(site, DEEPSEEK_ID, workspace="hub")
