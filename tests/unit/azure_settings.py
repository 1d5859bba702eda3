"""`sdg:cluster` of kind `azure`, read as a stack says it: what is refused, what is said, and what was accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdg.settings.azure import Azure
from sdg.settings.azure_rules import azure_warnings
from sdg.settings.azure_versions import accepted_versions
from sdg.settings.parse import check

# what a stack has to say at least
MINE = {"kind": "azure", "allowedRanges": ["198.51.100.7/32"], "acceptUnvalidated": True}
KEY = "sdg:cluster"


def problems(cluster: Mapping[str, Any] | None = None, **sections: Any) -> list[str]:
    return check({"cluster": {**MINE, **(cluster or {})}, **sections})[1]


def warnings(cluster: Mapping[str, Any]) -> list[str]:
    return list(azure_warnings(Azure.model_validate({**MINE, **cluster})))


def accepted(cluster: Mapping[str, Any]) -> str | None:
    return accepted_versions(Azure.model_validate({**MINE, **cluster}), None)
