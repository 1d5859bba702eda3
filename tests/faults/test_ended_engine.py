"""An engine that is killed or interrupted leaves no process, and what it leaves in state and cluster the next update gets past."""

from __future__ import annotations

import os
import re
import signal
from contextlib import nullcontext

import psutil
import pytest

from sdg.kube.api import KubernetesApi, items
from sdg.kube.connection import Connection
from tests.faults.held_helm import held_helm

ENDED = 2.0  # seconds that Ctrl-C may take
GONE = 8.0  # seconds in which everything that a killed engine started has ended
HELM = {"labelSelector": "owner=helm"}


def listed(stack, namespace, kind, query=None):
    """Objects of the cluster, asked without a kubectl: Helm is quick."""
    api = KubernetesApi.connect(Connection((stack.state / "kubeconfig").read_text()))
    return items(api, f"/api/v1/namespaces/{namespace}/{kind}", query)


def helm_statuses(stack, namespace):
    return {secret["metadata"]["labels"]["status"] for secret in listed(stack, namespace, "secrets", HELM)}


def inside_helm(stack, until, release):
    """Helm has written its record. It gets no further: it is held."""
    until(lambda: "pending-install" in helm_statuses(stack, release), 60)


def engine_processes(stack):
    """Processes that an engine of this stack started, found by the environment that they inherited; the user's forward is none of them."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PULUMI_HOME") == stack.environment["PULUMI_HOME"] and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return [words for words in found if re.search(r"helm|rehearsal\.plugins|pulumi|sentinel", words) and "watchdog" not in words]


def recover(stack):
    done = stack.sdg("recover", "--stack", "rehearsal")
    assert done, done.ending
    return done.output


# what a first update does, in order: each moment is later than the one before; with the release whose Helm call it cuts off
MOMENTS = {
    "while it creates plain objects": (lambda stack, live, until: live.line(r"core/v1:Secret osmo-admin creating"), None),
    "inside the first Helm call": (lambda stack, live, until: inside_helm(stack, until, "osmo-minimal"), "osmo-minimal"),
    "while the service gate waits": (lambda stack, live, until: live.line(r"gate osmo-service-gate: waiting"), None),
    "inside the second Helm call": (lambda stack, live, until: inside_helm(stack, until, "osmo-operator"), "osmo-operator"),
    "while a smoke workflow runs": (lambda stack, live, until: until(lambda: listed(stack, "osmo-workflows", "pods"), 60), None),
}


def test_a_first_update_that_is_killed_at_five_moments_converges(stack, updates, until):
    stack.pulumi("destroy", "--yes", "--skip-preview")  # whatever other tests left
    stack.fault("pod.slow", namespace="osmo-minimal", prefix="osmo-service-", seconds=3)  # a gate that waits
    stack.fault("osmo.outcome", workflow="verify-hello", status="COMPLETED", seconds=3)  # a workflow that runs
    for moment, (reached, cut_off) in MOMENTS.items():
        with held_helm(stack, cut_off) if cut_off else nullcontext():
            live = updates.start()
            reached(stack, live, until)
            live.kill()
            until(lambda live=live: not live.left(), GONE)
        said = recover(stack)
        assert "unlocked stack rehearsal" in said, (moment, said)
        # of OSMO's: KAI Scheduler's release is made beside them, and may be at any point
        unfinished = re.findall(r"Helm's unfinished record of (osmo-\S+)", said)
        assert unfinished == ([cut_off] if cut_off else []), (moment, said)

    stack.clear_faults()
    done = stack.up()
    assert done, done.ending
    assert "pending operations" not in done.output
    unchanged = stack.pulumi("preview", "--expect-no-changes")
    assert unchanged, unchanged.output
    assert engine_processes(stack) == []


@pytest.fixture
def deployed(stack, updates):
    """The stack, up."""
    if not any(r["urn"].endswith("::forward") for r in stack.resources()):
        done = stack.up()
        assert done, done.ending
    return stack


@pytest.fixture
def waiting_gate(deployed, updates):
    """An update whose service gate waits, and will wait until its fault is gone."""
    deployed.fault("osmo.http", status=503)
    live = updates.start(*updates.again("osmo-service-gate", "gate:Record"))
    live.line(r"gate osmo-service-gate: waiting for .*503")
    return live


def test_ctrl_c_ends_an_update_at_once_while_a_gate_waits_and_the_next_one_needs_no_recovery(deployed, waiting_gate, updates, until):
    assert waiting_gate.interrupt() < ENDED
    until(lambda: not waiting_gate.left(), GONE)
    deployed.clear_faults()
    done = deployed.up()
    assert done, done.ending


def test_ctrl_c_cancels_the_workflow_that_the_smoke_gate_submitted(deployed, updates, until):
    deployed.fault("osmo.outcome", workflow="verify-hello", status="COMPLETED", seconds=600)
    live = updates.start(*updates.again("smoke-gate", "gate:Record"))
    live.line(r"gate smoke-gate: waiting for workflow/verify-hello-\d+: RUNNING")
    assert live.interrupt() < ENDED
    workflow = re.search(r"workflow/(verify-hello-\d+)", live.output).group(1)
    until(lambda: not listed(deployed, "osmo-workflows", "pods", {"labelSelector": f"osmo.workflow_id={workflow}"}), GONE)
    deployed.clear_faults()
    done = deployed.up()
    assert done, done.ending


def test_recover_refuses_while_an_engine_works(deployed, waiting_gate):
    refused = deployed.sdg("recover", "--stack", "rehearsal")
    assert refused.code == 1
    assert re.fullmatch(
        rf"error: pulumi \(process {waiting_gate.process.pid} on \S+, since \S+\) works on stack rehearsal\. "
        r"Wait for it or end it with Ctrl-C, then recover\.\n",
        refused.output,
    )
    deployed.clear_faults()
    assert waiting_gate.finish() == 0, waiting_gate.output


def test_recover_says_when_there_is_nothing_to_recover(deployed):
    done = deployed.sdg("recover", "--stack", "rehearsal")
    assert done
    assert done.output == "nothing to recover: no lock, no unfinished Helm call, no open operation\n"


def test_the_demo_recovers_by_itself(deployed, updates, until):
    with held_helm(deployed, "osmo-operator"):
        live = updates.start(*updates.again("osmo-operator-release", "Release"))
        live.line(r"Release osmo-operator-release creating")
        inside_helm(deployed, until, "osmo-operator")
        live.kill()
        until(lambda: not live.left(), GONE)
    done = deployed.sdg("demo")
    assert done, done.ending
    assert "unlocked stack rehearsal" in done.output
    assert "Helm's unfinished record of osmo-operator" in done.output


def test_a_release_that_was_installed_when_the_engine_died_is_taken_over(deployed, updates, until):
    """The call ends although nobody waits for its answer: the state never hears of it."""
    with held_helm(deployed, "osmo-operator") as let_go:
        live = updates.start(*updates.again("osmo-operator-release", "Release"))
        live.line(r"Release osmo-operator-release creating")
        inside_helm(deployed, until, "osmo-operator")
        os.kill(live.process.pid, signal.SIGSTOP)  # the engine hears nothing more
        let_go()
        until(lambda: helm_statuses(deployed, "osmo-operator") == {"deployed"})
    live.kill()
    said = recover(deployed)
    assert "removed Helm's record of osmo-operator in osmo-operator (revision 1, deployed), which the state doesn't know" in said
    done = deployed.up()
    assert done, done.ending
