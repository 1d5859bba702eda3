"""The fit check against every possible placement, tried one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations, product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sdg.catalog.fit import Group, Pod, Pool, fit
from sdg.catalog.fit_search import Budget, GaveUp, Item, Nodes, Search
from sdg.catalog.fit_words import refusal

GPUS = "nvidia.com/gpu=present:NoSchedule"

amounts = st.builds(
    lambda gpus, cpu, memory, vram: {"gpus": gpus, "cpu": cpu, "memory_gib": memory, "vram_gib": vram if gpus else None},
    st.sampled_from([0, 1, 1, 2, 4]),
    st.sampled_from([0, 0.5, 1, 3]),
    st.sampled_from([0, 0.25, 8, 16, 48]),
    st.sampled_from([None, 16, 48, 80]),
)
selectors = st.sampled_from([{}, {}, {}, {"tier": "big"}])
pods = st.builds(lambda amount, selector: Pod("", **amount, node_selector=selector), amounts, selectors)
pools = st.builds(
    lambda maximum, gpus, vram, cpu, memory, label: Pool(
        "", 0, maximum, gpus, vram, cpu, memory, None, {"tier": label}, (GPUS,) if label == "tainted" else ()
    ),
    st.integers(0, 3),
    st.sampled_from([0, 1, 2, 4]),
    st.sampled_from([None, 16, 48, 80]),
    st.sampled_from([None, 1, 4, 8]),
    st.sampled_from([None, 8, 32, 64]),
    st.sampled_from(["big", "small", "tainted"]),
)


def named(found: Iterable[Pod], prefix: str) -> list[Pod]:
    return [
        Pod(f"{prefix}{number}", pod.gpus, pod.cpu, pod.memory_gib, pod.vram_gib, 0, pod.node_selector) for number, pod in enumerate(found)
    ]


@st.composite
def questions(draw, most_lasting=4, most_passing=3):
    there = [
        Pool(
            f"pool{number}",
            0,
            min(pool.maximum, 2 if number else 3),
            pool.gpus,
            pool.vram_gib,
            pool.cpu,
            pool.memory_gib,
            None,
            pool.labels,
            pool.taints,
        )
        for number, pool in enumerate(draw(st.lists(pools, min_size=1, max_size=2)))
    ]
    groups = draw(st.lists(st.lists(pods, max_size=most_passing), max_size=2))
    passing = [Group(f"group{number}", tuple(named(each, f"g{number}-"))) for number, each in enumerate(groups)]
    return named(draw(st.lists(pods, max_size=most_lasting)), "p"), passing, there


def machines(there: Sequence[Pool]) -> list[Pool]:
    return [pool for pool in there for _ in range(pool.maximum)]


def suits(pod: Pod, pool: Pool) -> bool:
    """By the rules as a person would say them, not as the code under test does."""
    if any(pool.labels is not None and pool.labels.get(key) != value for key, value in pod.node_selector.items()):
        return False
    if pool.taints and not any(each.key == "nvidia.com/gpu" for each in pod.tolerations):
        return False
    return not (pod.gpus and pod.vram_gib and pool.vram_gib is not None and pool.vram_gib < pod.vram_gib)


def holds(on: Sequence[Pod], pool: Pool) -> bool:
    """Whether one node carries these pods."""
    if sum(pod.gpus for pod in on) > pool.gpus:
        return False
    if pool.cpu is not None and sum(pod.cpu for pod in on) > pool.cpu:
        return False
    return pool.memory_gib is None or sum(pod.memory_gib for pod in on) <= pool.memory_gib


def placements(wanted: Sequence[Pod], nodes: Sequence[Pool], before: Sequence[Sequence[Pod]]) -> Iterable[list[list[Pod]]]:
    for chosen in product(range(len(nodes)), repeat=len(wanted)):
        on = [list(each) for each in before]
        for pod, node in zip(wanted, chosen, strict=True):
            on[node].append(pod)
        if all(suits(pod, nodes[node]) for pod, node in zip(wanted, chosen, strict=True)) and all(map(holds, on, nodes)):
            yield on


def by_brute_force(lasting: Sequence[Pod], groups: Sequence[Group], there: Sequence[Pool]) -> bool:
    nodes = machines(there)
    empty: list[list[Pod]] = [[] for _ in nodes]
    return any(all(any(True for _ in placements(group.pods, nodes, on)) for group in groups) for on in placements(lasting, nodes, empty))


@settings(max_examples=400, deadline=None)
@given(questions())
@example(([Pod("p0", gpus=2)], [], [Pool("pool0", 0, 2, 1)]))
@example(([Pod("p0", gpus=1)], [Group("g", (Pod("g0", gpus=1),)), Group("h", (Pod("h0", gpus=1),))], [Pool("pool0", 0, 2, 1)]))
# one lasting pod must leave a whole node to the first group, and memory to the second
@example(
    (
        [Pod("p0", gpus=1), Pod("p1", memory_gib=8)],
        [Group("g", (Pod("g0", gpus=2),)), Group("h", (Pod("h0", memory_gib=32),))],
        [Pool("pool0", 0, 2, 2, None, None, 32)],
    )
)
def test_places_are_found_when_and_only_when_there_are_some(question) -> None:
    lasting, groups, there = question
    found = fit(lasting, groups, there)
    assert not found.gave_up
    assert found.placed is by_brute_force(lasting, groups, there)
    assert found.impossible is not found.placed


@settings(max_examples=300, deadline=None)
@given(pods, pools)
def test_a_pod_alone_is_refused_when_and_only_when_an_empty_node_does_not_do(pod, pool) -> None:
    one = Pool(pool.name, 0, 1, pool.gpus, pool.vram_gib, pool.cpu, pool.memory_gib, None, pool.labels, pool.taints)
    assert (refusal(pod, one) is None) is (suits(pod, one) and holds([pod], one))


def ends_well(order: Sequence[Pod], nodes: Sequence[Pool], before: Sequence[Sequence[Pod]], then: Sequence[Group]) -> bool:
    """Whether each pod in turn finds a node whatever nodes those before it were given, and so do those of each group, in any order."""
    if not order:
        return all(ends_well(some, nodes, before, ()) for group in then for some in permutations(group.pods))
    choices = list(placements(order[:1], nodes, before))
    return bool(choices) and all(ends_well(order[1:], nodes, on, then) for on in choices)


@settings(max_examples=150, deadline=None)
@given(questions(most_lasting=3, most_passing=2))
@example(([Pod("p0", gpus=2), Pod("p1", gpus=1), Pod("p2", gpus=1)], [], [Pool("pool0", 0, 2, 2)]))
@example(([Pod("p0", gpus=1), Pod("p1", gpus=1)], [Group("g", (Pod("g0", gpus=2),))], [Pool("pool0", 0, 2, 2)]))
def test_it_holds_when_no_choice_of_nodes_strands_a_pod(question) -> None:
    lasting, groups, there = question
    found, nodes = fit(lasting, groups, there), machines(there)
    if not found.placed:
        assert (found.holds, found.holds_in_any_order) == (None, None)
        return
    empty: list[list[Pod]] = [[] for _ in nodes]
    orders = list(permutations(lasting))
    bigger_first = [order for order in orders if [pod.gpus for pod in order] == sorted((pod.gpus for pod in order), reverse=True)]
    assert found.holds is all(ends_well(order, nodes, empty, groups) for order in bigger_first)
    assert found.holds_in_any_order is all(ends_well(order, nodes, empty, groups) for order in orders)
    assert bool(found.risk) is not found.holds_in_any_order


@settings(max_examples=150, deadline=None)
@given(questions(), st.integers(1, 2))
def test_more_nodes_never_harm(question, more) -> None:
    lasting, groups, there = question
    grown = [Pool(p.name, 0, p.maximum + more, p.gpus, p.vram_gib, p.cpu, p.memory_gib, None, p.labels, p.taints) for p in there]
    assert fit(lasting, groups, grown).placed >= fit(lasting, groups, there).placed


@settings(max_examples=100, deadline=None)
@given(questions())
def test_the_named_beginning_has_no_place_and_without_its_last_pod_it_has(question) -> None:
    lasting, groups, there = question
    for misfit in fit(lasting, groups, there).misfits:
        assert misfit.pods[0] in misfit.reason
        inside = next((group.pods for group in groups if group.name == misfit.group), ())
        about = [pod for pod in (*lasting, *inside) if pod.name in misfit.pods]
        if " has no place beside " in misfit.reason:
            assert not by_brute_force(about, [], there)
            assert by_brute_force([pod for pod in about if pod.name != misfit.pods[0]], [], there)


# whole numbers, small and close to each other, so that almost every question is a near miss
tight_items = st.lists(st.builds(lambda first, second: Item((first, second), (0,)), st.integers(0, 3), st.integers(0, 4)), max_size=6)
tight_nodes = st.builds(lambda count, first, second: Nodes(count, (first, second)), st.integers(1, 3), st.integers(2, 5), st.integers(3, 6))


def rests(items: Sequence[Item], nodes: Nodes, before: Sequence[tuple[int, ...]]) -> Iterable[list[tuple[int, ...]]]:
    """What each node has left, for each way to place the items."""
    for chosen in product(range(nodes.count), repeat=len(items)):
        left = [list(each) for each in before]
        for item, node in zip(items, chosen, strict=True):
            left[node] = [has - takes for has, takes in zip(left[node], item.amount, strict=True)]
        if all(each >= 0 for node in left for each in node):
            yield [tuple(node) for node in left]


@settings(max_examples=300, deadline=None)
@given(tight_items, st.lists(tight_items.map(lambda items: items[:3]), max_size=2), tight_nodes)
def test_a_search_knows_what_every_way_to_place_tight_items_gives(lasting, passing, nodes) -> None:
    whole = [nodes.amount] * nodes.count
    possible = any(all(any(True for _ in rests(each, nodes, left)) for each in passing) for left in rests(lasting, nodes, whole))
    assert (Search([nodes]).placed(tuple(lasting), [tuple(each) for each in passing]) is not None) is possible


def strands(items: Sequence[Item], nodes: Nodes, before: Sequence[tuple[int, ...]], then: Sequence[Sequence[Item]]) -> bool:
    """Whether some order of the items, and some choice of nodes, leaves one without a node."""
    if not items:
        return any(strands(each, nodes, before, ()) for each in then)
    for index, item in enumerate(items):
        choices = list(rests([item], nodes, before))
        if not choices or any(strands([*items[:index], *items[index + 1 :]], nodes, left, then) for left in choices):
            return True
    return False


@settings(max_examples=200, deadline=None)
@given(tight_items.map(lambda items: items[:4]), st.lists(tight_items.map(lambda items: items[:2]), max_size=2), tight_nodes)
@example([Item((1, 0), (0,))], [[Item((1, 0), (0,))], [Item((3, 0), (0,))]], Nodes(1, (2, 3)))
def test_a_search_finds_the_choice_that_strands_an_item(lasting, passing, nodes) -> None:
    found = Search([nodes]).stranded([tuple(lasting)], [tuple(each) for each in passing])
    assert (found is not None) is strands(lasting, nodes, [nodes.amount] * nodes.count, passing)


def test_a_place_that_is_not_the_fullest_node_is_found() -> None:
    # 4+4, 3+3+2 fill two nodes of 8; with the fullest node first, 3 goes beside the first 4
    items = tuple(Item((size,), (0,)) for size in (4, 4, 3, 3, 2))
    assert Search([Nodes(2, (8,))]).placed(items) is not None
    assert Search([Nodes(2, (8,))]).placed((*items, Item((1,), (0,)))) is None


def test_a_search_that_takes_too_long_says_so_and_nothing_else() -> None:
    items = tuple(Item((1, 7 + 3 * number % 11), (0,)) for number in range(24))
    with pytest.raises(GaveUp):
        Search([Nodes(11, (3, 26))], Budget(10)).placed(items)
    crowd = [Pod("pod", gpus=1, count=400)]
    found = fit(crowd, [], [Pool("pool", 0, 500, 1)])
    assert (found.placed, found.impossible) == (False, False)
    assert "was not decided" in found.gave_up[0]
