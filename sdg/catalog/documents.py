"""Reads the catalog's YAML documents into typed models, once per process and only when first asked."""

from __future__ import annotations

from importlib import resources
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict

# every program run reads these documents, and libyaml is ten times as fast, where it is there
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CatalogModel(BaseModel):
    """Base of every catalog document: nothing unknown, nothing that changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Document = TypeVar("Document", bound=BaseModel)


def read(name: str, model: type[Document]) -> Document:
    """Reads one document that lies beside this module.

    Raises:
        pydantic.ValidationError: the document doesn't say what its schema asks for; a defect of the product, not of a stack.
    """
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return model.model_validate(yaml.load(text, _LOADER))  # noqa: S506 -- one of the two safe ones
