"""`sdg preflight`: one table of everything, then the plan."""

from __future__ import annotations

import io
import json
import os
import socket

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from cli import preflight as command
from cli.main import app
from cli.pulumi import Engine


@pytest.fixture
def run(host, tmp_path, monkeypatch):
    """`sdg preflight` for the stack `lab` with these sections; its exit code and what it printed."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(command, "ROOT", tmp_path)

    def preflight(**sections):
        entries = {f"sdg:{key}": {"value": json.dumps(value), "secret": False} for key, value in sections.items()}
        monkeypatch.setattr(command.Engine, "of", lambda stack: Engine(stack, host.environ))
        monkeypatch.setattr(command.Engine, "ask", lambda *_: json.dumps(entries))
        out = io.StringIO()
        return command.preflight("lab", Console(file=out, width=200)), out.getvalue()

    return preflight


SOMEBODY_ELSES = {
    "contexts": [{"name": "microk8s", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://10.9.8.7:16443"}}],
    "users": [{"name": "u", "user": {"token": "planted-token"}}],
}
STACK = {"cluster": {"kind": "microk8s", "kubeconfig": "kubeconfig", "gpus": 2}, "forward": {"enabled": False}}


def test_a_stack_that_nothing_stands_in_the_way_of_gets_a_plan(run):
    code, printed = run(**STACK)
    assert code == 0
    assert "Nothing stands in the way." in printed
    for words in ("MicroK8s 1.31/stable on this machine", "GPU operator v25.10.1", "verify-gpu", "together", "min"):
        assert words in printed


def test_a_warning_is_shown_and_refuses_nothing(run, host):
    host.says("nproc", "6")
    code, printed = run(**STACK)
    assert code == 0
    assert "warning" in printed
    assert "error" not in printed


def test_all_failures_stand_in_one_table_with_remedies_and_nothing_is_created(run, host, tmp_path):
    host.says("lsb_release", "Fedora")
    host.says("sudo", script="echo sudo: a password is required >&2; exit 1")
    host.has_snapd("2.9.1")
    host.has_disk(10)
    host.says("nproc", "4")
    host.has_memory(4000)
    host.listens(16443, 10250, 10255, name="nginx")
    host.says("nvidia-smi", "515.65.01")
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(SOMEBODY_ELSES))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        wanted = {**STACK, "forward": {"port": port}, "osmo": {"images": {"credentials": "ngc"}, "profil": "6.3"}}
        before = sorted(path for path in tmp_path.rglob("*") if "state" not in path.parts)
        code, printed = run(**wanted)
    assert code == 1
    assert printed.count("what to do") == 1
    expected = [
        "settings",
        "forward-port",
        "kubeconfig-context",
        "distribution",
        "sudo",
        "snapd",
        "disk",
        "memory",
        "cores",
        "port",
        "gpu-driver",
    ]
    assert all(f" {name} " in printed for name in expected)
    assert "Did you mean 'profile'?" in printed
    assert "Nothing was created." in printed
    assert sorted(path for path in tmp_path.rglob("*") if "state" not in path.parts) == before


def test_a_missing_key_is_a_failure_where_images_need_it(run):
    code, printed = run(**STACK, osmo={"images": {"credentials": "ngc"}})
    assert code == 1
    assert "sdg:ngcApiKey is required" in printed


def test_a_region_is_not_passed_over_in_silence():
    ran = CliRunner().invoke(app, ["preflight", "--stack", "lab", "--region", "westus3"])
    assert ran.exit_code == 2
    assert "--find-region" in ran.output


def test_nims_that_the_host_has_no_room_for_are_refused_with_all_else_and_planned_beside_osmo(run, host):
    host.environ |= {"NGC_API_KEY": "nvapi-1"}
    host.has_memory(64 * 1024)
    code, printed = run(**STACK, inference={"provider": "nim-operator", "services": ["cosmos-transfer", "cosmos-reason"]})
    assert code == 1
    assert "inference-fit" in printed
    assert "cosmos-transfer" in printed
    assert "inference-unanswered" in printed, "nobody answers in a test, which is a warning"
    assert "namespace osmo-nims: NIMs, with their volumes and downloads" in printed
    host.has_memory(256 * 1024)
    code, printed = run(**STACK, inference={"provider": "nim-operator", "services": ["cosmos-transfer", "cosmos-reason"]})
    assert code == 1
    assert "verify-gpu" in printed
    assert "sdg:smoke.gpu" in printed
    alone = {"provider": "nim-operator", "services": ["cosmos-transfer"]}
    code, printed = run(**STACK, inference=alone)
    assert code == 0
    assert "inference-fit " not in printed
