"""`sdg forward`: which forwards a stack's commands start and stop, and what is shown of those that run."""

from __future__ import annotations

import io
import os

import psutil
import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli import forwards
from cli.connection import StackAccess
from cli.main import app
from cli.pulumi import Engine
from cli.smoke import NoClusterError
from sdg.forward import control
from sdg.forward.lifetime import start_of
from sdg.forward.model import Forward
from sdg.forward.store import Marker, Store
from sdg.kube.connection import Connection
from sdg.settings.parse import parse

CONFIG = {"cluster": '{"kind": "existing", "name": "lab"}', "forward": '{"port": 9100, "uiPort": 9200}'}


@pytest.fixture
def asked(monkeypatch):
    """What was asked of this host for the stack `lab`."""
    calls = []

    def start(spec):
        calls.append((spec.port, spec.target.service, spec.cluster))
        return Forward(f"http://localhost:{spec.port}", 1, answers=True, remark="it ends when you log out")

    monkeypatch.setattr(forwards.Engine, "of", lambda stack: Engine(stack, {"SDG_OF_THE_STACK": "yes"}))
    monkeypatch.setattr(forwards, "access", lambda _engine: StackAccess(parse(CONFIG), Connection("{}")))
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(control, "start", start)
    monkeypatch.setattr(control, "stop", lambda spec: spec.port == 9100)
    return calls


def test_start_brings_up_both_forwards_of_the_stack_and_says_what_to_know(asked):
    said = list(forwards.start("lab"))
    assert asked == [(9100, "osmo-gateway", "lab"), (9200, "osmo-ui", "lab")]
    assert said[1] == "http://localhost:9200: osmo-ui of lab, started; it ends when you log out"


def test_stop_of_a_stack_says_of_each_port_whether_anything_ran(asked):
    assert list(forwards.stop_stack("lab")) == ["stopped the forward on port 9100", "no forward of lab runs on port 9200"]


def test_a_stack_without_a_cluster_yet_has_nothing_to_forward_to(asked, monkeypatch):
    monkeypatch.setattr(forwards, "access", lambda _engine: StackAccess(parse(CONFIG), None))
    with pytest.raises(NoClusterError, match="pulumi up --stack lab"):
        list(forwards.start("lab"))


@pytest.mark.parametrize("arguments", [[], ["9000", "--stack", "lab"]])
def test_stop_wants_a_port_or_a_stack_and_not_both(arguments):
    ran = CliRunner().invoke(app, ["forward", "stop", *arguments])
    assert ran.exit_code == 2
    assert "--stack" in ran.output


def test_status_shows_port_answers_service_cluster_and_keeper(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(control, "answers", lambda *_: False)
    me = psutil.Process()
    serves, server = "service/osmo-minimal/osmo-ui:80 of lab", "https://127.0.0.1:6443"
    Store.of_user(9200).mark(Marker(me.pid, start_of(me), serves, server, unit="osmo-pf-watchdog-9200.service"))
    shown = io.StringIO()
    forwards.show(Console(width=200, file=shown))
    for word in ("9200", "no", serves, server, f"osmo-pf-watchdog-9200.service (pid {me.pid})"):
        assert word in shown.getvalue()
