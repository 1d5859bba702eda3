"""The longest chain of an update, what it took above that, and whether work overlapped."""

from __future__ import annotations

import io
import itertools
import json
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli.critical_path import Step, Update, critical_path, edges_of, longest_chain, of_types, overlap, read_update
from cli.engine_events import listening
from cli.report import show_critical_path, show_overlaps

STACK = "urn:pulumi:lab::sdg::pulumi:pulumi:Stack::sdg-lab"


def urn(name, kind="test:index:Thing"):
    return f"urn:pulumi:lab::sdg::{kind}::{name}"


def resource(name, *, after=(), custom=True, **more):
    return {"urn": urn(name), "custom": custom, "dependencies": [urn(other) for other in after], "parent": STACK, **more}


def state(*resources):
    return {"deployment": {"resources": [{"urn": STACK, "custom": False}, *resources]}}


def events(*moments, op="create"):
    """Events of `(name, begin, end)`, in the order of time."""
    kinds = [
        *((begin, {"resourcePreEvent": {"metadata": {"op": op, "urn": urn(name)}}}) for name, begin, _ in moments),
        *((end, {"resOutputsEvent": {"metadata": {"op": op, "urn": urn(name)}}}) for name, _, end in moments),
    ]
    return sorted(kinds, key=lambda timed: timed[0])


def names(urns):
    return [each.rpartition("::")[2] for each in urns]


@st.composite
def graphs(draw):
    """Things with seconds, each after some of those before it."""
    count = draw(st.integers(1, 7))
    seconds = {str(number): draw(st.integers(0, 50)) for number in range(count)}
    edges = {str(number): set(draw(st.lists(st.sampled_from([str(n) for n in range(number)] or ["gone"])))) for number in range(count)}
    return seconds, edges


def every_chain(seconds, edges):
    """All chains there are, one after another."""

    def upward(thing):
        later = [other for other in seconds if thing in edges[other]]
        return [[thing]] + [[thing, *rest] for other in later for rest in upward(other)]

    return [chain for thing in seconds for chain in upward(thing)]


@given(graphs())
def test_no_chain_takes_longer_than_the_longest(graph):
    seconds, edges = graph
    found = longest_chain(seconds, edges)
    assert sum(map(seconds.get, found)) == max(sum(map(seconds.get, chain)) for chain in every_chain(seconds, edges))


@given(graphs())
def test_each_thing_of_the_longest_chain_depends_on_the_one_before(graph):
    seconds, edges = graph
    found = longest_chain(seconds, edges)
    assert all(before in edges[after] for before, after in itertools.pairwise(found))


@given(graphs(), st.data())
def test_the_wall_time_is_the_longest_chain_at_least_and_gaps_tell_all_of_it(graph, data):
    seconds, edges = graph
    steps = {}
    for thing in seconds:  # each begins some time after all that it depends on
        ready = max((steps[other].end for other in edges[thing] if other in steps), default=10)
        begin = ready + data.draw(st.integers(0, 20))
        steps[thing] = Step(begin, begin + seconds[thing])
    ended = max(step.end for step in steps.values()) + data.draw(st.integers(0, 20))
    update = Update(5, ended, steps, {thing: edges[thing] & steps.keys() for thing in steps})
    path = critical_path(update)
    assert path.seconds <= path.wall
    waited_for = path.wall - update.start - sum(gap.seconds for gap in path.gaps)
    assert any(sum(map(seconds.get, chain)) == waited_for for chain in every_chain(seconds, edges))


def test_nothing_has_no_chain():
    assert longest_chain({}, {}) == []
    assert critical_path(Update(0, 3, {}, {})).seconds == 3


def test_an_update_is_read_from_events_and_state():
    update = read_update(
        events(("network", 2, 3), ("cluster", 3.5, 10), ("redis", 3, 8), ("osmo", 10.5, 12)),
        state(
            resource("network"),
            resource("cluster", after=["network"]),
            resource("redis", after=["network"]),
            resource("osmo", after=["cluster", "redis"]),
        ),
        began=0,
        ended=13,
    )
    path = critical_path(update)
    assert names(path.chain) == ["network", "cluster", "osmo"]
    assert path.seconds == pytest.approx(2 + 1 + 6.5 + 1.5)
    assert path.excess == pytest.approx(13 / 11 - 1)
    waited = {names([gap.urn])[0] if gap.urn else "": gap.seconds for gap in path.gaps}
    assert waited == {"": 1, "cluster": 0.5, "osmo": 0.5, "network": 0}
    assert path.gaps[0].urn is None


def test_a_component_takes_no_time_although_its_end_is_said_late():
    update = read_update(
        events(("osmo", 1, 60), ("release", 20, 30)),
        state(resource("osmo", custom=False), resource("release", parent=urn("osmo"))),
        began=0,
        ended=60,
    )
    assert update.steps[urn("osmo")].seconds == 0
    assert critical_path(update).seconds == pytest.approx(1 + 10)


