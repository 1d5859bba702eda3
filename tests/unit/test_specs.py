"""Workflow specs: the two that verify an installation, and what OSMO would refuse."""

import contextlib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sdg.spec import VERIFY_GPU, VERIFY_HELLO, SpecError, parse
from sdg.spec.verify import render


def spec(**changes):
    body = {"name": "w", "tasks": [{"name": "t", "image": "alpine:3.20", "command": ["sh"]}]} | changes
    return yaml.safe_dump({"workflow": {key: value for key, value in body.items() if value is not None}})


def task(**changes):
    return spec(tasks=[{"name": "t", "image": "i", "command": ["sh"]} | changes])


def test_verify_hello_asks_for_next_to_nothing():
    workflow = parse(render(VERIFY_HELLO)).workflow
    assert (workflow.name, workflow.tasks[0].image) == ("verify-hello", "alpine:3.20")
    assert (workflow.resources["tiny"].cpu, workflow.resources["tiny"].gpu) == (1, 0)


def test_verify_gpu_asks_for_one_gpu():
    workflow = parse(render(VERIFY_GPU)).workflow
    assert workflow.resources[workflow.tasks[0].resource].gpu == 1


@pytest.mark.parametrize("name", [VERIFY_HELLO, VERIFY_GPU])
def test_images_go_through_the_mirror_and_the_platform_is_asked_for(name):
    workflow = parse(render(name, image=lambda reference: f"mirror.local/{reference}", platform="gpu")).workflow
    assert all(task.image.startswith("mirror.local/") for task in workflow.tasks)
    assert {resource.platform for resource in workflow.resources.values()} == {"gpu"}


def test_the_name_in_the_spec_is_the_one_asked_for():
    assert [parse(render(name)).workflow.name for name in (VERIFY_HELLO, VERIFY_GPU)] == [VERIFY_HELLO, VERIFY_GPU]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("workflow: {", "not valid YAML"),
        ("[]", "workflow: is missing"),
        ("workflow: {name: w}", "exactly one of tasks, groups"),
        (spec(name="-w"), "workflow.name"),
        (spec(surprise=1), "workflow.surprise"),
        (task(command=[]), "workflow.tasks.0.command"),
        (task(image=""), "workflow.tasks.0.image"),
        (task(resource="large"), "no resource profile of this workflow"),
        (spec(resources={"r": {"cpu": 1, "memory": "1GB"}}), "workflow.resources.r.memory"),
        (spec(timeout={"exec_timeout": "soon"}), "workflow.timeout.exec_timeout"),
        (spec(tasks=[{"name": n, "image": "i", "command": ["c"]} for n in ("a-b", "A_b")]), "differ in more than case"),
        (
            spec(tasks=None, groups=[{"name": "g", "tasks": [{"name": n, "image": "i", "command": ["c"]} for n in "ab"]}]),
            "exactly one with `lead: true`",
        ),
        (spec(timeout={"exec_timeout": "1h30m"}), "workflow.timeout.exec_timeout"),
        ("version: 3\n" + spec(), "version"),
    ],
)
def test_what_osmo_would_refuse_is_named(text, words):
    with pytest.raises(SpecError, match=words):
        parse(text)


def test_all_problems_are_told_at_once():
    with pytest.raises(SpecError) as raised:
        parse(spec(name="-w", tasks=[{"name": "t", "image": "i"}]))
    assert "workflow.name" in str(raised.value)
    assert "workflow.tasks.0.command" in str(raised.value)


@given(st.from_regex(r"[0-9]{1,4}(d|h|m|s|ms|us)", fullmatch=True) | st.floats(min_value=0, max_value=1e6) | st.just("PT5M"))
def test_durations_are_accepted_in_all_of_osmos_forms(duration):
    parse(spec(timeout={"queue_timeout": duration}))


@given(st.text())
def test_any_text_is_a_spec_or_a_named_problem(text):
    with contextlib.suppress(SpecError):
        parse(text)
