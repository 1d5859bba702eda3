"""What Azure could not make of Foundry's models is refused with the settings."""

import pytest
from pydantic import ValidationError

from sdg.azure.names import SUFFIX_LENGTH
from sdg.settings import inference


def foundry(models, **more):
    return inference.PrimaryFoundry.model_validate({"provider": "foundry", "models": models, **more})


def test_the_suffix_is_as_long_as_names_have_it():
    assert inference.SUFFIX_LENGTH == SUFFIX_LENGTH


@pytest.mark.parametrize("name", ["ab", "9b", "a" * 63])
def test_a_deployment_is_called_what_its_endpoint_is(name):
    assert set(foundry({name: {"model": "phi-4"}}).models) == {name}


@pytest.mark.parametrize(
    ("name", "offer", "says"),
    [
        ("a", "deployment", "models.a: the name must have 2 to 64 characters"),
        ("9b", "serverless", "models.9b: the name must have 1 to 46 characters and begin with a letter"),
        ("a" * 47, "serverless", "the name must have 1 to 46 characters"),
    ],
)
def test_a_name_that_azure_refuses_is_refused_here(name, offer, says):
    with pytest.raises(ValidationError, match=says.replace(".", r"\.")):
        foundry({name: {"model": "phi-4"}}, offer=offer)


@pytest.mark.parametrize("key", ["version", "capacity"])
def test_what_a_serverless_endpoint_has_not_is_refused(key):
    value = {"version": "9", "capacity": 9}[key]
    with pytest.raises(ValidationError, match=rf"models\.text\.{key}: a serverless endpoint has none"):
        foundry({"text": {"model": "phi-4", key: value}}, offer="serverless")
    assert foundry({"text": {"model": "phi-4", key: value}}).offer == "deployment"


def test_a_project_has_one_serverless_endpoint_of_a_model_and_an_account_as_many_deployments_as_one_likes():
    twice = {"phi-4": {}, "text": {"model": "phi-4"}}
    with pytest.raises(ValidationError, match="phi-4 stands there 2 times"):
        foundry(twice, offer="serverless")
    assert len(foundry(twice).models) == 2


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ValidationError, match=r"models\.9b: the name(.|\n)*models\.9b\.capacity"):
        foundry({"9b": {"model": "phi-4", "capacity": 9}}, offer="serverless")
