"""One question to ARM, and what routes are made of: ARM doesn't care about the case of paths, so they are matched here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.azure.errors import ArmError
from rehearsal.azure.offers import Offers
from rehearsal.azure.world import World
from rehearsal.faults import Faults

Json = dict[str, Any]
BAD_REQUEST, NOT_FOUND = 400, 404


class Page(list[Json]):
    """Values of a list, which ARM gives out in pages."""


@dataclass(frozen=True)
class Asked:
    """A question.

    Attributes:
        places: what the path names, by the template's words.
        query: its parameters.
        body: what a POST holds.
        world: everything that exists.
        offers: what regions offer.
        faults: the switches.
    """

    places: Mapping[str, str]
    query: Mapping[str, str]
    body: Json
    world: World
    offers: Offers
    faults: Faults

    @property
    def subscription(self) -> str:
        """The id in the path."""
        return self.places["subscription"]

    @property
    def location(self) -> str:
        """The region in the path.

        Raises:
            ArmError: there is no such region.
        """
        name = self.places["location"].replace(" ", "").lower()
        if self.offers.region(name) is None:
            known = ",".join(self.offers.names())
            sentence = f"The provided location '{name}' is not available for resource group. List of available regions is '{known}'."
            raise ArmError(BAD_REQUEST, "LocationNotAvailableForResourceGroup", sentence)
        return name


Handler = Callable[[Asked], Json | Page]


@dataclass(frozen=True)
class Route:
    """One kind of question.

    Attributes:
        method: GET or POST.
        template: its path, with words in braces.
        versions: the versions of the API that have it.
        handler: answers it.
    """

    method: str
    template: str
    versions: tuple[str, ...]
    handler: Handler

    def match(self, path: str) -> dict[str, str] | None:
        """The words of a path; None when this is another question."""
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.template))
        found = re.fullmatch(pattern, path.rstrip("/"), re.IGNORECASE)
        return found and found.groupdict()

    def check(self, version: str) -> None:
        """Refuse a version that ARM wouldn't know.

        Raises:
            ArmError: as ARM says it.
        """
        if not version:
            raise ArmError(
                BAD_REQUEST, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests."
            )
        if version not in self.versions:
            known = ", ".join(self.versions)
            sentence = f"The api-version '{version}' is invalid. The supported versions are '{known}'."
            raise ArmError(BAD_REQUEST, "InvalidApiVersionParameter", sentence)
