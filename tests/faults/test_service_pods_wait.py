"""The service's pods, its API and its chart repository in trouble: named live, by reason, and the update goes on when the cause is gone."""

from __future__ import annotations

import re

import pytest

NAMED = 5.0  # seconds from the gate's start to the line that names the reason
RELEASE_STARTS = r"Release osmo-service-release creating"
GATE_STARTS = r"gate:Record osmo-service-gate creating"
WAITING = r"gate osmo-service-gate: waiting for .*"
SECRET = "osmo-workflow-data-cred"


@pytest.fixture
def service_again(updates):
    """Starts an update that installs the service's release, for the first time or again."""
    return lambda: updates.start(*updates.again("osmo-service-release", "Release"))


@pytest.fixture
def deployed(stack, updates):
    """The stack, up."""
    if not any(r["urn"].endswith("::forward") for r in stack.resources()):
        done = stack.up()
        assert done, done.ending
    return stack


@pytest.fixture
def ask_again(deployed, updates):
    """Starts an update whose service gate looks again."""
    return lambda: updates.start(*updates.again("osmo-service-gate", "gate:Record"))


def seconds_until_named(live, pattern):
    return live.line(WAITING + pattern).at - live.line(GATE_STARTS).at


def converges(live):
    assert live.process.poll() is None, "the update did not wait"
    assert live.finish() == 0, live.output
    assert "green after" in live.output


def test_a_crashing_service_pod_is_named_with_its_exit_code_while_the_update_waits(stack, updates, service_again):
    stack.fault("pod.crash", namespace="osmo-minimal", prefix="osmo-service-", exitCode=3, message="no route to the database")
    live = service_again()
    assert (
        seconds_until_named(live, r"pod osmo-service-\S+: CrashLoopBackOff: container service: last exit code 3: no route to the database")
        < NAMED
    )
    stack.clear_faults()
    converges(live)


def test_a_service_pod_that_no_node_takes_is_named_in_the_schedulers_words_while_the_update_waits(stack, updates, service_again):
    nodes = stack.kubectl("get", "nodes", "--output", "name").split()
    live = service_again()
    live.line(RELEASE_STARTS)
    stack.kubectl("cordon", *nodes)
    try:
        assert (
            seconds_until_named(live, r"pod osmo-service-\S+: Unschedulable: 0/2 nodes are available: 2 node\(s\) were unschedulable")
            < NAMED
        )
    finally:
        stack.kubectl("uncordon", *nodes)
    converges(live)


def test_a_service_pod_that_lacks_a_secret_is_named_with_it_and_starts_when_it_is_back(stack, updates, service_again, tmp_path):
    live = service_again()
    live.line(RELEASE_STARTS)
    kept = tmp_path / "secret.json"
    kept.write_text(stack.kubectl("--namespace", "osmo-minimal", "get", "secret", SECRET, "--output", "json"))
    stack.kubectl("--namespace", "osmo-minimal", "delete", "secret", SECRET)
    assert seconds_until_named(live, rf'pod osmo-\S+: FailedMount: .*secret "{SECRET}" not found') < NAMED
    stack.kubectl("--namespace", "osmo-minimal", "create", "--filename", str(kept))
    converges(live)


@pytest.mark.parametrize(
    ("switch", "fields", "seen"),
    [
        ("osmo.http", {"status": 503}, r"503"),
        ("osmo.reset", {}, r"Unreachable: "),
        ("osmo.delay", {"seconds": 30}, r"Unreachable: .*timed out"),
    ],
)
def test_an_api_that_fails_for_a_while_is_named_live_and_waited_for(stack, ask_again, switch, fields, seen):
    stack.fault(switch, **fields)
    live = ask_again()
    live.line(WAITING + seen, seconds=60)
    stack.clear_faults()
    converges(live)


def test_a_service_of_another_version_is_red_with_what_was_seen_and_expected(stack, ask_again):
    stack.configure(osmo={"timeouts": {"service": 4}})
    stack.fault("osmo.version", version="6.2.8")
    try:
        live = ask_again()
        live.line(WAITING + r"6\.2\.8 \(expected: (version )?6\.3\.1\)")
        assert live.finish() != 0
    finally:
        stack.configure(osmo=None)
    red = live.output[live.output.index("gate osmo-service-gate is red (the deadline of 4 s was reached)") :]
    assert re.search(r"seen: +6\.2\.8\n +expected: +(version )?6\.3\.1\n", red), red

    stack.clear_faults()
    green = stack.up()
    assert green, green.output


def test_a_chart_repository_that_fails_is_named_and_the_next_update_converges(stack, updates, service_again):
    stack.fault("charts.http", status=503)
    live = service_again()
    assert live.finish() != 0
    assert re.search(r"-release\b.*error: .*503", live.output), live.output

    stack.clear_faults()
    green = stack.up()
    assert green, green.output
