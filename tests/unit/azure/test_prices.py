"""Prices: found among what the API says, asked for page by page, and kept as a file."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.services import azure_prices
from sdg.azure import retail
from sdg.azure.kept_prices import FOLDER, Kept
from sdg.azure.meters import lines
from sdg.azure.prices import Price, PricesError, Unknown, find, read_rows
from sdg.catalog.azure_meters import billing
from sdg.settings.azure import Azure
from tests.unit.azure.price_api import SOURCE, TODAY, prices, row, serving

MACHINE = {"size": "Standard_D16ds_v5"}
MACHINES = ["Standard_D16ds_v5", "Standard_NC40ads_H100_v5"]
PATH = azure_prices.PATH


def machine(*rows, meter="vm"):
    return find(prices(*rows), billing().meters[meter], MACHINE)


def tiers(price):
    return [(int(start), float(amount)) for start, amount in price.tiers]


def test_the_price_of_a_machine_is_that_of_linux_without_conditions():
    found = machine(
        row(9, productName="Virtual Machines Ddsv5 Series Windows"),
        row(8, skuName="D16ds v5 Low Priority", meterName="D16ds v5 Low Priority"),
        row(7, skuName="D16ds v5 Spot", meterName="D16ds v5 Spot"),
        row(6, armSkuName="Standard_D8ds_v5"),
        row(5, armRegionName="westeurope"),
        row(4, productName="Ddsv5 Series Cloud Services"),
        row(0.9),
    )
    assert tiers(found) == [(0, 0.9)]


def test_the_price_of_a_spot_machine_is_a_row_of_its_own():
    spot = {"skuName": "D16ds v5 Spot", "meterName": "D16ds v5 Spot"}
    found = machine(row(0.9), row(0.2, **spot), row(0.4, **spot, productName="Virtual Machines Ddsv5 Series Windows"), meter="vm-spot")
    assert tiers(found) == [(0, 0.2)]


def test_without_a_row_the_price_is_unknown_and_says_where():
    assert machine(row(1, armSkuName="Standard_D8ds_v5")) == Unknown("no price for it in eastus2")


def test_rows_that_disagree_are_no_price():
    found = machine(row(1), row(2, meterId="n", productName="Virtual Machines Ddsv5 Other Series"))
    assert isinstance(found, Unknown)
    assert "several prices" in found.reason
    assert "Virtual Machines Ddsv5 Other Series, D16ds v5" in found.reason


def test_rows_that_say_the_same_are_one_price():
    assert tiers(machine(row(1), row(1, meterId="n", productName="Virtual Machines Ddsv5 Other Series"))) == [(0, 1)]


def test_a_row_of_another_unit_is_not_understood():
    found = machine(row(1, unitOfMeasure="1/Month"))
    assert found == Unknown("its price is per 1/Month, not per 1 Hour or 1/Hour")


def test_the_row_that_is_billed_counts_where_regions_share_a_meter():
    assert tiers(machine(row(1, isPrimaryMeterRegion=False), row(2, meterId="n"))) == [(0, 2)]
    assert tiers(machine(row(1, isPrimaryMeterRegion=False))) == [(0, 1)]


def test_the_price_that_holds_today_counts():
    past, future = "2020-01-01T00:00:00Z", "2026-08-01T00:00:00Z"
    assert tiers(machine(row(3, effectiveStartDate=past), row(1), row(2, effectiveStartDate=future))) == [(0, 1)]


def test_names_differ_in_case_hyphens_and_spaces_alone():
    values = {"product": "Azure Database for PostgreSQL Flexible Server General Purpose Ddsv5 Series Compute", "vcores": "2", "size": "s"}
    server = {"serviceName": "Azure Database for PostgreSQL", "skuName": "2 vCore", "meterName": "vCore"}
    written = "Azure Database for PostgreSQL Flexible Server General Purpose\u00a0- Ddsv5 Series Compute"
    assert tiers(find(prices(row(0.2, **server, productName=written)), billing().meters["postgres"], values)) == [(0, 0.2)]


def test_a_row_of_one_vcore_is_multiplied():
    values = {"product": "Azure Database for PostgreSQL Flexible Server General Purpose Ddsv6 Series Compute", "vcores": "8", "size": "s"}
    one = {"serviceName": "Azure Database for PostgreSQL", "skuName": "1 vCore", "meterName": "1 vCore", "productName": values["product"]}
    found = find(prices(row(0.1, **one)), billing().meters["postgres"], values)
    assert isinstance(found, Price)
    assert found.each == "vcores"


def test_what_costs_the_same_everywhere_is_found_where_the_region_has_no_row():
    gateway = {"serviceName": "NAT Gateway", "productName": "NAT Gateway", "skuName": "Standard", "meterName": "Standard Gateway"}
    everywhere, here = row(1, **gateway, armRegionName="Global"), row(2, **gateway)
    assert tiers(find(prices(everywhere), billing().meters["nat-gateway"], {})) == [(0, 1)]
    assert tiers(find(prices(everywhere, here), billing().meters["nat-gateway"], {})) == [(0, 2)]


def test_a_tier_that_begins_later_alone_is_no_price():
    assert machine(row(1, tierMinimumUnits=5)) == Unknown("its price from the first unit on is missing")


def test_units_are_charged_at_the_tier_that_they_fall_into():
    price = Price(((Decimal(0), Decimal(0)), (Decimal(5), Decimal(2)), (Decimal(10), Decimal(1))), "1 GB")
    assert [price.cost(Decimal(amount)) for amount in (0, 5, 6, 10, 12)] == [0, 0, 2, 10, 12]
    assert (price.first, price.free) == (2, 5)


def test_a_unit_may_be_of_many():
    found = find(
        prices(
            row(0.04, serviceName="Key Vault", productName="Key Vault", skuName="Standard", meterName="Operations", unitOfMeasure="10K")
        ),
        billing().meters["key-vault"],
        {},
    )
    assert isinstance(found, Price)
    assert found.per == 10_000
    assert found.cost(Decimal(5_000_000)) == Decimal("20.00")


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), max_size=4), st.integers(0, 9), st.integers(0, 300))
def test_the_cost_is_that_of_each_unit(more, first, quantity):
    starts = sorted({0: first} | dict(more))
    by_start = {0: first} | dict(more)
    price = Price(tuple((Decimal(start), Decimal(by_start[start])) for start in starts), "1 GB")
    each = [by_start[max(start for start in starts if start <= unit)] for unit in range(quantity)]
    assert price.cost(Decimal(quantity)) == sum(each)


def test_reservations_are_left_out():
    item = row(1).model_dump(mode="json", by_alias=True)
    assert len(read_rows([item, {**item, "type": "Reservation"}, {**item, "type": "DevTestConsumption"}])) == 1


@pytest.mark.parametrize("item", [{}, {"retailPrice": "much"}, None, "row"])
def test_what_is_no_row_is_refused(item):
    whole = row(1).model_dump(mode="json", by_alias=True)
    with pytest.raises(PricesError, match="no usable"):
        read_rows([{k: v for k, v in whole.items() if k != "retailPrice"} | item if isinstance(item, dict) else item])


# what is asked


def test_nothing_is_asked_twice_and_nothing_that_another_question_answers():
    asked = retail.queries("eastus2", MACHINES)
    assert not [pair for pair in asked if any(set(other) < set(pair) for other in asked)]
    assert max(Counter(asked).values()) == 1


def test_a_filter_names_fields_and_values_and_consumption_alone():
    said = retail.odata((("serviceName", "Virtual Machines"), ("productName", "Bob's")))
    assert said == "serviceName eq 'Virtual Machines' and productName eq 'Bob''s' and priceType eq 'Consumption'"
    assert azure_prices.parse(said) == {"serviceName": "Virtual Machines", "productName": "Bob's", "type": "Consumption"}


@pytest.fixture(scope="module")
def api():
    with serving(azure_prices.create_app()) as address:
        yield address


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


# what is kept


@pytest.fixture
def kept(tmp_path):
    return Kept.of_project(tmp_path, {}, SOURCE)


def test_what_is_kept_is_read_as_it_was(kept):
    written = prices(row(0.1), row(3, armRegionName=None, tierMinimumUnits=2))
    path = kept.keep(written)
    assert path.name == "eastus2-USD-2026-07-01.json"
    assert kept.newest("eastus2", "USD") == written
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_newest_counts(kept):
    for days in (0, -40, -3):
        kept.keep(prices(row(100 + days), fetched=TODAY + timedelta(days=days)))
    assert kept.newest("eastus2", "USD").fetched == TODAY


def test_prices_of_another_region_currency_or_source_are_not_taken(kept):
    kept.keep(prices(row(1)))
    assert kept.newest("westeurope", "USD") is None
    assert kept.newest("eastus2", "EUR") is None
    assert replace(kept, source="https://prices.azure.com/api/retail/prices").newest("eastus2", "USD") is None


def test_prices_lie_in_the_project_unless_the_environment_names_a_folder(tmp_path):
    assert Kept.of_project(tmp_path, {}, SOURCE).folder == tmp_path / ".sdg" / "prices" / "127.0.0.1:1"
    assert Kept.of_project(tmp_path, {FOLDER: "/elsewhere"}, SOURCE).folder == Path("/elsewhere/127.0.0.1:1")


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"source": SOURCE})])
def test_a_file_that_holds_no_prices_is_named(kept, text):
    path = kept.keep(prices(row(1)))
    path.write_text(text)
    with pytest.raises(PricesError, match=f"{path} holds no prices.*sdg prices refresh"):
        kept.newest("eastus2", "USD")


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / ".sdg").write_text("")
    with pytest.raises(PricesError, match="could not be written"):
        Kept.of_project(tmp_path, {}, SOURCE).keep(prices(row(1)))


def test_age_is_counted_from_the_moment_they_were_asked_for():
    assert prices().age(TODAY + timedelta(days=31)) == timedelta(days=31)
    assert prices().age(datetime(2020, 1, 1, tzinfo=UTC)) == timedelta()


@pytest.mark.parametrize("address", ["http://127.0.0.2:8", "http://[::1]:8", "http://localhost:8"])
def test_no_proxy_is_asked_for_this_machine(address):
    with retail._session(address, 0) as session:
        assert not session.trust_env
