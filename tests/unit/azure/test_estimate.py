"""What a stack costs a month, reckoned meter by meter from prices that are known."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.services import azure_prices
from sdg.azure import retail
from sdg.azure.estimate import Cost, estimate, money
from sdg.catalog.vm_sizes import vm_sizes
from tests.unit.azure.price_api import TODAY, azure


def machines():
    """Sizes of nodes without GPUs."""
    return [name for name, size in vm_sizes().items() if name.startswith("Standard_") and not size.gpu]


def test_every_size_without_gpus_has_a_price_by_its_name_regular_and_spare(api):
    of_all = retail.fetch(api + azure_prices.PATH, "eastus2", "USD", machines(), TODAY)
    for size in machines():
        cpu = {"systemPool": {"size": size}, "cpuPool": {"size": size, "spot": True}}
        reckoned = estimate(azure(**cpu), of_all, "USD")
        found = [item.cost for item in reckoned.items if item.line.values.get("size") == size]
        assert len(found) == 2, size
        assert all(found), size


def costs(reckoned):
    return {(item.line.resource, item.line.meter): item.cost and (item.cost.least, item.cost.most) for item in reckoned.items}


def test_the_default_stack_is_reckoned_meter_by_meter(known):
    """730 hours of made-up prices: 16 vCPUs at 0.01, a GPU at 1 and 40 vCPUs, and so on."""
    found = costs(estimate(azure(), known, "USD"))
    assert found["AKS", None] == (0, 0)
    assert found["system pool", "vm"] == (Decimal("116.8"), Decimal("350.4"))
    assert found["system pool", "os-disk"] == (10, 30)
    assert found["GPU pool gpu", "vm"] == (0, 1022)
    assert found["egress", "nat-gateway"] == (Decimal("36.5"),) * 2
    assert found["private network", "dns-zone"] == (Decimal("1.5"),) * 2
    assert found["PostgreSQL", "postgres-burstable"] == (Decimal("51.1"),) * 2
    assert found["storage account", "blob"] is None


def test_the_total_is_the_sum_of_what_is_known(known):
    reckoned = estimate(azure(preset="production"), known, "USD")
    assert reckoned.missing == ()
    assert reckoned.total.least == sum(cost[0] for cost in costs(reckoned).values() if cost)
    assert reckoned.total.most == sum(cost[1] for cost in costs(reckoned).values() if cost)


def test_a_server_whose_vcores_are_priced_one_by_one_costs_all_of_them(known):
    found = costs(estimate(azure(database={"size": "GP_Standard_D8ds_v6"}), known, "USD"))
    assert found["PostgreSQL", "postgres"] == (8 * 730 * Decimal("0.1"),) * 2


def test_a_server_that_is_priced_whole_is_not_multiplied(known):
    found = costs(estimate(azure(database={"size": "GP_Standard_D4s_v3"}), known, "USD"))
    assert found["PostgreSQL", "postgres"] == (730 * Decimal("0.4"),) * 2


def test_a_spot_pool_costs_what_spare_capacity_does(known):
    whole, spot = (estimate(azure(gpuPools=[{"min": 1, "max": 1, "spot": spot}]), known, "USD").total.most for spot in (False, True))
    assert whole - spot == pytest.approx(Decimal(1022) * Decimal("0.8"))


def test_without_prices_quantities_are_shown_and_no_cost_is(known):
    reckoned = estimate(azure(), None, "USD")
    assert reckoned.total == Cost(Decimal(0), Decimal(0))
    assert {item.unknown for item in reckoned.items if item.line.meter} == {"no prices"}
    assert len(reckoned.missing) == sum(1 for item in reckoned.items if item.line.count and item.line.meter)


def test_a_price_that_is_missing_counts_where_something_is_to_be_bought(known):
    cluster = azure(gpuPools=[{"size": "Standard_ND96isr_H100_v5", "min": 0, "max": 1}])
    reckoned = estimate(cluster, known, "USD")
    assert [item.line.resource for item in reckoned.missing_at("maximum")] == ["GPU pool gpu"]
    assert reckoned.missing_at("minimum") == ()


pools = st.builds(lambda least, more: {"min": least, "max": least + more}, st.integers(0, 5), st.integers(0, 5))


@given(gpus=st.lists(pools, max_size=2), system=pools)
def test_no_pool_makes_the_maximum_less_than_the_minimum_and_more_nodes_cost_more(known, gpus, system):
    named = [{"name": f"gpu{number}", **pool} for number, pool in enumerate(gpus)]
    total = estimate(azure(gpuPools=named, systemPool=system), known, "USD").total
    more = estimate(azure(gpuPools=[*named, {"name": "more", "min": 1, "max": 1}], systemPool=system), known, "USD").total
    assert total.least <= total.most
    assert (total.least < more.least, total.most < more.most) == (True, True)


def test_money_is_rounded_to_cents_for_people():
    assert money(Decimal("1234567.005"), "EUR") == "1,234,567.01 EUR"
