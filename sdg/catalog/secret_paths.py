"""Where a credential may stand (`secret_paths.yaml`): read by the policy pack and by the check that the state holds it encrypted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Final

from pydantic import Field

from sdg.catalog.documents import CatalogModel, read

ONE_STEP: Final = "*"
ANY_STEPS: Final = "**"

Path = tuple[str, ...]
Lookup = Callable[[Path], object]


class Condition(CatalogModel):
    """A property that must have a value for a place to count.

    Attributes:
        matches: regular expression for all of the property's text.
    """

    path: Path
    matches: str

    def holds(self, value: object) -> bool:
        return isinstance(value, str) and re.fullmatch(self.matches, value) is not None


class SecretPlace(CatalogModel):
    """A property path that may hold a credential.

    Attributes:
        type: Pulumi type token, `*` for any text.
        path: the steps to the property; `*` for one step, `**` for any number, none included.
        where: what else must be true of the resource.
        always_secret: whether everything here must be encrypted in the state; else only what is known to be a credential.
        reason: why the credential stands there.
    """

    type: str
    path: Path = Field(min_length=1)
    where: Condition | None = None
    always_secret: bool = True
    reason: str

    def covers(self, resource_type: str, path: Path, lookup: Lookup) -> bool:
        """Whether a property of a resource is this place; `lookup` reads the resource's other properties."""
        if not fnmatchcase(resource_type, self.type) or not _matches(self.path, path):
            return False
        return self.where is None or self.where.holds(lookup(self.where.path))


class SecretPaths(CatalogModel):
    """All of `secret_paths.yaml`."""

    homes: tuple[SecretPlace, ...]
    exceptions: tuple[SecretPlace, ...]

    def place(self, resource_type: str, path: Path, lookup: Lookup) -> SecretPlace | None:
        """The place that a property is; None where no credential may stand."""
        return next((place for place in (*self.homes, *self.exceptions) if place.covers(resource_type, path, lookup)), None)


def look_up(properties: Mapping[str, object]) -> Lookup:
    """Reads plain nested properties; None for what isn't there."""

    def lookup(path: Path) -> object:
        value: object = properties
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    return lookup


def _matches(pattern: Sequence[str], path: Sequence[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == ANY_STEPS:
        return any(_matches(pattern[1:], path[start:]) for start in range(len(path) + 1))
    return bool(path) and pattern[0] in (ONE_STEP, path[0]) and _matches(pattern[1:], path[1:])


@cache
def secret_paths() -> SecretPaths:
    """The known places.

    Raises:
        pydantic.ValidationError: `secret_paths.yaml` breaks its schema.
    """
    return read("secret_paths.yaml", SecretPaths)
