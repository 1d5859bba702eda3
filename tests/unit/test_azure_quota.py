"""Quota arithmetic: against cases worked out by hand, against an oracle that places one machine after another, and by its properties."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdg.azure.quota import SPOT, TOTAL, Need, PoolNodes, Usage, folded, needs, shortages

FAMILIES = ["standardDDSv5Family", "StandardNCadsH100v5Family", "Standard NCASv3_T4 Family"]


def respelled(name):
    """As the other of Azure's two lists may spell it."""
    return st.sampled_from([name, name.upper(), name.lower(), name.replace(" ", ""), " ".join(name)])


pools = st.lists(
    st.builds(
        PoolNodes,
        pool=st.from_regex(r"\A[a-z]{1,12}\Z"),
        family=st.sampled_from(FAMILIES).flatmap(respelled),
        vcpus=st.sampled_from([2, 16, 40, 96]),
        most=st.integers(0, 40),
        spot=st.booleans(),
    ),
    max_size=6,
)
quotas = st.builds(
    lambda limits: [Usage(name, used, limit) for name, (used, limit) in limits.items()],
    st.fixed_dictionaries(dict.fromkeys([*FAMILIES, TOTAL, SPOT], st.tuples(st.integers(0, 4000), st.integers(0, 4000)))),
)


def placed(wanted, usages, *, upgrading=True):
    """The quotas that refuse a machine when every machine of every pool is asked for, one by one."""
    used = {folded(usage.name): usage.used for usage in usages}
    limit = {folded(usage.name): usage.limit for usage in usages}
    refused = set()
    for pool in wanted:
        surge = len(range(0, pool.most, 10)) if upgrading and not pool.spot else 0
        for _machine in range(pool.most + surge):
            for counted in [SPOT] if pool.spot else [pool.family, TOTAL]:
                key = folded(counted)
                used[key] += pool.vcpus
                if used[key] > limit[key]:
                    refused.add(key)
    return refused


@given(pools, quotas)
def test_exactly_those_quotas_are_short_that_refuse_a_machine(wanted, usages):
    found = list(shortages(wanted, usages))
    assert {folded(short.need.quota) for short in found} == placed(wanted, usages)
    assert {folded(short.need.quota) for short in found if short.missing} == placed(wanted, usages, upgrading=False)


@given(pools, quotas)
def test_a_limit_that_grows_by_what_is_missing_is_enough_and_one_less_is_not(wanted, usages):
    def grown(by):
        return [
            dataclasses.replace(usage, limit=max(usage.limit, usage.used) + missing[folded(usage.name)] + by)
            if folded(usage.name) in missing
            else usage
            for usage in usages
        ]

    missing = {folded(short.need.quota): short.missing_for_upgrades for short in shortages(wanted, usages)}
    assert list(shortages(wanted, grown(0))) == []
    assert {folded(short.need.quota) for short in shortages(wanted, grown(-1))} == set(missing)


@given(pools)
def test_needs_are_what_runs_at_most_and_families_add_up_to_the_total(wanted):
    found = {folded(need.quota): need.vcpus for need in needs(wanted)}
    total, spot = found.pop(folded(TOTAL), 0), found.pop(folded(SPOT), 0)
    assert sum(found.values()) == total
    assert total == sum(pool.vcpus * pool.most for pool in wanted if not pool.spot)
    assert spot == sum(pool.vcpus * pool.most for pool in wanted if pool.spot)
    assert all(vcpus > 0 for vcpus in found.values())


@given(pools, quotas, st.data())
def test_a_pool_that_may_grow_further_never_needs_less_and_cures_no_shortage(wanted, usages, data):
    if not wanted:
        return
    place = data.draw(st.integers(0, len(wanted) - 1))
    larger = [dataclasses.replace(pool, most=pool.most + 1) if place == number else pool for number, pool in enumerate(wanted)]
    before = {folded(need.quota): need.vcpus for need in needs(wanted)}
    after = {folded(need.quota): need.vcpus for need in needs(larger)}
    assert all(after[quota] >= vcpus for quota, vcpus in before.items())
    assert sum(after.values()) > sum(before.values())
    assert {folded(short.need.quota) for short in shortages(wanted, usages)} <= {
        folded(short.need.quota) for short in shortages(larger, usages)
    }


