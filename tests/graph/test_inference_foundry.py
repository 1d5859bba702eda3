"""Azure AI Foundry: what a stack makes of it, in which order, and what it refuses to make."""

import itertools
import json

import pulumi
import pytest
from google.protobuf import json_format

MINE = "198.51.100.7/32"
RECORD = "inference-gate"
ACCOUNT, DEPLOYMENT = "cognitiveservices:Account", "cognitiveservices:Deployment"
SERVERLESS, TERMS, WORKSPACE = (
    f"machinelearningservices:{kind}" for kind in ("ServerlessEndpoint", "MarketplaceSubscription", "Workspace")
)
KEYS = ("planted-foundry-key", "planted-second-foundry-key", "planted-serverless-key", "planted-second-serverless-key")
URN = "urn:pulumi:test::sdg::sdg:inference:Foundry$azure-native:{kind}::foundry-{endpoint}"
TWO = {"phi-4": {"capacity": 20}, "text": {"model": "llama-3-3-70b", "version": "9"}}
THREE = {**TWO, "seeing": {"model": "phi-4-multimodal"}}
MADE = {}


@pytest.fixture
def run(run_program):
    """The graph of a stack in Azure with some of Foundry's models; made once for each question."""

    def of(models=None, *, cluster=None, preview=False, state=None, **inference):
        asked = {"provider": "foundry", **({"models": models} if models else {}), **inference}
        where = {"kind": "azure", "allowedRanges": [MINE], "acceptUnvalidated": True, "tags": {"team": "vision"}, **(cluster or {})}
        key = json.dumps([asked, where, preview, state], sort_keys=True)
        if key not in MADE:
            MADE[key] = run_program(inference=asked, cluster=where, preview=preview, state=state)
        return MADE[key]

    return of


def of_type(graph, kind):
    return {name for name, type_ in graph.types.items() if type_ == f"azure-native:{kind}"}


def test_an_account_and_a_deployment_of_each_model_are_made_and_nothing_else(run):
    graph, before = run(TWO), {name for name in run(TWO).types if not name.startswith(("foundry", "inference", "verified-inference"))}
    assert set(graph.types) - before == {
        "foundry",
        "foundry-account",
        "foundry-phi-4",
        "foundry-text",
        "verified-inference",
        "inference-gate",
        "inference-gate/verdict",
    }


def test_without_models_it_is_the_one_that_still_serves(run):
    assert of_type(run(), DEPLOYMENT) == {"foundry-llama-3-3-70b"}


def test_the_account_is_one_that_pods_reach_with_a_key(run):
    account = run(TWO).inputs["foundry-account"]
    assert (account["kind"], account["sku"]["name"], account["identity"]["type"]) == ("AIServices", "S0", "SystemAssigned")
    assert account["properties"]["customSubDomainName"] == account["accountName"]
    assert account["properties"]["disableLocalAuth"] is False
    assert account["tags"] == {"team": "vision"}


def test_the_account_lets_in_the_cluster_and_whoever_the_stack_names_and_nobody_else(run):
    properties = run(TWO).inputs["foundry-account"]["properties"]
    assert properties["networkAcls"]["defaultAction"] == "Deny"
    assert [rule["value"] for rule in properties["networkAcls"]["ipRules"]] == ["203.0.113.9", "198.51.100.7"]


def test_a_cluster_whose_address_nobody_knows_is_not_shut_out(run):
    acls = run(TWO, cluster={"network": {"egress": "load-balancer"}}).inputs["foundry-account"]["properties"]["networkAcls"]
    assert (acls["defaultAction"], acls["ipRules"]) == ("Allow", [])


def test_a_deployment_is_what_settings_and_catalog_say(run):
    graph = run(TWO)
    text, phi = graph.inputs["foundry-text"], graph.inputs["foundry-phi-4"]
    assert text["properties"]["model"] == {"format": "Meta", "name": "Llama-3.3-70B-Instruct", "version": "9"}
    assert (text["sku"], text["properties"]["versionUpgradeOption"]) == ({"name": "GlobalStandard", "capacity": 1}, "NoAutoUpgrade")
    assert phi["properties"]["model"] == {"format": "Microsoft", "name": "Phi-4"}
    assert (phi["sku"]["capacity"], phi["properties"]["versionUpgradeOption"]) == (20, "OnceNewDefaultVersionAvailable")


