"""Where endpoints answer, to clients and to the gate."""

import pytest

from sdg.azure.foundry import base_url, other_models, serverless_url
from sdg.catalog.foundry_models import foundry_model
from sdg.inference.address import address_of


def mirror(url):
    return url.replace("https://models.example.com", "http://127.0.0.1:1/models")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://vllm.models.svc.cluster.local:8000/v1", {"namespace": "models", "service": "vllm", "port": 8000}),
        ("http://vllm.models.svc/v1", {"namespace": "models", "service": "vllm", "port": 80}),
        ("https://vllm.models.svc.cluster.local/v1", {"namespace": "models", "service": "vllm", "port": 443}),
        ("https://models.example.com/v1", {"url": "http://127.0.0.1:1/models/v1"}),
        ("http://vllm.models:8000/v1", {"url": "http://vllm.models:8000/v1"}),
        ("http://192.168.1.10:8000/v1", {"url": "http://192.168.1.10:8000/v1"}),
        ("http://a.b.svc.cluster.local.example.com/v1", {"url": "http://a.b.svc.cluster.local.example.com/v1"}),
    ],
)
def test_the_gate_goes_through_the_cluster_where_the_url_names_a_service_of_it(url, address):
    assert address_of(url, mirror) == address


def test_deployments_answer_at_their_account():
    assert base_url("foundry-sdg-dev-abcde") == "https://foundry-sdg-dev-abcde.services.ai.azure.com/openai/v1"


@pytest.mark.parametrize(
    "uri", ["https://e.eastus2.models.ai.azure.com", "https://e.eastus2.models.ai.azure.com/", "https://e.eastus2.models.ai.azure.com/v1"]
)
def test_a_serverless_endpoint_answers_below_v1_however_azure_says_it(uri):
    assert serverless_url(uri) == "https://e.eastus2.models.ai.azure.com/v1"


def test_azures_own_spelling_of_a_model_is_no_other_model():
    assert list(other_models({"text": "PHI-4"}, {"text": foundry_model("phi-4")})) == []
    assert (
        len(list(other_models({"text": "PHI-4", "more": "x"}, {"text": foundry_model("phi-4-reasoning"), "more": foundry_model("phi-4")})))
        == 2
    )
