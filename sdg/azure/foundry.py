"""Azure AI Foundry: where models answer, and which model an endpoint has. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sdg.catalog.foundry_models import FoundryModel

MODELS_PATH: Final = "/openai/v1/models"
DEPLOYMENT: Final = "azure-native:cognitiveservices:Deployment"
SERVERLESS: Final = "azure-native:machinelearningservices:ServerlessEndpoint"
PREFIX: Final = "foundry-"
"""Begins the program's name of every endpoint's resource; the endpoint's own name follows."""
# registries of models that Microsoft sells itself as serverless endpoints too; those of others go through the Marketplace, whoever sells
# their deployments
_OWN_REGISTRIES: Final = frozenset({"azureml", "azureml-deepseek"})
_FAILED: Final = "Failed"


def base_url(account: str) -> str:
    """Where clients of OpenAI's API ask the deployments of an account; requests name a deployment as their model.

    Args:
        account: its sub domain.
    """
    return f"https://{account}.services.ai.azure.com/openai/v1"


def serverless_url(uri: str) -> str:
    """Where clients of OpenAI's API ask a serverless endpoint.

    Args:
        uri: that Azure says of it.
    """
    return f"{uri.rstrip('/').removesuffix('/v1')}/v1"


def needs_terms(model: FoundryModel) -> bool:
    """Whether a serverless endpoint of a model needs the Marketplace's terms accepted first."""
    return model.id.partition("registries/")[2].partition("/")[0] not in _OWN_REGISTRIES


def models_of(state: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The model of each endpoint that a stack has made, by the endpoint's name; not of those that Azure never finished.

    Args:
        state: outputs of resources, each with its type, by URN.
    """
    return {
        urn.rpartition("::")[2].removeprefix(PREFIX): model
        for urn, each in state.items()
        if (model := _model(str(each.get("type", "")), (each.get("outputs") or {}).get("properties") or {}))
    }


def _model(type_: str, properties: Mapping[str, Any]) -> str:
    if properties.get("provisioningState") == _FAILED:
        return ""
    if type_ == DEPLOYMENT:
        return str((properties.get("model") or {}).get("name") or "")
    if type_ == SERVERLESS:
        # an id of a version has that after the name
        return str((properties.get("modelSettings") or {}).get("modelId") or "").partition("/models/")[2].partition("/")[0]
    return ""


def other_models(before: Mapping[str, str], now: Mapping[str, FoundryModel]) -> Iterator[str]:
    """Why an endpoint may not be what is asked for, two sentences: what serves somebody is never replaced by another model.

    Args:
        before: the model of each endpoint that is there, by the endpoint's name.
        now: the model of each that is asked for.
    """
    for endpoint, model in now.items():
        there = before.get(endpoint)
        if there and there.lower() != model.name.lower():
            yield (
                f"sdg:inference.models.{endpoint}: the endpoint serves {there}, and {model.name} is asked for: an endpoint keeps its model "
                f"while it lives, so that no workflow gets answers of another one unawares. Set it back and add {model.name} under another "
                f"name; or take {endpoint} out for one update, and then add it again."
            )
