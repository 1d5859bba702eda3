"""The most that a spec's groups ask for at once, against every combination that there is."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from sdg.spec.peak import Order, bits, peak_of, together_of
from sdg.spec.tasks import tasks_of


def document(groups, resources=None):
    """Groups by name: (profile of each task, names of groups that it waits for)."""
    return {
        "workflow": {
            "resources": resources or {},
            "groups": [
                {
                    "name": name,
                    "tasks": [
                        {
                            "name": f"{name}-{number}",
                            "resource": profile,
                            "inputs": [{"task": f"{other}-0"} for other in waits] if number == 0 else [],
                        }
                        for number, profile in enumerate(profiles)
                    ],
                }
                for name, (profiles, waits) in groups.items()
            ],
        }
    }


GPU = {"default": {"cpu": 4, "gpu": 1, "memory": "32Gi", "storage": "50Gi"}, "cpu": {"cpu": 16, "memory": "1Gi", "storage": "1Gi"}}


def test_groups_that_wait_for_each_other_are_not_added_up():
    tasks = tasks_of(document({"a": (["default"], []), "b": (["default"], ["a"]), "c": (["default"], ["b"])}, GPU))
    assert peak_of(tasks).gpu == 1


def test_independent_groups_are_added_up():
    tasks = tasks_of(document({"a": (["cpu"], []), "b": (["default"], ["a"]), "c": (["default"], ["a"]), "d": (["cpu"], ["b", "c"])}, GPU))
    assert (peak_of(tasks).gpu, peak_of(tasks).memory_gi) == (2, 64)


def test_each_resource_is_maximised_on_its_own():
    tasks = tasks_of(document({"many-cores": (["cpu"], []), "one-gpu": (["default"], ["many-cores"])}, GPU))
    assert (peak_of(tasks).cpu, peak_of(tasks).gpu) == (16, 1)


def test_tasks_of_a_group_run_together():
    assert peak_of(tasks_of(document({"a": (["default", "default"], [])}, GPU))).gpu == 2


def test_a_group_that_waits_for_a_later_one_of_its_own_followers_does_not_hang():
    tasks = tasks_of(document({"a": (["default"], ["b"]), "b": (["default"], ["a"])}, GPU))
    assert peak_of(tasks).gpu == 2


def test_plain_tasks_are_groups_of_their_own_with_the_platforms_defaults():
    peak = peak_of(tasks_of({"workflow": {"tasks": [{"name": "a"}, {"name": "b"}, {"name": "c", "inputs": [{"task": "a"}]}]}}))
    assert (peak.cpu, peak.gpu, peak.memory_gi, peak.storage_gi) == (2, 0, 2, 2)


def test_a_result_of_another_workflow_is_waited_for_by_nobody():
    tasks = tasks_of({"workflow": {"tasks": [{"name": "a"}, {"name": "b", "inputs": [{"task": "earlier-7:a"}]}]}})
    assert peak_of(tasks).cpu == 2


@st.composite
def orders(draw, most=9):
    count = draw(st.integers(1, most))
    return [draw(st.integers(0, (1 << group) - 1)) for group in range(count)]


def related(order, one, other):
    return order.before[one] >> other & 1 or order.before[other] >> one & 1


def every_antichain(order):
    for size in range(1, order.count + 1):
        for groups in combinations(range(order.count), size):
            if not any(related(order, one, other) for one, other in combinations(groups, 2)):
                yield groups


@given(orders(), st.data())
def test_the_peak_is_the_heaviest_of_all_combinations(waits_for, data):
    order = Order(waits_for)
    weights = data.draw(st.lists(st.integers(0, 9), min_size=order.count, max_size=order.count))
    assert order.heaviest(weights) == max(sum(weights[group] for group in groups) for groups in every_antichain(order))


@given(orders(8))
def test_the_sets_are_all_combinations_to_which_nothing_can_be_added(waits_for):
    order = Order(waits_for)
    every = {frozenset(groups) for groups in every_antichain(order)}
    greatest = {groups for groups in every if not any(groups < other for other in every)}
    found, complete = order.antichains()
    assert complete
    assert sorted(map(sorted, map(bits, found))) == sorted(map(sorted, greatest))


@given(orders(8), st.data())
def test_of_sets_that_ask_for_the_same_one_stands_for_all(waits_for, data):
    order = Order(waits_for)
    shapes = data.draw(st.lists(st.sampled_from("ab"), min_size=order.count, max_size=order.count))
    all_of_them, _ = order.antichains()
    found, _ = order.antichains(shapes.__getitem__)
    listed = [tuple(sorted(shapes[group] for group in bits(groups))) for groups in found]
    assert sorted(listed) == sorted({tuple(sorted(shapes[group] for group in bits(groups))) for groups in all_of_them})


def test_forty_pairs_of_the_same_shape_are_few_sets():
    groups = {f"first{n}": (["default"], []) for n in range(40)} | {f"second{n}": (["cpu"], [f"first{n}"]) for n in range(40)}
    together = together_of(tasks_of(document(groups, GPU)))
    assert together.complete
    assert sorted(sum(task.gpu for task in each) for each in together.sets) == list(range(41))


def test_more_sets_than_are_worth_listing_are_said_to_be_incomplete():
    profiles = {f"p{n}": {"cpu": n + 1} for n in range(40)}
    groups = {f"first{n}": ([f"p{n}"], []) for n in range(20)} | {f"second{n}": ([f"p{n + 20}"], [f"first{n}"]) for n in range(20)}
    assert not together_of(tasks_of(document(groups, profiles))).complete


def test_several_hundred_groups_are_added_up_exactly():
    groups = {f"g{n}": (["default"], [f"g{n - 3}"] if n >= 3 else []) for n in range(600)}
    assert peak_of(tasks_of(document(groups, GPU))).gpu == 3


@given(orders(), st.randoms())
def test_the_order_of_groups_does_not_matter(waits_for, random):
    groups = {f"g{n}": (["default"], [f"g{other}" for other in bits(waits)]) for n, waits in enumerate(waits_for)}
    shuffled = list(groups.items())
    random.shuffle(shuffled)
    assert peak_of(tasks_of(document(dict(shuffled), GPU))) == peak_of(tasks_of(document(groups, GPU)))
