"""A smoke workflow that fails, in every way that OSMO knows: the update is red, says why, keeps it, and the next one asks again."""

from __future__ import annotations

import datetime as dt
import json
import re
import time

import pytest
import requests

from rehearsal.services.osmo.states import WorkflowStatus
from sdg.gates.resource import VerdictProvider
from sdg.gates.smoke import SmokeRecord
from sdg.osmo.smoke import smoke_inputs
from sdg.settings.mirror import Mirror
from sdg.settings.smoke import Smoke

NOTICED = 3.0  # seconds from a workflow's end to the red record
LAST_WORDS = ["loading checkpoint", "CUDA error: device-side assert triggered"]
TIMED_OUT = {"workflow": "verify-hello", "status": "FAILED_EXEC_TIMEOUT", "exitCode": 137, "log": LAST_WORDS}
FAILURES = [status.value for status in WorkflowStatus if status.failed]


def ended_at(stack, workflow_id):
    """When a workflow became terminal, in seconds since the epoch, as OSMO says."""
    service = json.loads((stack.state / "services.json").read_text())["osmo"]
    workflow = requests.get(f"{service}/api/workflow/{workflow_id}", timeout=5).json()
    end = dt.datetime.fromisoformat(workflow["end_time"])
    return (end if end.tzinfo else end.replace(tzinfo=dt.UTC)).timestamp()


@pytest.fixture(scope="module")
def first_up(stack):
    """The stack's first update, with the fault from its start: what it printed, and what it left in the state."""
    stack.fault("osmo.outcome", **TIMED_OUT)
    done = stack.up("--suppress-progress")
    resources = stack.resources()
    stack.clear_faults()
    return done, resources


@pytest.fixture
def deployed(stack, first_up, updates):
    return stack


def smoke_record(resources):
    return next(r for r in resources if r["urn"].endswith("::smoke-gate") and r["type"].endswith("gate:Record"))["outputs"]


def turn_red(stack, updates, fault):
    """An update whose smoke test fails; returns its live output."""
    stack.fault("osmo.outcome", **fault)
    green = stack.record("smoke-gate")["status"] == "passed"
    live = updates.start(*(updates.again("smoke-gate", "gate:Record") if green else []))
    assert live.finish() != 0, live.output
    return live


def test_a_failed_smoke_workflow_fails_the_first_update_and_names_task_exit_code_and_last_log_lines(first_up):
    done, _ = first_up
    assert not done
    red = done.output[done.output.index("gate smoke-gate is red") :]
    assert "workflow/verify-hello-1" in red
    assert "FAILED_EXEC_TIMEOUT; task hello FAILED_EXEC_TIMEOUT, exit code 137: " in red
    assert all(words in red for words in LAST_WORDS)


def test_a_failed_smoke_workflow_has_no_verdict_to_build_on_and_leaves_the_forward_to_look_at_it(first_up):
    _, resources = first_up
    names = {r["urn"].rpartition("::")[2] for r in resources}
    assert {"smoke-gate", "forward"} <= names
    assert not [r for r in resources if r["urn"].endswith("::smoke-gate") and r["type"].endswith("gate:Verdict")]


def test_a_failed_smoke_workflow_leaves_its_evidence_in_the_state(first_up):
    _, resources = first_up
    record = smoke_record(resources)
    hello = next(entry for entry in record["evidence"]["workflows"] if entry["name"] == "verify-hello")
    assert record["status"] == "failed"
    assert hello["status"] == "FAILED_EXEC_TIMEOUT"
    assert [(task["name"], task["exitCode"]) for task in hello["tasks"]] == [("hello", 137)]
    assert [line.partition("] ")[2] for line in hello["log"][-2:]] == LAST_WORDS


@pytest.mark.parametrize("status", ["FAILED", pytest.param("FAILED_SUBMISSION", marks=pytest.mark.full)])
def test_an_update_is_red_soon_after_the_workflow_ended_and_the_next_one_asks_again(deployed, updates, status):
    red = turn_red(deployed, updates, {"workflow": "verify-hello", "status": status})
    assert status in red.output
    found = next(entry for entry in deployed.record("smoke-gate")["evidence"]["workflows"] if entry["name"] == "verify-hello")
    if found["id"]:  # a refused submission has none
        late = red.line("gate smoke-gate is red").at - ended_at(deployed, found["id"])
        assert late < NOTICED

    deployed.clear_faults()
    green = deployed.up()
    assert green, green.output
    record = deployed.record("smoke-gate")
    assert record["status"] == "passed"
    assert {entry["id"] for entry in record["evidence"]["workflows"]}.isdisjoint({found["id"]})


@pytest.mark.parametrize("status", FAILURES)
def test_every_failure_of_a_workflow_makes_the_gate_red_at_once(deployed, status):
    deployed.fault("osmo.outcome", workflow="verify-hello", status=status, log=LAST_WORDS)
    connection = {"kubeconfig": (deployed.state / "kubeconfig").read_text(), "context": None}
    asked = {**smoke_inputs(Smoke(), 0, Mirror()), "connection": connection, "gate": "smoke-gate", "triggers": {}}
    found = SmokeRecord().create(asked).outs
    answered = time.time()

    with pytest.raises(RuntimeError, match=rf"(?s)gate smoke-gate is red \(time cannot cure this\).*{status}") as raised:
        VerdictProvider().create(found)
    hello = found["evidence"]["workflows"][0]
    if hello["id"]:
        assert answered - ended_at(deployed, hello["id"]) < NOTICED
        assert re.search(rf"task hello {status}, (no exit code|exit code \d+): \w+", str(raised.value))
