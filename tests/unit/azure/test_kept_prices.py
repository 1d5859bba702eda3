"""Prices kept as a file: read as they were written, the newest of their region, currency and source."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sdg.azure.kept_prices import FOLDER, Kept
from sdg.azure.prices import PricesError
from tests.unit.azure.price_api import SOURCE, TODAY, prices, row


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