@given(pools)
def test_spot_machines_count_against_the_regions_bucket_alone(wanted):
    spot = [dataclasses.replace(pool, spot=True) for pool in wanted]
    assert {need.quota for need in needs(spot)} <= {SPOT}


@given(pools, quotas, st.randoms())
def test_the_order_of_the_pools_changes_no_sum(wanted, usages, random):
    shuffled = random.sample(wanted, len(wanted))

    def sums(given):
        return {(folded(short.need.quota), short.need.vcpus, short.missing) for short in shortages(given, usages)}

    assert sums(wanted) == sums(shuffled)


@given(pools, quotas)
def test_what_is_certainly_short_stays_short_when_nothing_else_runs(wanted, usages):
    idle = [dataclasses.replace(usage, used=0) for usage in usages]
    certain = {short.need.quota for short in shortages(wanted, usages) if short.certain}
    assert certain == {short.need.quota for short in shortages(wanted, idle) if short.missing}


SYSTEM = PoolNodes("system", "standardDDSv5Family", 16, 6)
GPU = PoolNodes("gpu", "standardNCADSH100v5Family", 40, 4)


def test_the_reference_pools_need_what_was_worked_out_by_hand():
    assert needs([SYSTEM, GPU]) == [
        Need("standardDDSv5Family", 16 * 6, 16, ("system",)),
        Need("standardNCADSH100v5Family", 40 * 4, 40, ("gpu",)),
        Need("cores", 16 * 6 + 40 * 4, 16 + 40, ("system", "gpu")),
    ]
    assert needs([dataclasses.replace(GPU, spot=True)]) == [Need("lowPriorityCores", 160, 0, ("gpu",))]


def test_families_are_the_same_whatever_their_letter_case_and_spaces():
    usages = [Usage("StandardNCadsH100v5Family", 0, 200), Usage("Cores", 0, 200)]
    assert list(shortages([GPU], usages)) == []


@pytest.mark.parametrize(("most", "more"), [(0, 0), (1, 1), (10, 1), (11, 2), (1000, 100)])
def test_an_upgrade_adds_a_tenth_of_the_nodes_rounded_up(most, more):
    assert PoolNodes("gpu", "family", 40, most).surge == 40 * more
    assert PoolNodes("gpu", "family", 40, most, spot=True).surge == 0


def test_a_quota_of_exactly_the_pools_is_short_for_upgrades_alone():
    one = dataclasses.replace(GPU, most=1)
    [short] = shortages([one], [Usage(GPU.family, 0, 40), Usage(TOTAL, 0, 80)])
    assert (short.need.quota, short.missing, short.missing_for_upgrades, short.certain) == (GPU.family, 0, 40, False)


def test_a_family_that_the_region_does_not_name_has_a_quota_of_nothing():
    short = next(shortages([GPU], [Usage("cores", 0, 1000)]))
    assert (short.need.quota, short.missing, short.certain) == ("standardNCADSH100v5Family", 160, True)


def test_a_limit_below_zero_limits_nothing():
    assert list(shortages([GPU], [Usage(GPU.family, 5000, -1), Usage(TOTAL, 5000, -1)])) == []


def test_usages_are_read_as_arm_gives_them():
    entry = {"unit": "Count", "currentValue": 48, "limit": 100, "name": {"value": "cores", "localizedValue": "Total Regional vCPUs"}}
    assert Usage.of_arm(entry) == Usage("cores", 48, 100)
    assert Usage("cores", 120, 100).free == 0
