"""Foundry's models: which a region has, and how much of them may be used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rehearsal.azure.regions import FoundryModel
from rehearsal.services.arm.rest.asked import Asked, Json, Page, Route

KIND = "AIServices"
_LIMIT = 1000  # thousands of tokens per minute
_LEAVING = timedelta(days=90)


def models(asked: Asked) -> Page:
    """The models of a region, retired ones among them, as Azure lists them."""
    return Page(_model(model) for model in asked.offers.models(asked.location))


def usages(asked: Asked) -> Page:
    """How much of each model this subscription may use in a region."""
    page = Page()
    for model in asked.offers.models(asked.location):
        name = _usage_name(model)
        page.append({"unit": "Count", "currentValue": 0.0, "limit": float(_LIMIT), "name": {"value": name, "localizedValue": name}})
    return page


def _model(model: FoundryModel) -> Json:
    until = f"{model.retires.isoformat()}T00:00:00Z"
    sku = {
        "name": model.sku,
        "usageName": _usage_name(model),
        "deprecationDate": until,
        "capacity": {"maximum": _LIMIT, "default": 1},
        "rateLimits": [],
    }
    return {
        "kind": KIND,
        "skuName": "S0",
        "model": {
            "format": model.format,
            "name": model.name,
            "version": model.version,
            "isDefaultVersion": True,
            "maxCapacity": 3,
            "capabilities": {"chatCompletion": "true"},
            "deprecation": {"inference": until},
            "lifecycleStatus": _status(model),
            "skus": [sku],
        },
    }


def _status(model: FoundryModel) -> str:
    today = datetime.now(UTC).date()
    if model.retires <= today:
        return "Deprecated"
    return "Deprecating" if model.retires - today < _LEAVING else "GenerallyAvailable"


def _usage_name(model: FoundryModel) -> str:
    return f"{KIND}.{model.sku}.{model.name}"


_L = "/subscriptions/{subscription}/providers/Microsoft.CognitiveServices/locations/{location}"
ROUTES = (
    Route("GET", f"{_L}/models", ("2025-06-01",), models),
    Route("GET", f"{_L}/usages", ("2025-06-01",), usages),
)
