"""Azure's retail-price API as the rehearsal has it: its shape, its pages and its filters are the API's; its prices are made up.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated, Any, Final, Protocol
from urllib.parse import urlencode

import yaml
from fastapi import FastAPI, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from sdg.catalog.vm_sizes import LOCAL, VmSize, vm_sizes

PATH: Final = "/api/retail/prices"
OWN_ADDRESS: Final = "https://prices.azure.com:443"  # links to pages name it, whatever address was asked
PAGE: Final = 100
EVERY_REGION: Final = "region"
SINCE: Final = "2024-01-01T00:00:00Z"
MADE_UP: Final = "MADE-UP"
_TERM: Final = re.compile(r"^\s*(?P<field>[A-Za-z]+) eq '(?P<value>(?:[^']|'')*)'\s*$")
_AND: Final = re.compile(r" and (?=(?:[^']*'[^']*')*[^']*$)")
_FIELDS: Final = {"priceType": "type"} | {
    name: name
    for name in (
        "armRegionName",
        "armSkuName",
        "location",
        "meterId",
        "meterName",
        "productId",
        "productName",
        "serviceFamily",
        "serviceId",
        "serviceName",
        "skuId",
        "skuName",
    )
}

Item = dict[str, Any]


class Faults(Protocol):
    """Where the fault switches are read; `prices.http {"status": 503}` makes the API answer so."""

    def get(self, name: str) -> Mapping[str, object] | None: ...


class HttpFault(BaseModel):
    """Body of the switch `prices.http`."""

    status: int = Field(503, ge=400, le=599)


class VmPrices(BaseModel):
    """What machines cost; the comments of `azure_prices.yaml` say what each key means."""

    model_config = ConfigDict(extra="forbid")

    vcpu: float
    gpu: float
    spot: float
    windows: float


class Listed(BaseModel):
    """All of `azure_prices.yaml`."""

    model_config = ConfigDict(extra="forbid")

    currencies: list[str]
    regions: list[str]
    vm: VmPrices
    rows: list[tuple[str, str, str, str, str, float | list[tuple[float, float]], str]]


class FilterError(ValueError):
    """A `$filter` that the API does not take."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row without region and currency."""

    service: str
    product: str
    sku: str
    meter: str
    unit: str
    price: float
    where: str
    start: float = 0
    machine: str = ""
    kind: str = "Consumption"

    def item(self, region: str, currency: str) -> Item:
        """As the API says it."""
        term = {} if self.kind == "Consumption" else {"reservationTerm": "1 Year"}
        return {
            "currencyCode": currency,
            "tierMinimumUnits": self.start,
            **term,
            "retailPrice": self.price,
            "unitPrice": self.price,
            "armRegionName": region,
            "location": "made up",
            "effectiveStartDate": SINCE,
            "meterId": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.product}/{self.sku}/{self.meter}/{region}")),
            "meterName": self.meter,
            "productId": MADE_UP,
            "skuId": f"{MADE_UP}/{self.sku}",
            "productName": self.product,
            "skuName": self.sku,
            "serviceName": self.service,
            "serviceId": MADE_UP,
            "serviceFamily": MADE_UP,
            "unitOfMeasure": self.unit,
            "type": self.kind,
            "isPrimaryMeterRegion": True,
            "armSkuName": self.machine,
        }


