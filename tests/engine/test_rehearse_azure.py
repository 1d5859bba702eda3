"""`sdg rehearse --stack azure`: the shipped stack's whole life in a simulated Azure, whose AKS is the virtual cluster."""

from __future__ import annotations

import os

import pytest

from tests.engine.rehearsing import STEPS, command, ran_on, verdicts

WAYS = {
    "team": ("cluster.preset=team",),
    "production": ("cluster.preset=production",),
    "6.4-retain": ("osmo.profile=6.4", "data=retain"),
    "azures-driver": ("platform.gpuOperator.driver=azure",),
    "spot": ("cluster.gpuPools[0].spot=true", "cluster.cpuPool.spot=true", "cluster.cpuPool.min=1"),
    "load-balancer": ("cluster.network.egress=load-balancer", "cluster.storage.auth=key"),
}


@pytest.fixture
def sdg(tmp_path):
    found = command(tmp_path, "azure")
    yield found
    found.stop()


@pytest.fixture
def somebodys_login(sdg, tmp_path):
    """A user who is logged in to the real Azure, with programs that would tell that they were called; their folder."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("az", "kubelogin"):
        (programs / name).write_text(f'#!/bin/sh\necho "$@" >> {programs}/{name}.called\n')
        (programs / name).chmod(0o700)
    sdg.environment["PATH"] = f"{programs}{os.pathsep}{sdg.environment['PATH']}"
    secret = {"ARM_CLIENT_ID": "11111111-0000-4000-8000-000000000001", "ARM_CLIENT_SECRET": "the-users-own", "ARM_USE_OIDC": "true"}
    sdg.environment.update(secret | {"AZURE_TENANT_ID": secret["ARM_CLIENT_ID"], "ARM_SUBSCRIPTION_ID": secret["ARM_CLIENT_ID"]})
    return programs


def options(values):
    return [word for value in values for word in ("--config", value)]


@pytest.mark.timeout(600)
def test_the_shipped_stack_lives_grows_from_zero_and_leaves_nothing(sdg, somebodys_login):
    done = sdg.rehearse()
    assert done.returncode == 0, done.stdout
    assert verdicts(done.stdout) == dict.fromkeys(STEPS, "held")
    placed = ran_on(done.stdout)
    assert placed["verify-hello"].startswith("aks-system-")
    assert placed["verify-gpu"].startswith("aks-gpu-")
    assert not sdg.state.exists()
    assert sdg.processes() == []
    assert [path.name for path in somebodys_login.glob("*.called")] == []
    assert "the-users-own" not in done.stdout


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", WAYS)
def test_it_lives_however_it_is_set_up(sdg, somebodys_login, way):
    done = sdg.rehearse(*options(WAYS[way]))
    assert done.returncode == 0, done.stdout
    assert verdicts(done.stdout) == dict.fromkeys(STEPS, "held")
    assert ran_on(done.stdout)["verify-gpu"].startswith("aks-gpu-")
    assert list(somebodys_login.glob("*.called")) == []


@pytest.mark.full
@pytest.mark.timeout(600)
def test_a_rehearsal_that_is_kept_comes_back_with_its_cluster(sdg):
    kept = sdg.rehearse("--keep")
    assert kept.returncode == 0, kept.stdout
    assert sdg("rehearsal", "stop", "--stack", "azure").returncode == 0
    assert sdg.processes() == []
    assert sdg("rehearsal", "start", "--stack", "azure").returncode == 0
    shell = sdg.shell("pulumi preview --stack azure --expect-no-changes --non-interactive && kubectl get nodes && az account show")
    assert shell.returncode == 0, shell.stdout
    assert "aks-system-" in shell.stdout
    assert "running" in sdg("rehearsal", "status", "--stack", "azure").stdout


@pytest.mark.timeout(600)
def test_a_subscription_without_machines_is_refused_before_anything_exists(sdg):
    sdg.fault("azure.quota", '{"family": "cores", "limit": 0}')
    done = sdg.rehearse()
    assert done.returncode == 1
    assert verdicts(done.stdout) == {"preflight": "failed"} | dict.fromkeys(STEPS[1:], "skipped")
    assert "vCPU" in done.stdout
    assert not sdg.state.exists()


def test_the_machines_are_those_of_the_pools(sdg):
    done = sdg("rehearse", "--stack", "azure", "--node", "local-cpu")
    assert done.returncode == 1
    assert "choose their sizes with --config" in done.stdout
    assert sdg.processes() == []
