"""The checks of the preflight (`preflight.yaml`), and how long stages take (`stages.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, RootModel

from sdg.catalog.documents import CatalogModel, read

Severity = Literal["error", "warning", "note"]
Minutes = Annotated[tuple[NonNegativeFloat, NonNegativeFloat], Field(description="least and most")]


class PreflightCheck(CatalogModel):
    """One check; the comments of `preflight.yaml` say what each key means."""

    severity: Severity
    later: Severity | None = None
    asks: str
    remedy: str = ""
    clusters: tuple[Literal["existing", "microk8s", "azure"], ...]
    host: bool = False


class _Checks(RootModel[Mapping[str, PreflightCheck]]):
    """All of `preflight.yaml`."""


class _Stages(RootModel[Mapping[str, Minutes]]):
    """All of `stages.yaml`."""


@cache
def checks() -> Mapping[str, PreflightCheck]:
    """Every check, in the order in which failures are shown.

    Raises:
        pydantic.ValidationError: `preflight.yaml` breaks its schema.
    """
    return read("preflight.yaml", _Checks).root


@cache
def stage_minutes() -> Mapping[str, tuple[float, float]]:
    """Minutes, least and most, by stage.

    Raises:
        pydantic.ValidationError: `stages.yaml` breaks its schema.
    """
    return read("stages.yaml", _Stages).root
