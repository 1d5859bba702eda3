"""What a stack costs a month, compared with its budget: reckoned, printed, and asked by the preflight."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli import estimate as command
from cli import prices as refreshing
from cli.prices import NotOnAzureError
from cli.stack_file import StackFileError, settings_of
from rehearsal.services import azure_prices
from sdg.azure import retail
from sdg.azure.estimate import Cost, estimate, judge, money
from sdg.azure.kept_prices import FOLDER, Kept
from sdg.azure.prices import PUBLIC
from sdg.catalog.azure_meters import billing
from sdg.catalog.vm_sizes import vm_sizes
from sdg.preflight.budget import findings
from sdg.preflight.model import Subject
from sdg.settings.azure import Azure
from sdg.settings.budget import Budget
from sdg.settings.errors import SettingsError
from sdg.settings.mirror import Mirror
from tests.unit.azure.price_api import SOURCE, TODAY, serving

MACHINES = ["Standard_D16ds_v5", "Standard_NC40ads_H100_v5"]
RANGES = ["198.51.100.7/32"]
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def api():
    with serving(azure_prices.create_app()) as address:
        yield address


@pytest.fixture(scope="module")
def known(api):
    """The rehearsal's prices, as if they had been asked for at SOURCE."""
    return retail.fetch(api + azure_prices.PATH, "eastus2", "USD", MACHINES, TODAY).model_copy(update={"source": SOURCE})


def azure(**said):
    return Azure.model_validate({"kind": "azure", "allowedRanges": RANGES, "acceptUnvalidated": True, **said})


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


# reckoned


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


# compared


def test_without_a_budget_there_is_nothing_to_compare(known):
    assert judge(estimate(azure(), known, "USD"), Budget()) is None


@pytest.mark.parametrize(
    ("basis", "monthly", "exceeded"),
    [("maximum", 1558.5, False), ("maximum", 1558.49, True), ("minimum", 262.9, False), ("minimum", 262.89, True)],
)
def test_the_budget_is_compared_to_the_cent(known, basis, monthly, exceeded):
    verdict = judge(estimate(azure(), known, "USD"), Budget(monthly=monthly, basis=basis))
    assert (verdict.exceeded, verdict.proven) == (exceeded, True)


def test_what_is_known_may_be_too_much_already(known):
    cluster = azure(gpuPools=[{"size": "Standard_ND96isr_H100_v5"}])
    too_little = judge(estimate(cluster, known, "USD"), Budget(monthly=100))
    assert (too_little.exceeded, too_little.proven) == (True, False)


def test_without_prices_nothing_is_proven():
    verdict = judge(estimate(azure(), None, "USD"), Budget(monthly=1))
    assert (verdict.exceeded, verdict.proven) == (False, False)


def test_money_is_rounded_to_cents_for_people():
    assert money(Decimal("1234567.005"), "EUR") == "1,234,567.01 EUR"


# asked by the preflight


@pytest.fixture
def checked(tmp_path, known):
    """What the preflight says of a stack, with the prices that are kept."""

    def check(cluster, budget, *, kept=known, later=timedelta()):
        if kept is not None:
            Kept.of_project(tmp_path, {}, kept.source).keep(kept)
        mirror = Mirror(apis={PUBLIC: SOURCE})
        subject = Subject({"cluster": cluster, "budget": Budget(**budget), "mirror": mirror}, project=tmp_path)
        return [(finding.check, finding.refuses, str(finding)) for finding in findings(subject, cluster, TODAY + later)]

    return check


def test_a_stack_within_its_budget_is_not_mentioned(checked):
    assert checked(azure(), {"monthly": 2000}) == []


def test_a_stack_without_a_budget_is_not_reckoned(checked):
    assert checked(azure(), {}, kept=None) == []


def test_a_stack_over_its_budget_is_refused_with_both_numbers(checked):
    [(check, refuses, said)] = checked(azure(), {"monthly": 1000})
    assert (check, refuses) == ("budget", True)
    assert "costs 1,558.50 USD a month, with every pool at its maximum; sdg:budget.monthly is 1,000.00 USD." in said
    assert "sdg estimate" in said