def create_app(faults: Faults | None = None) -> FastAPI:
    """The API on an address of its own.

    Args:
        faults: fault switches; none without them.
    """
    app = FastAPI(title="Azure's retail prices, made up", openapi_url=None)

    @app.get(PATH)
    def prices(
        filtered: Annotated[str, Query(alias="$filter")] = "",
        currency: Annotated[str, Query(alias="currencyCode")] = "'USD'",
        skip: Annotated[int, Query(alias="$skip", ge=0)] = 0,
        version: Annotated[str, Query(alias="api-version")] = "",
    ) -> Response:
        fault = faults.get("prices.http") if faults else None
        if fault is not None:
            return Response(status_code=HttpFault.model_validate(fault).status)
        code = currency.strip("'")
        try:
            wanted = parse(filtered)
        except FilterError as error:
            return JSONResponse({"Error": {"Code": "400", "Message": str(error)}}, 400)
        if code not in listed().currencies:
            return JSONResponse({"Error": {"Code": "400", "Message": f"{code} is no supported currency"}}, 400)
        return JSONResponse(_page(list(items(wanted, code)), skip, {"api-version": version, "currencyCode": currency, "$filter": filtered}))

    return app


def items(wanted: Mapping[str, str], currency: str) -> Iterator[Item]:
    """The rows whose fields have the wanted values; case counts, as it does in the API since its version of 2023."""
    for row in _rows():
        regions = listed().regions if row.where == EVERY_REGION else [row.where]
        for region in regions:
            item = row.item(region, currency)
            if all(item.get(field) == value for field, value in wanted.items()):
                yield item


def parse(text: str) -> dict[str, str]:
    """Fields and values of `field eq 'value' and …`, which is all that is spoken here.

    Raises:
        FilterError: it is something else.
    """
    found: dict[str, str] = {}
    for term in _AND.split(text) if text else ():
        match = _TERM.match(term)
        if match is None or match["field"] not in _FIELDS:
            raise FilterError(f"the filter's part {term.strip()!r} is not understood")
        found[_FIELDS[match["field"]]] = match["value"].replace("''", "'")
    return found


def _page(found: list[Item], skip: int, parameters: Mapping[str, str]) -> dict[str, Any]:
    page = found[skip : skip + PAGE]
    following = {**parameters, "$skip": str(skip + PAGE)}
    return {
        "BillingCurrency": parameters["currencyCode"].strip("'"),
        "CustomerEntityId": "Default",
        "CustomerEntityType": "Retail",
        "Items": page,
        "NextPageLink": f"{OWN_ADDRESS}{PATH}?{urlencode(following)}" if skip + PAGE < len(found) else None,
        "Count": len(page),
    }


@cache
def listed() -> Listed:
    """What `azure_prices.yaml` says."""
    text = resources.files(__package__).joinpath("azure_prices.yaml").read_text(encoding="utf-8")
    return Listed.model_validate(yaml.safe_load(text))


@cache
def _rows() -> tuple[Row, ...]:
    return (*_listed_rows(), *(row for name, size in vm_sizes().items() if not name.startswith(LOCAL) for row in _machine(name, size)))


def _listed_rows() -> Iterator[Row]:
    for service, product, sku, meter, unit, price, where in listed().rows:
        tiers = price if isinstance(price, list) else [(0.0, price)]
        for start, amount in tiers:
            yield Row(service, product, sku, meter, unit, amount, where, start)


def _machine(name: str, size: VmSize) -> Iterator[Row]:
    """The rows of a machine: with Linux, with Windows, as spot, and reserved for a year, as the API has them side by side."""
    paid, sku = listed().vm, name.removeprefix("Standard_").replace("_", " ")
    hour = round(size.vcpus * paid.vcpu + (size.gpu.count if size.gpu else 0) * paid.gpu, 4)
    product = f"Virtual Machines {sku.split()[0]} Series"

    def row(label: str, price: float, kind: str = "Consumption", of: str = product) -> Row:
        return Row("Virtual Machines", of, label, label, "1 Hour", round(price, 4), EVERY_REGION, machine=name, kind=kind)

    yield row(sku, hour)
    yield row(sku, hour * paid.windows, of=f"{product} Windows")
    yield row(f"{sku} Spot", hour * paid.spot)
    yield row(f"{sku} Spot", hour * paid.spot * paid.windows, of=f"{product} Windows")
    yield row(f"{sku} Low Priority", hour * paid.spot)
    yield row(sku, hour * 4000, kind="Reservation")
