"""Rule: models of Azure AI Foundry are ones that still answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

from policy.rules.azure import azure_type
from policy.rules.cluster_fits_inference import INFERENCE
from sdg.catalog.foundry_models import UnknownFoundryModel, foundry_models, retirement

FOUNDRY: Final = "foundry"
DEPLOYMENT: Final = "cognitiveservices:Deployment"
SERVERLESS: Final = "machinelearningservices:ServerlessEndpoint"


def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judges a component by the models that it says, and Azure's own resources by the model that they are made of."""
    kind = azure_type(args.resource_type)
    if kind in (DEPLOYMENT, SERVERLESS):
        found = _of_resource(kind, args.props)
    elif args.resource_type.startswith(INFERENCE) and args.props.get("provider") == FOUNDRY:
        found = _of_component(args.props)
    else:
        args.not_applicable("no model of Foundry")
    for sentence in found:
        report(f"{args.name}: {sentence}", None)


def _of_component(properties: Mapping[str, Any]) -> Iterator[str]:
    if "models" not in properties:
        yield "no models are registered; a component that serves models of Foundry must register their names as an input."
        return
    for name in properties["models"]:
        try:
            sentence = retirement(name, _today())
        except UnknownFoundryModel as error:
            sentence = str(error)
        if sentence:
            yield sentence


def _of_resource(kind: str, properties: Mapping[str, Any]) -> Iterator[str]:
    """By the model's own name: whoever made the resource, and whether or not the catalog has it under another one."""
    said = properties.get("properties") or {}
    model = (said.get("model") or {}).get("name") if kind == DEPLOYMENT else (said.get("modelSettings") or {}).get("modelId")
    called = str(model or "").partition("/versions/")[0].rpartition("/")[2].casefold()
    for name, known in foundry_models().items():
        sentence = retirement(name, _today()) if known.name.casefold() == called else None
        if sentence:
            yield sentence


def _today() -> date:
    return datetime.now(UTC).date()


FOUNDRY_MODEL_SERVES: Final = ResourceValidationPolicy(
    name="foundry-model-serves",
    description="Checks whether a model of Azure AI Foundry has been retired, or is one that nobody knows.",
    validate=validate,
    enforcement_level=EnforcementLevel.MANDATORY,
)
