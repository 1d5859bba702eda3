"""What ARM lets resources be called (`azure_names.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from pydantic import PositiveInt

from sdg.catalog.documents import CatalogModel, read


class NameRule(CatalogModel):
    """What the name of one kind of resource must be.

    Attributes:
        min: shortest length.
        max: longest length.
        pattern: of the whole name.
        scope: within what it must be unique; `azure` is all of Azure, whoever owns it.
        source: who says so; none for Microsoft's page of naming rules.
    """

    min: PositiveInt
    max: PositiveInt
    pattern: str
    scope: str
    source: str | None = None

    def allows(self, name: str) -> bool:
        """Whether ARM takes the name."""
        return self.min <= len(name) <= self.max and re.fullmatch(self.pattern, name, re.ASCII) is not None


class NameRules(CatalogModel):
    """All of `azure_names.yaml`.

    Attributes:
        kinds: rules by kind of resource.
        reserved: words that no name may have in it.
    """

    kinds: Mapping[str, NameRule]
    reserved: tuple[str, ...]


@cache
def name_rules() -> NameRules:
    """The rules.

    Raises:
        pydantic.ValidationError: `azure_names.yaml` breaks its schema.
    """
    return read("azure_names.yaml", NameRules)
