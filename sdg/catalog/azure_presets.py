"""Presets of an Azure cluster (`azure_presets.yaml`): what its fields default to."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Literal, get_args

from pydantic import RootModel

from sdg.catalog.documents import read

Preset = Literal["dev", "team", "production"]
DEFAULT: Final[Preset] = "dev"


class _Presets(RootModel[Mapping[Preset, Mapping[str, Any]]]):
    """All of `azure_presets.yaml`."""


@cache
def presets() -> Mapping[Preset, Mapping[str, Any]]:
    """What each preset says, as a stack file would.

    Raises:
        pydantic.ValidationError: `azure_presets.yaml` breaks its schema.
    """
    return read("azure_presets.yaml", _Presets).root


def with_preset(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a stack says, over what its preset says. Lists replace lists; an unknown preset adds nothing, and is refused by its field."""
    chosen = given.get("preset", DEFAULT)
    return _merged(presets()[chosen] if chosen in get_args(Preset) else {}, given)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(dict(base))
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged
