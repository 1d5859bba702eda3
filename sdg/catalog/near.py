"""Names that a catalog does not hold, and the ones that were probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class UnknownName(LookupError):
    """A name that a catalog doesn't hold; says which ones are near. Nothing is ever taken for it.

    Attributes:
        name: as it was given.
        near: known names like it, the nearest first.
    """

    what: ClassVar = "entry of the catalog"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = tuple(known)
        self.name = name
        self.near = nearest(name, names)
        hint = f"Did you mean {' or '.join(self.near)}?" if self.near else f"Known: {', '.join(names)}."
        super().__init__(f"{name} is not a known {self.what}. {hint}")


def nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """At most three known names that look like one, the nearest first; case doesn't matter."""
    folded = {key.casefold(): key for key in known}
    return tuple(folded[key] for key in difflib.get_close_matches(name.casefold(), folded, n=3))
