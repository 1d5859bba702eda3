"""NVIDIA Cloud Functions that stacks may refer to (`nvcf_functions.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pydantic import Field, RootModel

from sdg.catalog.capabilities import CapabilityNames, RequestKind, request_kind
from sdg.catalog.documents import CatalogModel, read


class NvcfFunction(CatalogModel):
    """One function; the comments of `nvcf_functions.yaml` say what each key means."""

    shows: str
    environment: str = Field(pattern=r"^[A-Z][A-Z0-9_]*_URL$")
    model: str
    capabilities: CapabilityNames = Field(min_length=1)

    @property
    def request(self) -> RequestKind:
        """The kind of one small request to it."""
        return request_kind(self.capabilities)


class _NvcfFunctions(RootModel[Mapping[str, NvcfFunction]]):
    """All of `nvcf_functions.yaml`."""


@cache
def nvcf_functions() -> Mapping[str, NvcfFunction]:
    """Every function by its name.

    Raises:
        pydantic.ValidationError: `nvcf_functions.yaml` breaks its schema.
    """
    return read("nvcf_functions.yaml", _NvcfFunctions).root