def test_a_stack_is_refused_too_when_only_a_part_is_known_and_that_is_too_much(checked):
    [(check, refuses, said)] = checked(azure(gpuPools=[{"size": "Standard_ND96isr_H100_v5"}]), {"monthly": 100})
    assert (check, refuses) == ("budget", True)
    assert "costs at least" in said


def test_prices_that_are_missing_prove_nothing_and_are_named(checked):
    [(check, refuses, said)] = checked(azure(gpuPools=[{"size": "Standard_ND96isr_H100_v5"}]), {"monthly": 9000})
    assert (check, refuses) == ("prices", False)
    assert "prices are missing of GPU pool gpu: machine Standard_ND96isr_H100_v5." in said
    assert "sdg prices refresh" in said


def test_without_prices_a_budget_is_warned_of(checked):
    [(check, refuses, said)] = checked(azure(), {"monthly": 9000, "currency": "EUR"})
    assert (check, refuses) == ("prices", False)
    assert "there are no prices of eastus2 in EUR" in said


def test_old_prices_are_warned_of_and_still_compared(checked):
    assert [check for check, *_ in checked(azure(), {"monthly": 2000}, later=30 * DAY)] == []
    [(check, refuses, said)] = checked(azure(), {"monthly": 2000}, later=31 * DAY)
    assert (check, refuses, "31 days old" in said) == ("prices", False, True)
    assert [check for check, *_ in checked(azure(), {"monthly": 1000}, later=31 * DAY)] == ["budget", "prices"]


def test_a_file_that_cannot_be_read_is_a_warning(checked, tmp_path, known):
    Kept.of_project(tmp_path, {}, SOURCE).keep(known).write_text("{")
    [(check, refuses, said)] = checked(azure(), {"monthly": 2000}, kept=None)
    assert (check, refuses, "holds no prices" in said) == ("prices", False, True)


# printed


@pytest.fixture
def stack(tmp_path, monkeypatch, api, known):
    """A stack file of the test's own, and the rehearsal's prices, where a test wants any."""
    path = tmp_path / "Pulumi.lab.yaml"
    monkeypatch.setenv("PULUMI_OPTION_CONFIG_FILE", str(path))
    monkeypatch.setenv(FOLDER, str(tmp_path / "prices"))

    def write(*, priced=True, **sections):
        if priced:
            Kept.of_project(tmp_path, os.environ, api + azure_prices.PATH).keep(
                known.model_copy(update={"source": api + azure_prices.PATH})
            )
        cluster = {"kind": "azure", "allowedRanges": RANGES, "acceptUnvalidated": True}
        said = {"cluster": cluster, "mirror": {"apis": {"https://prices.azure.com": api}}, "ngcApiKey": {"secure": "v1:x"}, **sections}
        path.write_text(
            yaml.safe_dump({"encryptionsalt": "v1:y", "config": {f"sdg:{key}": value for key, value in said.items()} | {"aws:region": "x"}})
        )
        return "lab"

    return write


def printed(name, now=TODAY):
    shown = io.StringIO()
    code = command.run(name, Console(file=shown, width=160), now)
    return code, shown.getvalue()


def refreshed(name):
    return list(refreshing.refresh(name, TODAY))


def test_without_prices_the_estimate_shows_meters_and_quantities(stack):
    code, text = printed(stack(priced=False))
    assert code == 0
    assert "730" in text
    assert "unknown" in text
    assert "No prices were asked for yet, so none is known: sdg prices refresh --stack lab" in text
    assert "at least" not in text


def test_the_month_in_the_title_is_the_one_that_is_counted(stack, monkeypatch):
    monkeypatch.setattr(command, "billing", lambda: billing().model_copy(update={"hours": 700}))
    assert "a month of 700 hours" in printed(stack(priced=False))[1]


