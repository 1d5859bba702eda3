"""A stack whose cluster is down or silent, or whose gate is red: bounded commands, plain words, nothing submitted, nothing lost.

Bounds, on an idle machine: a preview asks the API server once and gives it 4 s; a refresh lets the Kubernetes plugin ask once (5 s to
connect) and each gate look once (2 s to connect, 3 s to answer). The rest is the engine's own start; the tests allow for a busy machine.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

BOUND: Final = 45  # seconds; about 8 and 13 on a machine with nothing else to do
FORWARD: Final = ("::forward", "::forward-ui")


class Converged:
    """Whether the cluster runs and the stack is up and green, so that a test pays for that only when the last one left it otherwise."""

    def __init__(self, stack):
        self.stack, self.holds = stack, False

    def bring(self):
        if not self.holds:
            for command in (self.stack.sdg("rehearsal", "start"), self.stack.up("--refresh")):
                assert command, command.output

    def prove(self):
        """What a user does once the cluster is back; nothing is left to do then."""
        for arguments in (("refresh", "--yes", "--skip-preview"), ("up", "--yes", "--skip-preview"), ("preview", "--expect-no-changes")):
            command = self.stack.pulumi(*arguments)
            assert command, command.output
        self.holds = True


@pytest.fixture(scope="module")
def converged(stack):
    return Converged(stack)


@pytest.fixture
def deployed(stack, converged):
    """The stack, up and green, on a cluster that runs."""
    stack.clear_faults()
    converged.bring()
    converged.holds = False
    return stack


def urns(stack):
    """What the state holds, the user's forward apart: that one ends with the rehearsal and is made again."""
    return sorted(resource["urn"] for resource in stack.resources() if not resource["urn"].endswith(FORWARD))


def workflows(stack):
    """How many workflows this cluster's OSMO was ever given."""
    found = list((stack.state / "osmo").glob("*.json"))
    assert found
    return sum(len(json.loads(path.read_text())["workflows"]) for path in found)


def bounded(command):
    """A command that was meant to fail or not, but in time, and in words."""
    assert command.seconds < BOUND
    assert "Traceback" not in command.output
    assert "submitting" not in command.output
    return command


@contextmanager
def silent_api_server(stack) -> Iterator[None]:
    """An API server that takes connections and says nothing."""
    process = json.loads((stack.state / "processes.json").read_text())["kube-apiserver"]["pid"]
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_a_cluster_that_is_down_ends_preview_and_update_in_one_sentence_and_refresh_loses_nothing(deployed, converged):
    before, submitted = urns(deployed), workflows(deployed)
    stopped = deployed.sdg("rehearsal", "stop")
    assert stopped, stopped.output

    for command in (deployed.pulumi("preview"), deployed.up()):
        assert bounded(command).code != 0
        assert "does not answer (connection refused). Start the cluster" in command.output
    for arguments in ((), ("--skip-preview",)):
        refresh = bounded(deployed.pulumi("refresh", "--yes", *arguments))
        assert refresh.code != 0
        assert "unreachable cluster" in refresh.output
        assert urns(deployed) == before

    started = deployed.sdg("rehearsal", "start")
    assert started, started.output
    assert workflows(deployed) == submitted
    converged.prove()


def test_an_api_server_that_says_nothing_ends_preview_and_refresh_in_time(deployed, converged):
    before, submitted = urns(deployed), workflows(deployed)
    with silent_api_server(deployed):
        preview = bounded(deployed.pulumi("preview"))
        refresh = bounded(deployed.pulumi("refresh", "--yes", "--skip-preview"))
    assert preview.code != 0
    assert "does not answer (no answer within 4 s)" in preview.output
    assert refresh.code != 0
    assert urns(deployed) == before
    assert workflows(deployed) == submitted
    converged.prove()


@pytest.mark.parametrize(("fault", "body"), [("osmo.http", {"status": 503}), ("osmo.delay", {"seconds": 120})], ids=["refusing", "silent"])
def test_refresh_and_preview_with_a_red_gate_wait_for_nothing_and_submit_nothing(deployed, converged, fault, body):
    before, submitted = urns(deployed), workflows(deployed)
    deployed.fault(fault, **body)

    refresh = bounded(deployed.pulumi("refresh", "--yes", "--skip-preview"))
    assert refresh, refresh.output
    assert "gate osmo-service-gate is red" in refresh.output
    assert deployed.record("osmo-service-gate")["status"] == "failed"
    assert urns(deployed) == before
    preview = bounded(deployed.pulumi("preview"))
    assert preview, preview.output
    assert "osmo-service-gate" in preview.output
    assert workflows(deployed) == submitted

    deployed.clear_faults()
    converged.prove()
