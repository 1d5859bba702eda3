"""The resource of the user's forward: what it asks of the host that has it, and of every other."""

from __future__ import annotations

import pytest
import yaml

from components.forward import ForwardProvider
from sdg.forward import control
from sdg.forward.model import Forward
from sdg.this_host import host_id

OLD, NEW = "https://127.0.0.1:6443", "https://127.0.0.1:7443"


def properties(server=OLD, host=None, **changes):
    kubeconfig = yaml.safe_dump(
        {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
        }
    )
    made = {
        "connection": {"kubeconfig": kubeconfig, "context": None},
        "cluster": "lab",
        "endpoint": {"namespace": "osmo-minimal", "service": "osmo-gateway", "port": 80},
        "port": 9000.0,  # the engine knows numbers only
        "url": None,
        **changes,
    }
    return made | ({"host": host} if host else {})


@pytest.fixture
def asked(monkeypatch):
    """What was asked of this host; no forward runs on it."""
    calls = []

    def start(spec, was=None):
        calls.append(("start", spec.identity.server, was))
        return Forward("http://localhost:9000", 1, answers=True)

    monkeypatch.setattr(control, "start", start)
    monkeypatch.setattr(control, "status", lambda spec: calls.append(("status", spec.port)))
    monkeypatch.setattr(control, "stop", lambda spec: calls.append(("stop", spec.port)))
    return calls


def test_the_host_that_creates_the_forward_is_kept(asked):
    made = ForwardProvider().create(properties())
    assert made.outs["host"] == host_id()
    assert asked == [("start", OLD, None)]


def test_another_host_neither_misses_nor_changes_nor_stops_the_forward(asked):
    provider, there = ForwardProvider(), properties(host="another")
    assert provider.read("localhost:9000", there).outs == there
    assert provider.read("localhost:9000", there).id == "localhost:9000"
    assert not provider.diff("localhost:9000", there, properties(NEW, port=9001.0)).changes
    assert provider.update("localhost:9000", there, properties(NEW)).outs == there
    provider.delete("localhost:9000", there)
    assert asked == []


@pytest.mark.parametrize("host", [host_id(), None], ids=["ours", "made before hosts were kept"])
def test_its_own_host_misses_and_stops_the_forward(asked, host):
    provider, here = ForwardProvider(), properties(host=host)
    assert provider.read("localhost:9000", here).id == ""
    provider.delete("localhost:9000", here)
    assert asked == [("status", 9000), ("stop", 9000)]


def test_a_cluster_at_a_new_address_is_an_update_that_names_the_old_one(asked):
    provider, here = ForwardProvider(), properties(host=host_id())
    difference = provider.diff("localhost:9000", here, properties(NEW))
    assert (difference.changes, difference.replaces) == (True, [])
    assert provider.update("localhost:9000", here, properties(NEW)).outs["host"] == host_id()
    assert asked == [("start", NEW, OLD)]


@pytest.mark.parametrize("change", [{"cluster": "other"}, {"port": 9001.0}])
def test_another_cluster_or_port_is_another_forward(change):
    assert ForwardProvider().diff("localhost:9000", properties(), properties(**change)).replaces == list(change)


def test_a_host_is_told_by_name_and_machine_and_shows_neither(monkeypatch):
    first = host_id()
    assert first == host_id()
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    assert host_id() != first
    assert "elsewhere" not in host_id()
