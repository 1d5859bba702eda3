"""Workflows at the end of a stack: cancelled, waited for, or a reason to stop, before anything is taken away."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from components.osmo import drain
from components.osmo.drain import DrainProvider
from sdg.gates.destroying import DestroyRefused
from sdg.osmo.errors import OsmoRefusedError, OsmoUnreachableError
from sdg.osmo.model import Workflow

PROPS = {
    "connection": {"kubeconfig": "{}", "context": None},
    "endpoint": {"namespace": "osmo-minimal", "service": "osmo-gateway", "port": 80},
    "stack": "lab",
    "workflows": "cancel",
    "timeout": 0.5,
    "goesWithCluster": False,
}


class Osmo:
    """An OSMO with workflows that end after a number of looks, or when they are cancelled."""

    def __init__(self, *ids, looks=10**6, obeys=True, refuses=False, silent=0):
        self.ids, self.left, self.obeys, self.refuses, self.silent = list(ids), looks, obeys, refuses, silent
        self.cancelled = []

    def alive(self):
        if self.silent:
            self.silent -= 1
            raise OsmoUnreachableError("connection reset")
        self.left -= 1
        if self.left < 0:
            return []
        return [Workflow(name, "RUNNING", (), "", None) for name in self.ids if not (self.obeys and name in self.cancelled)]

    def cancel(self, workflow_id, message=""):
        if self.refuses:
            raise OsmoRefusedError(403, "not yours")
        self.cancelled.append(workflow_id)


@pytest.fixture
def destroy(monkeypatch):
    """Deletes the resource of a stack with this OSMO behind its gateway."""
    monkeypatch.setattr(drain, "answering", lambda props, outcome: object())
    monkeypatch.setattr(drain, "_PAUSE", 0.0)

    def run(osmo, **changes):
        @contextmanager
        def client(self):
            yield osmo

        monkeypatch.setattr("sdg.gates.probes.gateway.ForwardedGateway.client", client)
        DrainProvider().delete("drain", PROPS | changes)

    return run


def test_workflows_are_cancelled_and_waited_for(destroy, capsys):
    osmo = Osmo("hello-1", "train-2")
    destroy(osmo)
    assert osmo.cancelled == ["hello-1", "train-2"]
    assert "all have ended; cancelled: hello-1, train-2" in capsys.readouterr().err


def test_each_workflow_is_cancelled_once(destroy):
    osmo = Osmo("hello-1", looks=3, obeys=False)
    destroy(osmo, timeout=5)
    assert osmo.cancelled == ["hello-1"]


def test_one_that_does_not_end_in_time_ends_with_its_namespace(destroy, capsys):
    destroy(Osmo("stubborn-1", obeys=False))
    assert "so they end with their namespace: workflow/stubborn-1 (RUNNING)" in capsys.readouterr().err


def test_one_that_cannot_be_cancelled_is_told_with_osmos_words(destroy, capsys):
    destroy(Osmo("foreign-1", refuses=True))
    assert "foreign-1 (RUNNING; cannot be cancelled: not yours)" in capsys.readouterr().err


def test_draining_waits_and_cancels_nothing(destroy):
    osmo = Osmo("train-1", looks=3)
    destroy(osmo, workflows="drain", timeout=10)
    assert osmo.cancelled == []


def test_draining_that_takes_too_long_ends_the_destroy_before_it_began(destroy):
    with pytest.raises(DestroyRefused, match=r"still alive: workflow/train-1 \(RUNNING\); so nothing was removed"):
        destroy(Osmo("train-1"), workflows="drain")


def test_refusing_names_the_workflows_and_both_ways_out(destroy):
    osmo = Osmo(*(f"train-{n}" for n in range(12)))
    with pytest.raises(DestroyRefused) as refused:
        destroy(osmo, workflows="refuse")
    words = str(refused.value)
    assert words.startswith("12 workflows are alive: train-0 (RUNNING)")
    assert "train-9 (RUNNING) and 2 more" in words
    assert "Wait until they have ended" in words
    assert "`pulumi config set --stack lab --path sdg:osmo.onDestroy.workflows cancel`, then `pulumi up --stack lab`" in words
    assert osmo.cancelled == []


@pytest.mark.parametrize("policy", ["cancel", "drain", "refuse"])
def test_without_workflows_nothing_is_said(destroy, capsys, policy):
    destroy(Osmo(), workflows=policy)
    assert capsys.readouterr().err == ""


def test_an_osmo_that_does_not_answer_is_no_reason_to_keep_what_may_be_cancelled(destroy, capsys):
    destroy(Osmo(silent=99))
    assert "OSMO does not say which are alive (connection reset)" in capsys.readouterr().err


@pytest.mark.parametrize("policy", ["drain", "refuse"])
def test_an_osmo_that_does_not_answer_ends_the_destroy_where_work_must_not_be_lost(destroy, policy):
    with pytest.raises(DestroyRefused, match="OSMO does not say which workflows are alive"):
        destroy(Osmo(silent=99), workflows=policy)


def test_a_forward_that_breaks_once_is_opened_again(destroy):
    osmo = Osmo("hello-1", silent=1)
    destroy(osmo)
    assert osmo.cancelled == ["hello-1"]


def silent(props, outcome):
    raise DestroyRefused(f"the cluster does not answer, {outcome}")


def test_a_silent_cluster_ends_the_destroy_before_it_began(destroy, monkeypatch):
    monkeypatch.setattr(drain, "answering", silent)
    with pytest.raises(DestroyRefused, match="so nothing was removed"):
        destroy(Osmo())


def test_workflows_that_may_be_cancelled_go_with_a_silent_cluster_that_goes_too(destroy, monkeypatch, capsys):
    monkeypatch.setattr(drain, "answering", silent)
    destroy(Osmo(), goesWithCluster=True)
    assert "go with their cluster" in capsys.readouterr().err
    with pytest.raises(DestroyRefused):
        destroy(Osmo(), goesWithCluster=True, workflows="refuse")


def test_a_changed_setting_is_stored_in_place():
    difference = DrainProvider().diff("drain", PROPS, {**PROPS, "workflows": "refuse"})
    assert difference.changes
    assert not difference.replaces
    assert DrainProvider().update("drain", PROPS, {**PROPS, "workflows": "refuse"}).outs["workflows"] == "refuse"
