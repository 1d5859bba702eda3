"""Names for what goes wrong with endpoints of models (`endpoint_causes.yaml`), each with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import Final, Literal

from pydantic import Field, field_validator

from sdg.catalog.documents import CatalogModel, read

Scene = Literal["pull", "download", "volume", "run"]
PLACES: Final = {"name": "", "claim": "", "class_": "", "model": ""}
"""What a remedy may name."""


class Cause(CatalogModel):
    """Something that goes wrong; the comments of `endpoint_causes.yaml` say what each key means."""

    name: str = Field(pattern=r"^([A-Z][a-z]+)+$")
    remedy: str
    pattern: str | None = None

    @field_validator("remedy")
    @classmethod
    def _names_what_is_known(cls, remedy: str) -> str:
        remedy.format(**PLACES)
        return remedy

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        re.compile(pattern or "")
        return pattern

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern or "", re.IGNORECASE)

    def advice(self, **places: str) -> str:
        """The remedy for one endpoint; what is not said of it stays out of the sentence."""
        return self.remedy.format(**{**PLACES, **places})


class Spoken(Cause):
    """A cause that is known by words."""

    pattern: str


class Answered(Cause):
    """A cause that is known by an HTTP status, and by words where a pattern narrows it down."""

    statuses: frozenset[int]


class EndpointCauses(CatalogModel):
    """All of `endpoint_causes.yaml`."""

    said: Mapping[Scene, tuple[Spoken, ...]]
    answered: Mapping[str, tuple[Answered, ...]]
    anywhere: tuple[Answered, ...]

    def of_words(self, scene: Scene, words: str) -> Cause | None:
        """The first cause that words speak of; None for words that speak of none."""
        return next((cause for cause in self.said[scene] if cause.compiled.search(words)), None)

    def of_answer(self, provider: str, status: int, words: str) -> Cause | None:
        """Why an HTTP answer is not the one that was hoped for; None where nobody knows."""
        known: Iterable[Answered] = (*self.answered.get(provider, ()), *self.anywhere)
        return next((cause for cause in known if status in cause.statuses and cause.compiled.search(words)), None)


@cache
def endpoint_causes() -> EndpointCauses:
    """The document, read once.

    Raises:
        pydantic.ValidationError: it breaks its schema; a defect of the product.
    """
    return read("endpoint_causes.yaml", EndpointCauses)
