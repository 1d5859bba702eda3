"""The operator's token in OSMO's gate: warned about in time, red when it has ended."""

import datetime as dt

import pytest

from sdg.gates import osmo
from sdg.gates.checks import Status, Verdict, judge
from sdg.gates.osmo import OsmoRecord
from sdg.gates.probes.osmo import expiry_warning, token_check

GREEN = Verdict((judge("pool-online", "pool/default", good=True, observed="ONLINE", expected="ONLINE", remedy=""),))


def in_days(days):
    return (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)).isoformat()


@pytest.mark.parametrize(
    ("days", "status"), [(300, Status.PASSED), (30, Status.PASSED), (1, Status.PASSED), (0, Status.FAILED), (-5, Status.FAILED)]
)
def test_a_token_is_good_until_its_last_day(days, status):
    assert token_check(in_days(days)).status is status


def test_a_token_that_has_ended_says_when_and_what_makes_another():
    check = token_check(in_days(-1))
    assert f"expired on {in_days(-1)}" in check.observed
    assert "`pulumi up`" in check.remedy


@pytest.mark.parametrize(("days", "said"), [(31, ""), (30, "warning: the operator's token expires in 30 days"), (-1, "expired on")])
def test_an_end_within_thirty_days_is_said(days, said):
    warning = expiry_warning(in_days(days))
    assert said in warning
    assert bool(warning) == bool(said)


@pytest.fixture
def green(monkeypatch):
    monkeypatch.setattr(osmo, "wait_for_stage", lambda inputs, questions, say: GREEN)
    monkeypatch.setattr(osmo, "observe_stage", lambda inputs, questions: GREEN)


def test_an_update_says_it_live_and_a_refresh_shows_a_token_that_has_ended(green):
    said = []
    assert OsmoRecord.wait({"pool": "default", "tokenExpires": in_days(9)}, said.append).status is Status.PASSED
    assert [line.startswith("warning: ") for line in said] == [True]
    assert OsmoRecord.observe({"pool": "default", "tokenExpires": in_days(-1)}, {}).status is Status.FAILED


def test_a_token_without_an_end_is_not_judged(green):
    said = []
    assert OsmoRecord.wait({"pool": "default", "tokenExpires": None}, said.append) == GREEN
    assert said == []