def test_prices_are_asked_for_and_then_shown_with_their_source_and_day(stack, api, tmp_path):
    name = stack(priced=False)
    [said] = refreshed(name)
    assert f"prices of eastus2 in USD, from {api}" in said
    code, text = printed(name)
    assert code == 0
    assert "1,558.50" in text
    assert f"Prices of 2026-07-01 from {api}" in text
    assert "No budget is set" in text
    assert [path.name for path in tmp_path.glob("prices/*/*")] == ["eastus2-USD-2026-07-01.json"]


@pytest.mark.parametrize(("monthly", "code", "said"), [(1000, 1, "Over budget."), (2000, 0, "Within budget: 1,558.50 USD of 2,000.00 USD")])
def test_the_exit_code_tells_whether_the_budget_holds(stack, monthly, code, said):
    name = stack(budget={"monthly": monthly})
    ended, text = printed(name)
    assert ended == code
    assert said in text


def test_a_budget_that_nobody_can_compare_is_said_and_is_no_failure(stack):
    code, text = printed(stack(priced=False, budget={"monthly": 1}))
    assert code == 0
    assert "Not known to be within the budget of 1.00 USD" in text


def test_totals_say_what_they_lack(stack):
    cluster = {"kind": "azure", "allowedRanges": RANGES, "acceptUnvalidated": True, "redis": {"size": "Balanced_B20"}}
    name = stack(cluster=cluster)
    _, text = printed(name)
    assert "at least 241.00" in text
    assert "The totals lack: Redis, node of Balanced_B20: no price for it in eastus2." in text


def test_old_prices_are_said_to_be_old(stack):
    name = stack()
    assert "They are 31 days old: sdg prices refresh --stack lab" in printed(name, TODAY + 31 * DAY)[1]


def test_every_line_of_the_default_stack_is_printed(stack):
    name = stack()
    _, text = printed(name)
    for item in estimate(azure(), None, "USD").items:
        assert item.line.title in text


def test_a_stack_elsewhere_has_nothing_to_estimate(stack):
    name = stack(cluster={"kind": "microk8s"})
    with pytest.raises(NotOnAzureError, match=r"sdg:cluster.kind of lab is microk8s"):
        printed(name)
    with pytest.raises(NotOnAzureError):
        refreshed(name)


def test_all_that_is_wrong_with_the_settings_is_said(stack):
    with pytest.raises(SettingsError) as caught:
        printed(stack(cluster={"kind": "azure", "preset": "huge", "locaton": "x"}))
    assert "huge" in str(caught.value)
    assert "locaton" in str(caught.value)


def test_a_stack_file_that_is_not_there_is_said(monkeypatch):
    monkeypatch.delenv("PULUMI_OPTION_CONFIG_FILE", raising=False)
    with pytest.raises(StackFileError, match=r"there is no Pulumi.nowhere.yaml in"):
        settings_of("acme/sdg/nowhere")


@pytest.mark.parametrize("text", ["", "a: [", "config: x", "name: y"])
def test_a_file_that_is_no_stack_file_is_said(stack, monkeypatch, tmp_path, text):
    stack()
    (tmp_path / "Pulumi.lab.yaml").write_text(text)
    with pytest.raises(StackFileError):
        settings_of("lab")


def test_the_command_needs_no_engine_no_login_and_no_network(stack, tmp_path):
    """As a process: nothing is on its PATH, and its home is empty."""
    name = stack(budget={"monthly": 1})
    sdg = str(Path(sys.executable).with_name("sdg"))
    environment = {**os.environ, "PATH": str(tmp_path), "HOME": str(tmp_path / "home")}
    done = subprocess.run([sdg, "estimate", "--stack", name], env=environment, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    assert "Over budget." in done.stdout
    assert not (tmp_path / "home" / ".pulumi").exists()


def test_a_refusal_of_the_price_api_is_one_sentence(stack, tmp_path):
    name = stack(priced=False, mirror={"apis": {"https://prices.azure.com": "http://127.0.0.1:9"}})
    done = subprocess.run(
        [str(Path(sys.executable).with_name("sdg")), "prices", "refresh", "--stack", name],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: the price API at http://127.0.0.1:9/api/retail/prices does not answer")
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["Pulumi.lab.yaml"]