def test_an_account_is_asked_for_one_deployment_at_a_time(run):
    graph = run(THREE)
    chain = ["foundry-phi-4", "foundry-seeing", "foundry-text"]
    assert of_type(graph, DEPLOYMENT) == set(chain)
    assert all(earlier in graph.waits_for(later) for earlier, later in itertools.pairwise(["foundry-account", *chain]))


def test_a_further_model_changes_no_other(run):
    fewer, more = run(TWO), run(THREE)
    for name in ("foundry-account", "foundry-phi-4", "foundry-text"):
        assert fewer.inputs[name] == more.inputs[name]


def test_the_location_may_be_another_one_than_the_clusters(run):
    graph = run(TWO, location="swedencentral")
    assert graph.inputs["foundry-account"]["location"] == "swedencentral"
    assert graph.inputs["resource-group"]["location"] == "eastus2"


def test_clients_ask_the_account_and_name_the_deployment_as_the_model(run):
    graph = run(TWO)
    host = graph.inputs["foundry-account"]["accountName"]
    (asked,) = [entry for entry in graph.inputs[RECORD]["endpoints"] if entry["name"] == "text"]
    assert asked["url"] == f"https://{host}.services.ai.azure.com/openai/v1"
    assert (asked["model"], asked["auth"], asked["ready"]) == ("text", "bearer", "/openai/v1/models")
    assert {entry["name"]: entry["model"] for entry in graph.outputs["endpoints"]} == {"phi-4": "phi-4", "text": "text"}


def test_the_gate_is_reached_through_the_mirror(run_program):
    apis = {"https://*.services.ai.azure.com": "http://127.0.0.1:1/foundry/*"}
    cluster = {"kind": "azure", "allowedRanges": [MINE], "acceptUnvalidated": True, "suffix": "abcde"}
    graph = run_program(inference={"provider": "foundry"}, cluster=cluster, mirror={"apis": apis})
    (asked,) = graph.inputs[RECORD]["endpoints"]
    assert asked["address"] == {"url": "http://127.0.0.1:1/foundry/foundry-sdg-dev-abcde/openai/v1"}
    assert asked["url"] == "https://foundry-sdg-dev-abcde.services.ai.azure.com/openai/v1"


def test_the_gate_waits_for_everything_that_serves(run):
    assert {"foundry-account", "foundry-phi-4", "foundry-text", "cluster-gate/verdict"} <= run(TWO).waits_for(RECORD)


@pytest.mark.parametrize("offer", ["deployment", "serverless"])
def test_keys_are_where_the_gate_reads_them_and_nowhere_else_in_the_open(run, offer):
    graph = run({"phi-4": {}, "text": {"model": "llama-3-3-70b"}}, offer=offer)
    keys = graph.inputs[RECORD]["connection"]["value"]["keys"]
    assert set(keys) == {"phi-4", "text"}
    assert set(keys.values()) <= {"planted-foundry-key", "planted-serverless-key"}
    for name, request in graph.requests.items():
        sent = json_format.MessageToDict(request.object)
        sent.pop("connection", None)
        assert not any(key in json.dumps(sent) for key in KEYS), name
    assert not any(key in json.dumps(graph.outputs, default=str) for key in KEYS)


def test_a_key_that_was_regenerated_is_another_question(run, run_program, invoked):
    before = run({"phi-4": {}}).inputs[RECORD]["triggers"]
    invoked["azure-native:cognitiveservices:listAccountKeys"] = {"key1": "planted-key-after", "key2": "planted-second-foundry-key"}
    cluster = {"kind": "azure", "allowedRanges": [MINE], "acceptUnvalidated": True}
    after = run_program(inference={"provider": "foundry", "models": {"phi-4": {}}}, cluster=cluster).inputs[RECORD]["triggers"]
    assert {name for name in {*before, *after} if before.get(name) != after.get(name)} == {"foundry"}


