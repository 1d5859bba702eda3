"""Asks Azure's retail-price API, which needs no login, for everything that clusters of a region are billed for.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from sdg.azure.prices import CONSUMPTION, Prices, PricesError, Row, read_rows
from sdg.catalog.azure_meters import STACK_REGION, Name, billing
from sdg.kube.errors import cause
from sdg.this_host import is_loopback

API_VERSION: Final = "2023-01-01-preview"
TIMEOUT: Final = (5.0, 30.0)  # seconds to connect, and between parts of an answer
RETRIES: Final = 4
BACKOFF: Final = 0.5  # seconds; doubled with each repetition, where the answer does not say how long to wait
AT_ONCE: Final = 4
MOST_PAGES: Final = 100
_PASSING: Final = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)

Query = tuple[tuple[str, str], ...]
"""Fields of the API and the values that they must have."""


def queries(region: str, machines: Iterable[str]) -> list[Query]:
    """What has to be asked so that every meter's price is among the answers, each question once.

    Args:
        machines: sizes of virtual machines.
    """
    found: dict[Query, None] = {}
    for meter in billing().meters.values():
        for name in meter.names:
            for machine in sorted(set(machines)) if name.machine else (None,):
                found[_query(name, region if meter.regions == (STACK_REGION,) else None, machine)] = None
    return [query for query in found if not any(set(other) < set(query) for other in found)]


def odata(query: Query) -> str:
    """The query as the API's `$filter`."""
    fields = (*query, ("priceType", CONSUMPTION))
    return " and ".join(f"{field} eq '{value.replace(chr(39), chr(39) * 2)}'" for field, value in fields)


def fetch(source: str, region: str, currency: str, machines: Iterable[str], now: datetime, *, backoff: float = BACKOFF) -> Prices:
    """Asks for all prices of a region.

    Args:
        source: where the API answers: `Mirror.api(prices.PUBLIC)`.
        now: what the prices are dated.

    Raises:
        PricesError: the API does not answer, or says something else than prices in that currency.
    """
    with _session(source, backoff) as session, ThreadPoolExecutor(AT_ONCE) as threads:
        answers = [threads.submit(_all_pages, session, source, currency, query) for query in queries(region, machines)]
        try:
            found = [row for answer in answers for row in answer.result()]
        except PricesError:
            threads.shutdown(wait=False, cancel_futures=True)  # the others would only fail as well
            raise
    rows = dict.fromkeys(row for row in found if (row.arm_region_name or "") in _regions(region))
    if not any(row.arm_region_name == region for row in rows):
        raise PricesError(f"the price API at {source} has no prices for the region {region}; is sdg:cluster.location right?")
    return Prices(source=source, region=region, currency=currency, fetched=now, rows=tuple(rows))


def _regions(region: str) -> set[str]:
    return {region if name == STACK_REGION else name for meter in billing().meters.values() for name in meter.regions}


def _query(name: Name, region: str | None, machine: str | None) -> Query:
    fields = (
        ("serviceName", name.service),
        ("productName", name.product if name.product and _is_plain(name.product) else None),
        ("armRegionName", region),
        ("armSkuName", machine),
    )
    return tuple((field, value) for field, value in fields if value is not None)


def _is_plain(pattern: str) -> bool:
    return all(field is None for _, field, _, _ in string.Formatter().parse(pattern))


def _session(source: str, backoff: float) -> requests.Session:
    session = requests.Session()
    session.trust_env = not is_loopback(source)  # a proxy of the environment would never reach this machine
    retry = Retry(
        total=RETRIES,
        connect=1,
        backoff_factor=backoff,
        status_forcelist=_PASSING,
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry, pool_maxsize=AT_ONCE))
    return session


def _all_pages(session: requests.Session, source: str, currency: str, query: Query) -> list[Row]:
    parameters = {"api-version": API_VERSION, "currencyCode": f"'{currency}'", "$filter": odata(query)}
    rows: list[Row] = []
    for _ in range(MOST_PAGES):
        answer = _ask(session, source, parameters)
        if answer.get("BillingCurrency") != currency:
            raise PricesError(
                f"the price API answers in {answer.get('BillingCurrency')} where {currency} was asked for; correct sdg:budget.currency."
            )
        items = answer.get("Items")
        if not isinstance(items, list):
            raise PricesError(f"the price API at {source} answered no list of prices")
        rows += read_rows(items)
        link = answer.get("NextPageLink")
        if not link:
            return rows
        # the link names the API's own host, whatever host was asked
        parameters = dict(parse_qsl(urlsplit(str(link)).query))
    raise PricesError(f"the price API at {source} answers more than {MOST_PAGES} pages for {odata(query)}")


def _ask(session: requests.Session, source: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    try:
        response = session.get(source, params=dict(parameters), timeout=TIMEOUT)
    except requests.RequestException as error:
        raise PricesError(f"the price API at {source} does not answer ({cause(error)}); try again, or see sdg:mirror.apis") from error
    if not response.ok:
        said = " ".join(response.text.split())[:200]
        raise PricesError(f"the price API at {source} answers {response.status_code}: {said or response.reason}")
    try:
        answer = response.json()
    except ValueError as error:
        raise PricesError(f"the price API at {source} answers something that is not JSON") from error
    if not isinstance(answer, dict):
        raise PricesError(f"the price API at {source} answers something that is not an object")
    return answer
