"""Prices found among the rows of the API: which row counts, what a tier costs, and what is no price."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdg.azure.prices import Price, PricesError, Unknown, find, read_rows
from sdg.catalog.azure_meters import billing
from tests.unit.azure.price_api import prices, row

MACHINE = {"size": "Standard_D16ds_v5"}


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