def test_another_version_is_another_question_and_more_capacity_is_none(run):
    asked = [run({"phi-4": model, "text": TWO["text"]}).inputs[RECORD]["triggers"] for model in ({}, {"capacity": 7}, {"version": "3"})]
    assert asked[0] == asked[1]
    assert {name for name in asked[0] if asked[0][name] != asked[2][name]} == {"foundry/phi-4"}


def test_a_first_preview_asks_azure_for_no_key(run):
    tokens = {token for token, _provider in run(TWO, preview=True).invokes}
    assert not {token for token in tokens if "cognitiveservices" in token}


def test_keys_are_asked_of_the_stacks_own_subscription(run):
    asked = [provider for token, provider in run(TWO).invokes if "listAccountKeys" in token]
    assert asked
    assert all("azure-arm" in provider for provider in asked)


def made(kind, endpoint, properties):
    return {
        URN.format(kind=kind, endpoint=endpoint): {"type": f"azure-native:{kind}", "outputs": {"name": endpoint, "properties": properties}}
    }


DEPLOYED = made(DEPLOYMENT, "text", {"model": {"format": "Meta", "name": "Llama-3.3-70B-Instruct"}, "provisioningState": "Succeeded"})


@pytest.mark.parametrize(
    "state",
    [
        DEPLOYED,
        made(SERVERLESS, "text", {"modelSettings": {"modelId": "azureml://registries/azureml-meta/models/Llama-3.3-70B-Instruct"}}),
        made(
            SERVERLESS, "text", {"modelSettings": {"modelId": "azureml://registries/azureml-meta/models/Llama-3.3-70B-Instruct/versions/9"}}
        ),
    ],
)
def test_an_endpoint_keeps_its_model_while_it_lives(run, state):
    with pytest.raises(
        pulumi.RunError, match=r"models\.text: the endpoint serves Llama-3\.3-70B-Instruct, and Phi-4 is asked for"
    ) as refused:
        run({"text": {"model": "phi-4"}}, state=state)
    assert "Set it back" in str(refused.value)
    assert "planted" not in str(refused.value)


@pytest.mark.parametrize(
    ("models", "state"),
    [
        ({"text": {"model": "llama-3-3-70b", "capacity": 9, "version": "10"}}, DEPLOYED),
        ({"other": {"model": "phi-4"}}, DEPLOYED),
        ({"text": {"model": "phi-4"}}, made(DEPLOYMENT, "text", {"model": {"name": "DeepSeek-R1"}, "provisioningState": "Failed"})),
        ({"text": {"model": "phi-4"}}, made("storage:StorageAccount", "text", {"model": {"name": "DeepSeek-R1"}})),
    ],
)
def test_what_takes_no_model_away_from_anybody_is_made(run, models, state):
    assert of_type(run(models, state=state), DEPLOYMENT) == {f"foundry-{name}" for name in models}


def test_serverless_endpoints_come_with_a_hub_and_a_project(run):
    graph = run({"phi-4": {}, "text": {"model": "llama-3-3-70b"}}, offer="serverless")
    assert of_type(graph, SERVERLESS) == {"foundry-phi-4", "foundry-text"}
    assert not of_type(graph, ACCOUNT)
    hub, project = graph.inputs["foundry-hub"], graph.inputs["foundry-project"]
    assert (hub["kind"], project["kind"]) == ("Hub", "Project")
    assert project["hubResourceId"] == "foundry-hub-id"
    assert (hub["storageAccount"], hub["keyVault"]) == ("foundry-storage-id", "foundry-vault-id")
    assert graph.inputs["foundry-text"]["workspaceName"] == project["workspaceName"]
    model = graph.inputs["foundry-text"]["properties"]["modelSettings"]["modelId"]
    assert model == "azureml://registries/azureml-meta/models/Llama-3.3-70B-Instruct"


def test_what_a_hub_is_made_with_lets_nobody_in(run):
    graph = run({"phi-4": {}}, offer="serverless")
    account, vault = graph.inputs["foundry-storage"], graph.inputs["foundry-vault"]["properties"]
    assert (account["allowSharedKeyAccess"], account["allowBlobPublicAccess"]) == (False, False)
    assert account["networkRuleSet"]["defaultAction"] == vault["networkAcls"]["defaultAction"] == "Deny"
    assert account["networkRuleSet"]["ipRules"] == vault["networkAcls"]["ipRules"] == []


