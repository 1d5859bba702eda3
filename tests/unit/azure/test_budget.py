"""The month's budget: compared with what a stack costs, and asked for by the preflight."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sdg.azure.estimate import estimate, judge
from sdg.azure.kept_prices import Kept
from sdg.azure.prices import PUBLIC
from sdg.preflight.budget import findings
from sdg.preflight.model import Subject
from sdg.settings.budget import Budget
from sdg.settings.mirror import Mirror
from tests.unit.azure.price_api import SOURCE, TODAY, azure

DAY = timedelta(days=1)


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
