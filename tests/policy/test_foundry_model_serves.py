from __future__ import annotations

import pytest

from policy.rules.foundry_model_serves import FOUNDRY_MODEL_SERVES as RULE

COMPONENT = "sdg:inference:Foundry"
DEPLOYMENT = "azure-native:cognitiveservices:Deployment"
SERVERLESS = "azure-native:machinelearningservices/v20251201:ServerlessEndpoint"


def component(*models):
    return {"cluster": "azure", "provider": "foundry", "endpoints": list(models), "gpus": 0, "models": list(models)}


def deployment(name):
    return {"properties": {"model": {"format": "Meta", "name": name, "version": "1"}}}


def serverless(model):
    return {"properties": {"modelSettings": {"modelId": model}}}


@pytest.mark.parametrize(
    ("resource_type", "properties", "words"),
    [
        (COMPONENT, component("llama-3-1-70b"), ["retired by Microsoft on 2025-06-30", "Use llama-3-3-70b or"]),
        (COMPONENT, component("llama-3-3-70b", "phi-3-5-vision"), ["phi-3-5-vision", "Use phi-4-multimodal"]),
        (COMPONENT, component("lama-3-3-70b"), ["lama-3-3-70b is not a known model of Foundry", "Did you mean llama-3-3-70b"]),
        (DEPLOYMENT, deployment("Meta-Llama-3.1-70B-Instruct"), ["llama-3-1-70b", "nothing answers any more"]),
        (DEPLOYMENT, deployment("deepseek-r1"), ["retired by Microsoft on 2026-08-13", "Use deepseek-v4-pro"]),
        (
            SERVERLESS,
            serverless("azureml://registries/azureml/models/Phi-3.5-vision-instruct/versions/2"),
            ["retired by Microsoft on 2025-08-30"],
        ),
    ],
)
def test_a_model_that_serves_nobody_is_refused_with_what_does(judge, resource_type, properties, words) -> None:
    (message,) = judge(RULE, resource_type, properties).violations
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("resource_type", "properties"),
    [
        (COMPONENT, component("llama-3-3-70b", "phi-4")),
        (COMPONENT, component()),
        (DEPLOYMENT, deployment("Llama-3.3-70B-Instruct")),
        (DEPLOYMENT, deployment("gpt-4o")),
        (SERVERLESS, serverless("azureml://registries/azureml-meta/models/Llama-3.3-70B-Instruct")),
        (SERVERLESS, {}),
    ],
)
def test_a_model_that_serves_or_that_the_catalog_does_not_have_passes(judge, resource_type, properties) -> None:
    assert judge(RULE, resource_type, properties).violations == ()


def test_a_component_of_foundry_that_names_no_models_does_not_escape(judge) -> None:
    (message,) = judge(RULE, COMPONENT, {"cluster": "azure", "provider": "foundry"}).violations
    assert "no models are registered" in message


@pytest.mark.parametrize(
    ("resource_type", "properties"),
    [(COMPONENT, component), (DEPLOYMENT, deployment), (SERVERLESS, serverless)],
)
def test_what_is_unknown_is_not_judged_and_that_is_said(judge, unknown, resource_type, properties) -> None:
    found = judge(RULE, resource_type, properties(unknown))
    assert found.violations == ()
    assert "can't be known during preview" in found.unknown


@pytest.mark.parametrize(
    ("resource_type", "properties"),
    [
        ("sdg:inference:Nvcf", {"cluster": "azure", "provider": "nvcf"}),
        ("azure-native:cognitiveservices:Account", {}),
        ("sdg:osmo:Osmo", {}),
    ],
)
def test_what_serves_no_model_of_foundry_is_not_applicable(judge, resource_type, properties) -> None:
    found = judge(RULE, resource_type, properties)
    assert (found.violations, bool(found.not_applicable)) == ((), True)
