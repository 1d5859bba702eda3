"""What one region is asked, and what is wrong with it: the same for the stack's own region and for every other that might do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from sdg.azure import questions as arm
from sdg.azure.arm import ArmReader
from sdg.catalog.foundry_models import FoundryModel, foundry_models
from sdg.preflight.azure import region, sizes
from sdg.preflight.azure.asking import Ask, Asked
from sdg.preflight.azure.wanted import WantedStack
from sdg.preflight.model import Finding
from sdg.settings.inference import Foundry, servers

STORAGE: Final = "what storage offers"
SKUS, USAGES, KUBERNETES, DATABASE, MODELS = (
    "the list of VM sizes",
    "the usage of vCPU quotas",
    "the list of Kubernetes versions",
    "what PostgreSQL offers",
    "the list of Foundry's models",
)
ASKED_OF: Final[Mapping[str, str]] = {
    SKUS: "Microsoft.Compute",
    USAGES: "Microsoft.Compute",
    KUBERNETES: "Microsoft.ContainerService",
    DATABASE: "Microsoft.DBforPostgreSQL",
    MODELS: "Microsoft.CognitiveServices",
}
"""The resource provider that answers a question: while it is not registered, it doesn't."""

Json = Mapping[str, Any]


def questions(wanted: WantedStack, reader: ArmReader) -> dict[str, Ask]:
    """What to ask of the region that is wanted, by name."""
    subscription, place = wanted.subscription, wanted.region

    def many(question: arm.Question, **params: str) -> Ask:
        return lambda: reader.list(question.at(subscription, location=place), question.api_version, **params)

    versions = arm.KUBERNETES_VERSIONS
    asked: dict[str, Ask] = {
        SKUS: many(arm.VM_SKUS, **{"$filter": f"location eq '{place}'"}),
        USAGES: many(arm.COMPUTE_USAGES),
        KUBERNETES: lambda: reader.get(versions.at(subscription, location=place), versions.api_version),
    }
    if wanted.has("database"):
        asked[DATABASE] = many(arm.POSTGRESQL_CAPABILITIES)
    if wanted.has("foundry"):
        asked[MODELS] = lambda: reader.list(
            arm.COGNITIVE_MODELS.at(subscription, location=_models_region(wanted)), arm.COGNITIVE_MODELS.api_version
        )
    return asked


def findings(wanted: WantedStack, asked: Asked, providers: list[Json], *, deployed: bool) -> Iterator[Finding]:
    """What stands in the way there, as far as it was answered.

    Args:
        asked: the answers to `questions`, and what storage offers anywhere.
        providers: the resource providers that the stack needs.
        deployed: whether the stack may have something there already.
    """
    for finding in _offered(wanted, asked, providers):
        yield replace(finding, later=deployed)
    skus, usages = asked.many(SKUS), asked.many(USAGES)
    if skus is not None and usages is not None:
        yield from judged(USAGES, lambda: sizes.quotas(wanted, skus, usages, deployed=deployed))
    if not deployed:
        yield from region.redis_capacity(wanted)
    if (listed := asked.many(MODELS)) is not None:
        yield from judged(MODELS, lambda: region.models(_models(wanted), _models_region(wanted), listed, datetime.now(UTC).date()))


def _foundry(wanted: WantedStack) -> Foundry | None:
    inference = wanted.sections.get("inference")
    return next((server for server in servers(inference) if isinstance(server, Foundry)), None) if inference else None


def _models(wanted: WantedStack) -> dict[str, FoundryModel]:
    """The models that a stack names and the catalog knows; others are an error of the settings."""
    foundry, known = _foundry(wanted), foundry_models()
    named = [said.model or name for name, said in foundry.models.items()] if foundry else []
    return {name: known[name] for name in named if name in known}


def _models_region(wanted: WantedStack) -> str:
    """Where they are to be served."""
    foundry = _foundry(wanted)
    return (foundry.location if foundry else None) or wanted.region


def _offered(wanted: WantedStack, asked: Asked, providers: list[Json]) -> Iterator[Finding]:
    """What cannot be made anew there."""
    yield from judged("the list of resource providers", lambda: region.services(wanted, providers))
    if (skus := asked.many(SKUS)) is not None:
        yield from judged(SKUS, lambda: sizes.sizes(wanted, skus))
    if (versions := asked.one(KUBERNETES)) is not None:
        yield from judged(KUBERNETES, lambda: region.kubernetes(wanted, versions))
    if (offered := asked.many(DATABASE)) is not None:
        yield from judged(DATABASE, lambda: region.database(wanted, offered))
    if (kinds := asked.many(STORAGE)) is not None:
        yield from judged(STORAGE, lambda: region.storage(wanted, kinds))


def judged(what: str, judge: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """What a check finds; an answer of a shape that it doesn't know is a finding too, and hides no other."""
    try:
        return list(judge())
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        return [Finding.of("azure-answers", f"ARM's answer about {what} is not as it should be ({type(error).__name__}: {error}).")]
