"""The virtual host and the cluster behind its MicroK8s, by the programs that the stack's commands call, inside their fence."""

from __future__ import annotations

import json
import os
import subprocess
import time

import psutil
import pytest
import requests

from cli import rehearsal
from cli.environment import process_environment
from rehearsal.host import fence
from rehearsal.processes import MARK

WORKAROUND = {"validator": {"driver": {"env": [{"name": "DISABLE_DEV_CHAR_SYMLINK_CREATION", "value": "true"}]}}}
INSTALL = "sudo -n snap install microk8s --classic --channel=1.31/stable"
READY = "sudo -n microk8s status --wait-ready --timeout 60 --format short"
NVIDIA = "sudo -n microk8s enable nvidia --gpu-operator-driver host --gpu-operator-version v25.10.1"
GPUS = "sudo -n microk8s kubectl get nodes -o jsonpath='{.items[*].status.allocatable.nvidia\\.com/gpu}'"
PLUGIN = "sudo -n microk8s kubectl get pods -n gpu-operator-resources -l app=nvidia-device-plugin-daemonset"


class Machine:
    """A shell on the host."""

    def __init__(self, state):
        self.state = state

    def run(self, command):
        return subprocess.run(
            fence.arguments(self.state.host, command),
            env=fence.environment(self.state.host, {}),
            cwd=fence.directory(self.state.host, None),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def __call__(self, command):
        done = self.run(command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fault(self, name, **fields):
        requests.put(f"{self.state.service_urls()['control']}/faults/{name}", json=fields, timeout=5).raise_for_status()

    def clear_faults(self):
        requests.delete(f"{self.state.service_urls()['control']}/faults", timeout=5).raise_for_status()

    def processes(self):
        """Names of the rehearsal's processes, as their own environments tell."""
        found = []
        for process in psutil.process_iter():
            try:
                root, _, name = process.environ().get(MARK, "").rpartition(":")
            except psutil.Error:
                continue
            found += [name] if root == str(self.state.root) and process.status() != psutil.STATUS_ZOMBIE else []
        return set(found)


def until(holds, seconds=30):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"did not hold within {seconds} s"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    before = dict(os.environ)
    os.environ["SDG_REHEARSAL"] = str(tmp_path_factory.mktemp("host") / "state")
    try:
        yield Machine(rehearsal.start(stack="microk8s", nodes={"local-cpu": 1, "local-2x-rtx-6000-ada": 1}))
        rehearsal.stop("microk8s", purge=True)
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def bare(started):
    """The host without MicroK8s."""
    started("sudo -n snap remove microk8s --purge")
    yield started
    started.clear_faults()


@pytest.fixture
def installed(started):
    """The host with a MicroK8s that runs, whatever was done to it before."""
    started(f"{INSTALL} && {READY}")
    return started


def test_before_the_snap_there_is_no_cluster_and_no_microk8s(bare):
    assert "kube-apiserver" not in bare.processes()
    assert bare.run("microk8s status").returncode == 127


def test_the_cluster_comes_up_after_the_snap_and_not_with_it(bare):
    assert "is not running" in bare(f"{INSTALL} >/dev/null && sudo -n microk8s status")
    assert "microk8s is running" in bare(READY)


def test_a_cluster_that_does_not_come_up_is_waited_for_and_then_not_running(bare):
    bare.fault("host.microk8s")
    assert "is not running" in bare(f"{INSTALL} >/dev/null && sudo -n microk8s status --wait-ready --timeout 1")
    bare.clear_faults()
    assert "microk8s is running" in bare(READY)


def test_a_kubeconfig_of_microk8s_leads_into_the_cluster(installed):
    installed("sudo -n microk8s config >config")
    kubectl = [str(installed.state.bin / "kubectl"), "--kubeconfig", str(installed.state.host / "home" / "config")]
    found = subprocess.run([*kubectl, "get", "nodes", "-o", "name"], capture_output=True, text=True, check=True).stdout.split()
    assert len(found) == 2


def test_volumes_need_the_addon(installed):
    assert installed("sudo -n microk8s kubectl get storageclasses -o name") == ""
    installed("sudo -n microk8s enable hostpath-storage")
    assert "microk8s-hostpath" in installed("sudo -n microk8s kubectl get storageclasses -o name")


def test_gpus_need_the_operator_and_it_needs_its_values(installed):
    assert installed(GPUS) == ""
    installed(f"echo '{{}}' >none.json && {NVIDIA} --gpu-operator-values none.json")
    until(lambda: "Init:CrashLoopBackOff" in installed(PLUGIN))
    assert installed(GPUS) == ""
    installed("sudo -n microk8s disable nvidia")
    installed(f"echo '{json.dumps(WORKAROUND)}' >values.json && {NVIDIA} --gpu-operator-values values.json")
    until(lambda: installed(GPUS) == "2")
    assert installed("sudo -n microk8s kubectl get nodes -l nvidia.com/gpu.present=true -o name").split() == ["node/2x-rtx-6000-ada-0"]


def test_a_missing_values_file_installs_nothing(installed):
    installed("sudo -n microk8s disable nvidia")  # what is enabled reads no file
    assert "no such file" in installed.run(f"{NVIDIA} --gpu-operator-values missing.json").stderr
    assert installed("sudo -n microk8s helm3 list --namespace gpu-operator-resources --short") == ""


def test_removing_the_snap_takes_everything_in_the_cluster_along(installed):
    installed("sudo -n microk8s kubectl create namespace mine")
    installed("sudo -n snap remove microk8s --purge")
    assert installed.processes() == {"daemon", "host"}
    installed(f"{INSTALL} && {READY}")
    assert "mine" not in installed("sudo -n microk8s kubectl get namespaces -o name")


def test_a_restarted_host_still_has_what_was_installed(installed):
    rehearsal.cluster("microk8s").stop()
    rehearsal.start(stack="microk8s")
    assert "microk8s is running" in installed(READY)


def test_the_programs_path_ends_with_the_virtual_host(started):
    folders = process_environment("microk8s", rehearsed=True)["PATH"].split(os.pathsep)
    assert folders[1] == str(started.state.host / "bin")
    assert not {"/usr/bin", "/bin", "/snap/bin"} & set(folders)
