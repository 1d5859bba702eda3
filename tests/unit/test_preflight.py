"""What is asked of this host and of the cluster before anything is registered."""

from __future__ import annotations

import os

import psutil
import pytest

from sdg.forward import control
from sdg.forward.lifetime import start_of
from sdg.forward.store import Marker, Store
from sdg.preflight import port

SERVES = "service/osmo-minimal/osmo-gateway:80 of lab"
HERE, ELSEWHERE = "https://127.0.0.1:6443", "https://127.0.0.1:7443"


@pytest.fixture
def forward(tmp_path, monkeypatch):
    """A forward that runs, as far as its marker says, and the answers that are to be had from it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    Store.of_user(9000).mark(Marker(os.getpid(), start_of(psutil.Process()), SERVES, HERE))

    def set_answers(*, given):
        monkeypatch.setattr(control, "answers", lambda _port: given)

    set_answers(given=True)
    return set_answers


def test_the_stacks_own_forward_is_no_problem(forward):
    assert port.problem(9000, "lab", HERE) is None
    assert port.problem(9000, "lab", None) is None


def test_the_forward_to_a_clusters_former_address_is_no_problem_once_nothing_answers_there(forward):
    forward(given=False)
    assert port.problem(9000, "lab", ELSEWHERE) is None


@pytest.mark.parametrize(("cluster", "server"), [("lab", ELSEWHERE), ("other", HERE)])
def test_a_forward_to_another_cluster_is_named_with_what_stops_it(forward, cluster, server):
    said = port.problem(9000, cluster, server)
    assert said is not None
    assert f"{SERVES} at {HERE}; stop it with `sdg forward stop 9000`" in said


def test_a_forward_to_a_cluster_of_another_name_is_in_the_way_even_when_it_does_not_answer(forward):
    forward(given=False)
    assert "of lab at" in (port.problem(9000, "other", ELSEWHERE) or "")
