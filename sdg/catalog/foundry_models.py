"""Models of Azure AI Foundry (`foundry_models.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Literal, Self

from pydantic import Field, RootModel, model_validator

from sdg.catalog.capabilities import CapabilityNames, RequestKind, request_kind
from sdg.catalog.documents import CatalogModel, read
from sdg.catalog.near import UnknownName


class UnknownFoundryModel(UnknownName):
    """A model that the catalog doesn't hold; names the nearest ones."""

    what = "model of Foundry"


class FoundryModel(CatalogModel):
    """One model.

    Attributes:
        id: its place in a registry.
        format: who made it, as a deployment wants it said.
        sold_by: who sells it; a partner's terms have to be accepted through the Marketplace.
        sku: of a deployment.
        capabilities: what it can do.
        retired: the day from which nothing answers; None when none is known.
        successor: the name here of what is used instead.
        regions: where it is offered; empty when that is not known.
    """

    id: str = Field(pattern=r"^azureml://registries/[\w-]+/models/[\w.-]+$")
    format: Literal["DeepSeek", "Meta", "Microsoft"]
    sold_by: Literal["azure", "partner"]
    sku: str = "GlobalStandard"
    capabilities: CapabilityNames = Field(min_length=1)
    retired: date | None = None
    successor: str | None = None
    regions: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As a region's list of models spells it, and requests say it."""
        return self.id.rpartition("/")[2]

    @property
    def request(self) -> RequestKind:
        """The kind of one small request to it."""
        return request_kind(self.capabilities)

    def is_retired(self, today: date) -> bool:
        """Whether nothing answers any more."""
        return self.retired is not None and self.retired <= today


class FoundryModels(RootModel[Mapping[str, FoundryModel]]):
    """All of `foundry_models.yaml`."""

    @model_validator(mode="after")
    def _successors_are_here(self) -> Self:
        wrong = [name for name, model in self.root.items() if model.successor and model.successor not in self.root]
        if wrong:
            raise ValueError(f"successors that no line describes, of: {', '.join(wrong)}")
        return self


@cache
def foundry_models() -> Mapping[str, FoundryModel]:
    """Foundry's models by the names that they are called by here.

    Raises:
        pydantic.ValidationError: `foundry_models.yaml` breaks its schema.
    """
    return read("foundry_models.yaml", FoundryModels).root


def foundry_model(name: str) -> FoundryModel:
    """One model, retired or not.

    Raises:
        UnknownFoundryModel: names the nearest known ones.
    """
    known = foundry_models()
    if name not in known:
        raise UnknownFoundryModel(name, known)
    return known[name]


def retirement(name: str, today: date) -> str | None:
    """Why a model cannot be used any more and what can, in two sentences; None while it can.

    Raises:
        UnknownFoundryModel: names the nearest known ones.
    """
    model = foundry_model(name)
    if not model.is_retired(today):
        return None
    return f"{name} ({model.name}) was retired by Microsoft on {model.retired}: nothing answers any more. {_instead(name, today)}"


def _instead(name: str, today: date) -> str:
    """What to name instead: the successor, and what can do all that the model could."""
    model = foundry_model(name)
    able = [
        other for other, its in foundry_models().items() if set(its.capabilities) >= set(model.capabilities) and not its.is_retired(today)
    ]
    named = list(
        dict.fromkeys(([model.successor] if model.successor and not foundry_model(model.successor).is_retired(today) else []) + able)
    )
    return f"Use {' or '.join(named)} instead." if named else "No model of the catalog can do the same; use another provider for it."