def test_what_is_deleted_in_the_end_is_no_part_of_the_chain():
    replaced = [*events(("pool", 1, 5), op="create-replacement"), *events(("pool", 6, 30), op="delete-replaced")]
    update = read_update(replaced, state(resource("pool")), began=0, ended=31)
    assert update.steps[urn("pool")] == Step(1, 5)


def test_a_resource_that_failed_ends_when_it_failed():
    begun, _ = events(("pool", 1, 5))
    failed = (4, {"resOpFailedEvent": {"metadata": {"op": "create", "urn": urn("pool")}}})
    assert read_update([begun, failed], state(resource("pool")), 0, 9).steps[urn("pool")] == Step(1, 4)


def test_a_resource_waits_for_dependencies_properties_parent_and_provider():
    found = edges_of(
        state(
            resource(
                "a",
                after=["b"],
                propertyDependencies={"x": [urn("c")], "y": None},
                parent=urn("p"),
                provider=f"{urn('kubernetes')}::some-id",
            ),
            resource("a", delete=True, after=["old"]),
        )
    )
    assert set(names(found[urn("a")])) == {"b", "c", "p", "kubernetes"}


def test_what_would_be_deleted_with_a_resource_does_not_wait_for_it():
    assert edges_of(state(resource("a", deletedWith=urn("cluster"))))[urn("a")] == {STACK}


def test_resources_are_found_by_their_type_and_by_components_around_them():
    inside, server, other = (
        urn(name, kind) for name, kind in (("a", "sdg:osmo:Osmo$core/v1:Secret"), ("b", "azure:pg:Server"), ("c", "sdg:x:X"))
    )
    steps = dict.fromkeys((inside, server, other), Step(0, 1))
    assert of_types(steps, "sdg:osmo:") == [inside]
    assert of_types(steps, "azure:") == [server]
    assert of_types(steps, "Secret") == []


def test_parts_beside_each_other_are_shown_where_a_stack_has_both():
    kinds = {"osmo": "sdg:osmo:Osmo$kubernetes:core/v1:Secret", "kai": "sdg:platform:KaiScheduler$kubernetes:helm.sh/v3:Release"}
    update = Update(0, 9, {urn("osmo", kinds["osmo"]): Step(1, 4), urn("kai", kinds["kai"]): Step(3, 8)}, {})
    shown = io.StringIO()
    show_overlaps(update, Console(file=shown, width=140))
    assert shown.getvalue() == "OSMO and KAI scheduler were worked on at the same time for 1.0 s.\n"


@pytest.mark.parametrize(
    ("first", "second", "seconds"),
    [(["a"], ["b"], 2), (["b"], ["a"], 2), (["a"], ["c"], 0), (["a", "c"], ["b"], 3), (["a"], ["gone"], 0), ([], [], 0)],
)
def test_overlap_is_the_time_in_which_both_groups_were_worked_on(first, second, seconds):
    steps = {"a": Step(0, 4), "b": Step(2, 6), "c": Step(5, 8)}
    assert overlap(steps, first, second) == seconds


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), max_size=5),
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), max_size=5),
)
def test_overlap_counts_each_second_once(first, second):
    steps = {
        f"{group}{number}": Step(begin, begin + length)
        for group, moments in (("a", first), ("b", second))
        for number, (begin, length) in enumerate(moments)
    }

    def busy(group):
        return {second for name, step in steps.items() if name.startswith(group) for second in range(int(step.begin), int(step.end))}

    ours, theirs = ([name for name in steps if name.startswith(group)] for group in "ab")
    assert overlap(steps, ours, theirs) == len(busy("a") & busy("b"))


def test_the_report_names_the_chain_and_what_waited():
    update = read_update(
        events(("network", 2, 3), ("cluster", 3.5, 10), ("small", 3, 3.01)),
        state(resource("network"), resource("cluster", after=["network"]), resource("small")),
        0,
        13,
    )
    shown = io.StringIO()
    show_critical_path(update, Console(file=shown, width=140))
    text = shown.getvalue()
    assert "The wall time of 13.0 s is 37% above the longest chain." in text
    assert "cluster (Thing) was ready 0.5 s before it began" in text
    assert "the engine took 3.0 s to end" in text
    assert "small" not in text


def test_events_are_heard_as_they_are_written(tmp_path):
    with listening(tmp_path) as heard, heard.path.open("w") as engine:
        for sequence in range(3):
            print(json.dumps({"sequence": sequence}), file=engine, flush=True)
    assert [event["sequence"] for _, event in heard.events] == [0, 1, 2]
    assert [at for at, _ in heard.events] == sorted(at for at, _ in heard.events)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(20)
def test_an_engine_that_never_writes_is_not_waited_for(tmp_path):
    with listening(tmp_path) as heard:
        pass
    assert heard.events == []


@pytest.mark.timeout(20)
def test_a_line_that_the_engine_was_killed_in_is_left_out(tmp_path):
    with listening(tmp_path) as heard:
        engine = os.open(heard.path, os.O_WRONLY)
        os.write(engine, b'{"sequence": 0}\n{"seque')
        os.close(engine)
    assert [event["sequence"] for _, event in heard.events] == [0]
    assert not any(thread.name == "engine-events" for thread in threading.enumerate())
