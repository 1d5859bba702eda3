"""`sdg estimate` and `sdg prices refresh`: what they print, what they keep, and how they end."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from cli import estimate as command
from cli import prices as refreshing
from cli.prices import NotOnAzureError
from cli.stack_file import StackFileError, settings_of
from rehearsal.services import azure_prices
from sdg.azure.estimate import estimate
from sdg.azure.kept_prices import FOLDER, Kept
from sdg.catalog.azure_meters import billing
from sdg.settings.errors import SettingsError
from tests.unit.azure.price_api import RANGES, TODAY, azure


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
    assert "They are 31 days old: sdg prices refresh --stack lab" in printed(name, TODAY + 31 * timedelta(days=1))[1]


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
