"""The steps of a rehearsal, and what may be asked of one."""

from __future__ import annotations

import io
from typing import get_args

import pytest
from rich.console import Console

from cli import rehearsal
from cli.derived import NotRehearsable
from cli.not_rehearsed import ANYWHERE, OF_MODELS, ON, not_rehearsed
from cli.project import rehearsal_state
from cli.rehearsal_host import left_on_host
from cli.rehearse import parse_nodes
from cli.steps import StepFailed, Steps
from rehearsal.host import machine as machines
from rehearsal.state import StateDir
from sdg.inference.model import ProviderName
from sdg.settings.parse import parse


@pytest.fixture
def shown():
    return io.StringIO()


@pytest.fixture
def steps(shown):
    return Steps(Console(file=shown, width=100))


def refuse():
    raise StepFailed("left: Namespace/osmo-minimal")


def test_after_a_step_that_failed_the_others_are_skipped(steps, shown):
    steps.take("update", lambda: "64 resources")
    steps.take("preview", refuse)
    steps.take("destroy", lambda: pytest.fail("is not to be tried"))
    steps.show()
    assert steps.failed
    rows = [[cell.strip() for cell in line.split("│")[1:4]] for line in shown.getvalue().splitlines() if line.startswith("│")]
    assert [(name, verdict) for name, _, verdict in rows] == [
        ("update", "held 64 resources"),
        ("preview", "failed left: Namespace/osmo-minimal"),
        ("destroy", "skipped"),
    ]


def test_what_a_step_says_is_no_markup(steps, shown):
    steps.take("update", lambda: "[red]64")
    steps.show()
    assert "[red]64" in shown.getvalue()


def test_machines_of_one_size_add_up():
    assert parse_nodes(["local-cpu", "local-rtx-6000-ada=2", "local-cpu"]) == {"local-cpu": 2, "local-rtx-6000-ada": 2}


def test_what_is_not_rehearsed_is_said_for_the_cluster_and_each_provider_of_the_stack_and_no_other():
    def said(kind="existing", **inference):
        return " ".join(not_rehearsed(parse({"cluster": {"kind": kind, "name": "lab"}, "inference": inference})))

    external = {"provider": "external", "endpoints": {"mine": {"url": "https://m.example.com/v1", "model": "m", "capabilities": ["chat"]}}}
    both = said(provider="nim-operator", services=["cosmos-reason"], also=[external])
    assert "No weights are fetched" in both
    assert "your own endpoints" in both
    assert "cloud functions" not in both
    assert said(provider="none") == ANYWHERE
    assert said("microk8s", provider="none") == f"{ANYWHERE} {ON['microk8s']}"
    assert set(OF_MODELS) == set(get_args(ProviderName))


@pytest.mark.parametrize("word", ["", "=1", "local-cpu=0", "local-cpu=x", "local-cpu=-1"])
def test_what_is_no_machine_is_refused(word):
    with pytest.raises(NotRehearsable, match="neither SIZE nor SIZE=COUNT"):
        parse_nodes([word])


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("SDG_REHEARSAL", str(tmp_path / "state"))
    made = StateDir(rehearsal_state("microk8s"))
    made.prepare()
    return made


def test_machines_stay_until_the_rehearsal_is_removed(state):
    assert rehearsal._nodes(state, {"local-cpu": 2}) == {"local-cpu": 2}
    assert rehearsal._nodes(state, None) == {"local-cpu": 2}
    with pytest.raises(NotRehearsable, match="has other nodes"):
        rehearsal._nodes(state, {"local-cpu": 3})


def test_machines_of_a_cluster_that_runs_cannot_be_chosen_any_more(state):
    (state.etcd / "member").mkdir()
    with pytest.raises(NotRehearsable, match="has other nodes"):
        rehearsal._nodes(state, {"local-cpu": 2})


def test_every_stack_has_a_folder_of_its_own(monkeypatch, tmp_path):
    monkeypatch.delenv("SDG_REHEARSAL", raising=False)
    assert len({rehearsal_state(stack) for stack in ("rehearsal", "microk8s", "lab")}) == 3
    assert rehearsal_state() == rehearsal_state("rehearsal")
    monkeypatch.setenv("SDG_REHEARSAL", str(tmp_path))
    assert rehearsal_state("lab") == tmp_path
    (tmp_path / "stack").write_text("microk8s\n")
    assert rehearsal_state("microk8s") == rehearsal_state() == tmp_path
    assert rehearsal_state("lab") != tmp_path


@pytest.mark.parametrize(("data", "left"), [("delete", ["ana in MicroK8s' group"]), ("retain", ["no MicroK8s, which should have stayed"])])
def test_a_user_who_is_still_in_the_group_after_all_was_deleted_is_left(tmp_path, data, left):
    state = StateDir(tmp_path)
    machines.save(machines.Machine({"local-cpu": 1}, members=["ana"]), state.machine)
    assert left_on_host(state, parse({"cluster": {"kind": "microk8s"}, "data": data})) == left
