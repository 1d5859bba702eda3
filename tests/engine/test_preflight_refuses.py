"""The stack `microk8s` on a virtual host that does not fit: the real engine refuses it with everything at once, and nothing comes to be."""

from __future__ import annotations

import json
import socket

import pytest
import requests
import yaml

from cli.environment import stack_config, user_kubeconfig
from tests.engine.refusing import in_state, rehearsed, run

STACK = "microk8s"


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The rehearsal of the stack `microk8s`, started; the environment leads to it."""
    with rehearsed(STACK, tmp_path_factory.mktemp("rehearsal")) as started:
        yield started


@pytest.fixture
def unfit(state):
    """Everything is wrong with the host and the stack; the taken port of the forward."""
    faults = f"{state.service_urls()['control']}/faults"
    host_faults = {"disk": {"freeGiB": 5}, "port": {"port": 16443, "process": "nginx"}}
    for name, fields in host_faults.items():
        requests.put(f"{faults}/host.{name}", json=fields, timeout=5).raise_for_status()
    config = stack_config(state, STACK)
    shipped = config.read_text()
    kubeconfig = user_kubeconfig(state)
    kubeconfig.parent.mkdir(parents=True, exist_ok=True)
    kubeconfig.write_text(yaml.safe_dump(SOMEBODY_ELSES))
    with socket.create_server(("127.0.0.1", 0)) as server:
        document = yaml.safe_load(shipped)
        document["config"]["sdg:forward"]["port"] = server.getsockname()[1]
        document["config"]["sdg:platform"] = {"objectStore": {"provider": "s3"}}
        config.write_text(yaml.safe_dump(document))
        yield server.getsockname()[1]
    config.write_text(shipped)
    kubeconfig.unlink()
    requests.delete(faults, timeout=5).raise_for_status()


SOMEBODY_ELSES = {
    "contexts": [{"name": STACK, "context": {"cluster": "theirs", "user": "theirs"}}],
    "clusters": [{"name": "theirs", "cluster": {"server": "https://10.9.8.7:6443"}}],
    "users": [{"name": "theirs", "user": {"token": "planted-token"}}],
}


EXPECTED = [
    "has 5 GB of free disk space where it is least, in the user's home or in /var/snap; needed are 20 GB.",
    "Port 16443 on this host is taken by nginx (pid",
    f"holds '{STACK}' already: something else made it, and it leads to https://10.9.8.7:6443.",
    "sdg:storageAccessKeyId is required, because sdg:platform.objectStore.provider is s3",
]


@pytest.mark.parametrize("action", [("preview",), ("up", "--yes"), ("up", "--yes", "--skip-preview")], ids=" ".join)
def test_the_engine_is_refused_with_every_failure_at_once_and_the_state_stays_empty(state, unfit, action):
    code, said = run("pulumi", *action, "--stack", STACK, "--non-interactive")
    assert code != 0
    assert all(expected in said for expected in (*EXPECTED, f"ort {unfit} on this host is taken by")), said
    assert "planted-token" not in said
    assert nothing_exists(state)
    assert list((state.root / "run").glob("sdg-preflight-*")), "the engine's process was not found, so the host is asked twice"


def test_the_command_shows_them_in_one_table_and_exits_with_1(state, unfit):
    code, said = run("sdg", "preflight", "--stack", STACK)
    assert code == 1
    assert said.count("what to do") == 1
    assert all(f" {name} " in said for name in ("settings", "forward-port", "kubeconfig-context", "disk", "port")), said
    assert "Nothing was created." in said
    assert nothing_exists(state)


def test_a_host_that_fits_gets_a_plan_and_still_nothing_is_created(state):
    code, said = run("sdg", "preflight", "--stack", STACK)
    assert code == 0, said
    assert "MicroK8s 1.31/stable on this machine" in said
    assert nothing_exists(state)


def nothing_exists(state):
    """Neither a resource in the state, nor MicroK8s on the host."""
    return in_state(STACK) == [] and json.loads(state.machine.read_text())["snaps"] == {}


def test_preview_and_update_of_one_engine_ask_the_host_once(state, tmp_path):
    """The last one here: the update gets as far as the installation of MicroK8s, which fails."""
    requests.put(f"{state.service_urls()['control']}/faults/host.snap", json={}, timeout=5).raise_for_status()
    asked, nproc = tmp_path / "asked", state.host / "bin" / "nproc"
    nproc.unlink()
    nproc.write_text(f"#!/bin/sh\necho asked >> {asked}\necho 16\n")
    nproc.chmod(0o700)
    code, said = run("pulumi", "up", "--yes", "--stack", STACK, "--non-interactive")
    assert code != 0
    assert "Updating" in said, said
    assert asked.read_text().splitlines() == ["asked"]