def test_serverless_endpoints_do_not_wait_for_each_other(run):
    graph = run({"phi-4": {}, "text": {"model": "llama-3-3-70b"}}, offer="serverless")
    assert "foundry-text" not in graph.waits_for("foundry-phi-4")
    assert "foundry-phi-4" not in graph.waits_for("foundry-text")
    assert {"foundry-project"} <= graph.waits_for("foundry-text")


def test_a_serverless_endpoint_is_asked_where_azure_says(run):
    graph = run({"phi-4": {}}, offer="serverless")
    (asked,) = graph.inputs[RECORD]["endpoints"]
    assert asked["url"] == "https://phi-4-abcde.eastus2.models.ai.azure.com/v1"
    assert asked["address"] == {"url": asked["url"]}
    assert asked["model"] == "Phi-4"


def test_terms_of_a_partners_registry_are_accepted_before_its_model_is_had(run):
    graph = run({"phi-4": {}, "text": {"model": "llama-3-3-70b"}}, offer="serverless")
    assert of_type(graph, TERMS) == {"foundry-text-terms"}
    assert graph.inputs["foundry-text-terms"]["properties"] == {
        "modelId": graph.inputs["foundry-text"]["properties"]["modelSettings"]["modelId"]
    }
    assert "foundry-text-terms" in graph.waits_for("foundry-text")


def test_policies_see_which_models_are_asked_for(run):
    assert run(TWO).inputs["foundry"] == {
        "cluster": "azure",
        "provider": "foundry",
        "endpoints": ["phi-4", "text"],
        "gpus": 0,
        "models": ["phi-4", "llama-3-3-70b"],
        "offer": "deployment",
    }


@pytest.mark.parametrize("cluster", [{"kind": "microk8s"}, {"kind": "existing", "name": "lab"}])
def test_a_cluster_elsewhere_is_refused_before_any_resource(run_program, monkeypatch, cluster):
    def registers(_stack):
        raise AssertionError("a resource would have been registered")

    monkeypatch.setattr("components.cluster.chosen.bind_cluster", registers)
    with pytest.raises(
        pulumi.RunError, match=r"sdg:inference\.provider.*foundry.*Azure AI Foundry needs the identities of an Azure cluster"
    ):
        run_program(inference={"provider": "foundry"}, cluster=cluster)


def test_osmo_and_foundry_wait_for_nothing_of_each_other(run):
    graph = run(THREE)
    osmo = {name for name, type_ in graph.types.items() if name.startswith("osmo-") or type_.startswith("sdg:osmo:")}
    inference = {name for name in graph.types if name.startswith(("foundry", "inference-gate"))}
    assert not any(graph.waits_for(name) & osmo for name in inference if name in graph.edges)
    assert not any(graph.waits_for(name) & inference for name in osmo if name in graph.edges)


def test_foundry_and_nims_stand_behind_one_gate(run_program, monkeypatch):
    monkeypatch.setenv("NGC_API_KEY", "nvapi-PlantedPlanted0000")
    cluster = {"kind": "azure", "allowedRanges": [MINE], "acceptUnvalidated": True, "preset": "team"}
    nims = {"provider": "nim-operator", "services": ["cosmos-reason"]}
    graph = run_program(inference={"provider": "foundry", "models": {"phi-4": {}}, "also": [nims]}, cluster=cluster)
    assert {entry["name"]: entry["provider"] for entry in graph.inputs[RECORD]["endpoints"]} == {
        "phi-4": "foundry",
        "cosmos-reason": "nim-operator",
    }
    assert graph.inputs[RECORD]["pools"] == graph.inputs["cluster-gate"]["pools"]
    assert graph.inputs["nim-operator"]["gpus"] == 1
    assert graph.inputs["foundry"]["gpus"] == 0
    assert [pod["name"] for pod in graph.inputs["nim-operator"]["pods"]] == ["cosmos-reason"]
