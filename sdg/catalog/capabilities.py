"""What endpoints can do (`capabilities.yaml`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, RootModel

from sdg.catalog.documents import CatalogModel, read
from sdg.catalog.near import UnknownName

RequestKind = Literal["chat", "vlm", "image-edit", "none"]
# the kind that says most about an endpoint first
_ORDER: Final[tuple[RequestKind, ...]] = ("image-edit", "vlm", "chat", "none")


class UnknownCapability(UnknownName):
    """A capability that the catalog doesn't hold; names the nearest ones."""

    what = "capability"


class Capability(CatalogModel):
    """One capability; the comments of `capabilities.yaml` say what each key means."""

    means: str
    request: RequestKind


class _Capabilities(RootModel[Mapping[str, Capability]]):
    """All of `capabilities.yaml`."""


@cache
def capabilities() -> Mapping[str, Capability]:
    """Every capability by its name.

    Raises:
        pydantic.ValidationError: `capabilities.yaml` breaks its schema.
    """
    return read("capabilities.yaml", _Capabilities).root


def capability(name: str) -> Capability:
    """One capability.

    Raises:
        UnknownCapability: names the nearest known ones.
    """
    known = capabilities()
    if name not in known:
        raise UnknownCapability(name, known)
    return known[name]


def request_kind(names: Iterable[str]) -> RequestKind:
    """The kind of request that shows most of what an endpoint with these capabilities can do.

    Raises:
        UnknownCapability: one of them is not in the catalog.
    """
    kinds: set[RequestKind] = {capability(name).request for name in names}
    return next((kind for kind in _ORDER if kind in kinds), "none")


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        try:
            capability(name)
        except UnknownCapability as error:
            raise ValueError(str(error)) from error
    return names


# of an entry of another catalog: every name must be one of `capabilities.yaml`
CapabilityNames = Annotated[tuple[str, ...], AfterValidator(_known)]
