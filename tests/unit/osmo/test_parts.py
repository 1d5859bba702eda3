"""Small parts of the service: image names, durations, templates, statuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.services.osmo.assertions import check_unit
from rehearsal.services.osmo.durations import parse_duration
from rehearsal.services.osmo.errors import OsmoError
from rehearsal.services.osmo.images import parse_image
from rehearsal.services.osmo.runner import PodTable
from rehearsal.services.osmo.states import TaskStatus, WorkflowStatus, workflow_status
from rehearsal.services.osmo.templates import fill, merge_templates
from rehearsal.services.osmo.templating import render_spec


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("alpine:3.20", "https://registry-1.docker.io:443/v2/library/alpine/manifests/3.20"),
        ("docker.io/user/app", "https://registry-1.docker.io:443/v2/user/app/manifests/latest"),
        ("nvcr.io/nvidia/cuda:12.4.1-base-ubuntu22.04", "https://nvcr.io:443/v2/nvidia/cuda/manifests/12.4.1-base-ubuntu22.04"),
        ("localhost:5000/a/b@sha256:" + "0" * 64, "https://localhost:5000/v2/a/b/manifests/sha256:" + "0" * 64),
    ],
)
def test_an_image_is_asked_for_at_its_registry(text, url):
    assert parse_image(text).manifest_url == url


@pytest.mark.parametrize("text", ["bad image!!", "", "UPPER/case", "a:b:c", "nvcr.io/", "x@sha256:12"])
def test_what_is_no_image_name_is_refused(text):
    with pytest.raises(OsmoError):
        parse_image(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300),
        ("90m", 5400),
        ("500ms", 0.5),
        ("7us", 0.000007),
        ("PT10S", 10),
        ("P1DT1H", 90000),
        (90, 90),
        (1.5, 1.5),
    ],
)
def test_durations(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["1d2h3m4s", "1h 30m", "1.5", "1.5h", "90", "m", "PT"])
def test_a_duration_is_one_number_with_its_unit(text):
    with pytest.raises(ValueError, match="Cannot recognize duration"):
        parse_duration(text)


@given(st.text(max_size=8))
def test_a_duration_is_read_or_refused_with_a_sentence(text):
    try:
        assert parse_duration(text) >= timedelta()
    except ValueError as error:
        assert "Cannot recognize duration" in str(error)  # noqa: PT017 - both ends are fine, others are not


@pytest.mark.parametrize(("amount", "good"), [("1Gi", True), ("512Mi", True), ("1000", True), ("1GB", False), ("lots", False)])
def test_units(amount, good):
    if good:
        check_unit("memory", amount)
    else:
        with pytest.raises(OsmoError, match="Resource memory field has invalid unit"):
            check_unit("memory", amount)


def test_templates_merge_containers_by_name_and_add_tolerations():
    first = {"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": 1}}}], "tolerations": [{"key": "x"}]}}
    second = {"spec": {"containers": [{"name": "a", "resources": {"limits": {"memory": 2}}}, {"name": "b"}], "tolerations": [{"key": "y"}]}}
    merged = merge_templates([first, second])["spec"]
    assert merged["containers"] == [{"name": "a", "resources": {"limits": {"cpu": 1, "memory": 2}}}, {"name": "b"}]
    assert merged["tolerations"] == [{"key": "x"}, {"key": "y"}]


def test_unknown_tokens_stay():
    assert fill({"a": ["{{USER_CPU}} {{OTHER}}", 1]}, {"USER_CPU": "2"}) == {"a": ["2 {{OTHER}}", 1]}


@given(st.lists(st.sampled_from(list(TaskStatus)), min_size=1))
def test_a_workflow_is_finished_exactly_when_all_its_groups_are(groups):
    assert workflow_status(groups).terminal == all(status.terminal for status in groups)


@pytest.mark.parametrize(
    ("groups", "status"),
    [
        (["COMPLETED", "FAILED_UPSTREAM", "FAILED_EVICTED"], "FAILED_EVICTED"),
        (["FAILED_EVICTED", "FAILED_PREEMPTED"], "FAILED"),
        (["FAILED_EVICTED", "FAILED_CANCELED"], "FAILED_CANCELED"),
        (["COMPLETED", "PROCESSING"], "RUNNING"),
        (["WAITING", "SUBMITTING"], "PENDING"),
    ],
)
def test_groups_make_the_workflows_status(groups, status):
    assert workflow_status(map(TaskStatus, groups)) is WorkflowStatus(status)


@pytest.mark.parametrize(
    "text", ["workflow: {{ 1/0 }}", "workflow: {{ ''.__class__.__mro__ }}", "workflow: {{ open }}", "workflow: {% for %}"]
)
def test_a_template_that_fails_is_a_usage_error(text):
    with pytest.raises(OsmoError, match="Jinja substitution failure"):
        render_spec(text, [], [])


def test_a_pod_created_while_pods_were_listed_is_not_gone():
    table = PodTable()
    table.put({"metadata": {"name": "new"}})
    table.put({"metadata": {"name": "seen", "uid": "1"}})
    table.sync([])
    assert (table.get("new")[1], table.get("seen")[1], table.get("never")[1]) == (False, True, True)
