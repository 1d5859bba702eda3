"""Prices as the API is asked for them, page by page; and the API that the rehearsal has instead."""

from __future__ import annotations

from collections import Counter

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from rehearsal.services import azure_prices
from sdg.azure import retail
from sdg.azure.meters import lines
from sdg.azure.prices import Price, PricesError, find
from sdg.settings.azure import Azure
from tests.unit.azure.price_api import MACHINES, TODAY, row, serving

PATH = azure_prices.PATH


def test_nothing_is_asked_twice_and_nothing_that_another_question_answers():
    asked = retail.queries("eastus2", MACHINES)
    assert not [pair for pair in asked if any(set(other) < set(pair) for other in asked)]
    assert max(Counter(asked).values()) == 1


def test_a_filter_names_fields_and_values_and_consumption_alone():
    said = retail.odata((("serviceName", "Virtual Machines"), ("productName", "Bob's")))
    assert said == "serviceName eq 'Virtual Machines' and productName eq 'Bob''s' and priceType eq 'Consumption'"
    assert azure_prices.parse(said) == {"serviceName": "Virtual Machines", "productName": "Bob's", "type": "Consumption"}


def fetched(address, region="eastus2", currency="USD"):
    return retail.fetch(address + PATH, region, currency, MACHINES, TODAY, backoff=0)


def test_every_preset_has_a_price_for_all_that_does_not_hang_on_use(api):
    found = fetched(api)
    for preset in ("dev", "team", "production"):
        for line in lines(Azure.model_validate({"kind": "azure", "preset": preset})):
            if line.described and line.count:
                assert isinstance(find(found, line.described, line.values), Price), line


def test_prices_say_where_and_when_they_were_asked_for(api):
    found = fetched(api, "westeurope", "EUR")
    assert (found.source, found.region, found.currency, found.fetched) == (api + PATH, "westeurope", "EUR", TODAY)
    assert {price.currency_code for price in found.rows} == {"EUR"}
    assert {price.arm_region_name for price in found.rows} <= {"westeurope", "Global", "", "Zone 1"}


def test_a_region_without_prices_is_said(api):
    with pytest.raises(PricesError, match="no prices for the region atlantis"):
        fetched(api, "atlantis")


def test_a_currency_that_the_api_does_not_know_is_said(api):
    with pytest.raises(PricesError, match=r"400.*XXX is no supported currency"):
        fetched(api, currency="XXX")


def pages_of(answers):
    """An API that gives these answers, one after another."""
    app, left = FastAPI(), iter(answers)

    @app.get(PATH)
    def page(request: Request):
        answer = next(left)
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    return app


def page(*rows, link=None, currency="USD"):
    return {"BillingCurrency": currency, "Items": [each.model_dump(mode="json", by_alias=True) for each in rows], "NextPageLink": link}


def asked_once(address):
    """The rows of one question."""
    with retail._session(address, 0) as session:
        return retail._all_pages(session, address + PATH, "USD", (("serviceName", "Virtual Machines"),))


def test_pages_are_followed_to_the_end_at_the_address_that_was_asked():
    seen = []
    app = FastAPI()

    @app.get(PATH)
    def answer(request: Request):
        seen.append(dict(request.query_params))
        number = int(request.query_params.get("$skip", 0))
        link = f"https://prices.azure.com:443{PATH}?%24filter=x&%24skip={number + 1}" if number < 2 else None
        return page(row(number + 1), link=link)

    with serving(app) as address:
        found = asked_once(address)
    assert [float(each.retail_price) for each in found] == [1, 2, 3]
    assert [asked.get("$skip") for asked in seen] == [None, "1", "2"]
    assert seen[0]["currencyCode"] == "'USD'"


def test_pages_that_never_end_are_given_up(monkeypatch):
    monkeypatch.setattr(retail, "MOST_PAGES", 3)
    app = FastAPI()
    app.get(PATH)(lambda: page(row(1), link=f"https://prices.azure.com:443{PATH}?%24skip=1"))
    with serving(app) as address, pytest.raises(PricesError, match="more than 3 pages"):
        asked_once(address)


def test_what_passes_is_asked_again():
    answers = [Response(status_code=429, headers={"Retry-After": "0"}), Response(status_code=503), page(row(1))]
    with serving(pages_of(answers)) as address:
        assert len(asked_once(address)) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response("no", status_code=400), "answers 400: no"),
        (Response("<html>", media_type="text/html"), "not JSON"),
        ([1], "not an object"),
        ({"BillingCurrency": "USD"}, "no list of prices"),
        ({"BillingCurrency": "EUR", "Items": []}, "answers in EUR where USD was asked for"),
    ],
)
def test_an_answer_that_holds_no_prices_is_said(answer, said):
    with serving(pages_of([answer])) as address, pytest.raises(PricesError, match=said):
        asked_once(address)


def test_an_api_that_does_not_answer_is_said():
    with pytest.raises(PricesError, match=r"http://127.0.0.1:9/\S+ does not answer \(.*refused.*sdg:mirror.apis"):
        retail.fetch("http://127.0.0.1:9" + PATH, "eastus2", "USD", MACHINES, TODAY, backoff=0)


def test_an_api_that_fails_for_long_is_said():
    class Faults:
        def get(self, name):
            return {"status": 500} if name == "prices.http" else None

    with serving(azure_prices.create_app(Faults())) as address, pytest.raises(PricesError, match="answers 500"):
        asked_once(address)


# the rehearsal's API


@pytest.mark.parametrize(
    "wrong", ["serviceName ne 'x'", "contains(productName, 'x')", "retailPrice eq '1'", "serviceName eq 'x' or meterName eq 'y'"]
)
def test_the_rehearsal_does_not_guess_filters(wrong):
    with pytest.raises(azure_prices.FilterError):
        azure_prices.parse(wrong)


def test_the_rehearsals_rows_have_the_fields_of_the_api_and_say_that_they_are_made_up():
    item = next(azure_prices.items({"serviceName": "Virtual Machines"}, "USD"))
    documented = {
        *("currencyCode", "tierMinimumUnits", "retailPrice", "unitPrice", "armRegionName", "location", "effectiveStartDate", "meterId"),
        *(
            "meterName",
            "productId",
            "skuId",
            "productName",
            "skuName",
            "serviceName",
            "serviceId",
            "serviceFamily",
            "unitOfMeasure",
            "type",
        ),
        *("isPrimaryMeterRegion", "armSkuName"),
    }
    assert set(item) == documented
    assert (item["productId"], item["location"]) == ("MADE-UP", "made up")


@pytest.mark.parametrize("address", ["http://127.0.0.2:8", "http://[::1]:8", "http://localhost:8"])
def test_no_proxy_is_asked_for_this_machine(address):
    with retail._session(address, 0) as session:
        assert not session.trust_env
