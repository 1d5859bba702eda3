"""The shipped rehearsal stack on the real engine: deployed, unchanged, drifted, repaired, destroyed, deployed again."""

from __future__ import annotations

import os
import re
import shlex
import socket
import sys
from pathlib import Path

import psutil
import pytest

from cli.inventory import inventory as taken_stock
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection
from sdg.platform.layout import KAI_CRDS

NAMESPACES = {"kai-resource-reservation", "kai-scheduler", "minio-operator", "osmo-minimal", "osmo-operator", "osmo-workflows"}
SCOPED = "clusterroles,clusterrolebindings,priorityclasses,queues,topologies,schedulingshards,configs.kai.scheduler"
OF_THE_PRODUCT = ("osmo", "kai.scheduler", "scheduling.run.ai")
ADMIN_SECRET = ("--namespace", "osmo-minimal", "get", "secret", "default-admin-secret", "--output", "jsonpath={.data}")
TOKEN_SECRET = ("--namespace", "osmo-operator", "get", "secret", "osmo-operator-token", "--output", "jsonpath={.data.token}")
DATABASE_VOLUME = ("--namespace", "osmo-minimal", "get", "persistentvolumeclaim", "postgres-volume", "--output", "jsonpath={.metadata.uid}")
ROUTER = "Deployment/osmo-minimal/osmo-router"


class Steady:
    """Knows whether the stack is up and green, so that a test pays for that only when the last one left it otherwise."""

    def __init__(self, stack):
        self.stack, self.holds = stack, False

    def bring(self):
        if not self.holds:
            up = self.stack.up("--refresh", "--policy-pack", "policy")
            assert up, up.output

    def prove(self):
        """A preview that looks at the cluster again finds nothing to do."""
        preview = self.stack.pulumi("preview", "--refresh", "--expect-no-changes")
        assert preview, preview.output
        assert set(self.gates().values()) == {"passed"}
        self.holds = True

    def gates(self):
        records = (r["outputs"] for r in self.stack.resources() if r["type"].endswith("gate:Record"))
        return {outputs["gate"]: outputs["status"] for outputs in records}


@pytest.fixture(scope="module")
def steady(stack):
    return Steady(stack)


@pytest.fixture
def deployed(stack, steady):
    """The stack, up and green."""
    steady.bring()
    steady.holds = False
    return stack


def refreshed(stack):
    refresh = stack.pulumi("refresh", "--yes", "--skip-preview")
    assert refresh, refresh.output
    return refresh.output


def updated(stack, *arguments):
    up = stack.up(*arguments)
    assert up, up.output
    return up.output


def test_plain_pulumi_in_a_shell_that_was_set_up_by_sdg_env_finds_nothing_to_do(deployed, steady):
    environment = {name: os.environ[name] for name in ("HOME", "PATH", "SDG_REHEARSAL", "XDG_STATE_HOME") if name in os.environ}
    sdg = shlex.quote(str(Path(sys.executable).with_name("sdg")))
    commands = f'eval "$({sdg} env rehearsal)" && pulumi preview --stack rehearsal --expect-no-changes --non-interactive'
    shell = deployed.run("env", "-i", *(f"{name}={value}" for name, value in environment.items()), "sh", "-c", commands)
    assert shell, shell.output
    steady.holds = True


def test_a_deleted_secret_is_shown_by_refresh_and_comes_back_with_the_same_content(deployed, steady):
    before = deployed.kubectl(*ADMIN_SECRET)
    deployed.kubectl("--namespace", "osmo-minimal", "delete", "secret", "default-admin-secret")
    assert "osmo-admin deleted" in refreshed(deployed)
    updated(deployed)
    assert deployed.kubectl(*ADMIN_SECRET) == before
    steady.prove()


def test_a_deleted_operator_namespace_comes_back_with_its_release_and_the_same_token(deployed, steady):
    before = deployed.kubectl(*TOKEN_SECRET)
    deployed.kubectl("delete", "namespace", "osmo-operator")
    shown = refreshed(deployed)
    for gone in ("osmo-osmo-operator", "osmo-operator-token-secret", "osmo-operator-release"):
        assert f"{gone} deleted" in shown
    updated(deployed)
    assert deployed.kubectl(*TOKEN_SECRET) == before
    steady.prove()


def test_a_namespace_that_took_the_database_along_comes_back_with_a_token_that_the_new_one_knows(deployed, steady):
    admin, token = deployed.kubectl(*ADMIN_SECRET), deployed.kubectl(*TOKEN_SECRET)
    deployed.kubectl("delete", "namespace", "osmo-minimal")
    shown = refreshed(deployed)
    assert "osmo-service-release deleted" in shown
    # the release is gone itself, so there is nothing to replace
    assert "next:     pulumi up --stack rehearsal\n" in shown
    updated(deployed)
    assert deployed.kubectl(*ADMIN_SECRET) == admin
    assert deployed.kubectl(*TOKEN_SECRET) != token
    steady.prove()


def test_a_deleted_deployment_of_a_release_turns_its_gate_red_and_the_printed_command_repairs_it(deployed, steady):
    kept = deployed.kubectl(*DATABASE_VOLUME), deployed.kubectl(*TOKEN_SECRET)
    deployed.kubectl("--namespace", "osmo-minimal", "delete", "deployment", "osmo-router")
    shown = refreshed(deployed)
    assert steady.gates()["osmo-service-gate"] == "failed"
    assert f"workload-ready on {ROUTER}" in shown
    printed = {line.partition("next:")[2].strip() for line in shown.splitlines() if "next:" in line}
    assert len(printed) == 1, shown
    # a person answers the engine's question; here nobody sits
    repair = deployed.run(*shlex.split(printed.pop()), "--yes", "--non-interactive")
    assert repair, repair.output
    assert deployed.kubectl("--namespace", "osmo-minimal", "get", "deployment", "osmo-router")
    assert (deployed.kubectl(*DATABASE_VOLUME), deployed.kubectl(*TOKEN_SECRET)) == kept  # the repair costs no data
    steady.prove()


def test_a_deleted_definition_of_the_scheduler_turns_gates_red_and_the_printed_command_repairs_them(deployed, steady):
    deployed.kubectl("delete", "customresourcedefinition", "queues.scheduling.run.ai")
    shown = refreshed(deployed)
    assert steady.gates()["kai-gate"] == "failed"
    assert "definition-served on CustomResourceDefinition/queues.scheduling.run.ai" in shown
    (repair,) = set(re.findall(r"next: +(pulumi up .*kai-scheduler-release')", shown))
    repaired = deployed.run(*shlex.split(repair), "--yes", "--non-interactive")
    assert repaired, repaired.output
    assert "osmo-pool-osmo-workflows-default" in deployed.kubectl("get", "queues", "--output", "name")
    steady.prove()


def test_destroy_leaves_nothing_behind_and_the_next_update_makes_everything_again(deployed, steady):
    before = inventory(deployed)
    assert before["namespaces"] >= NAMESPACES
    assert all(before[kind] for kind in ("releases", "cluster", "forwards", "listening"))  # else their absence would prove nothing

    destroyed = deployed.pulumi("destroy", "--yes", "--skip-preview")
    assert destroyed, destroyed.output
    assert deployed.resources() == []
    left = {"namespaces": set(), "releases": [], "cluster": [], "volumes": [], "forwards": [], "listening": False}
    assert inventory(deployed) == left | {"definitions": set(KAI_CRDS)}  # which others may use
    api = KubernetesApi.connect(Connection((deployed.state / "kubeconfig").read_text()))
    assert taken_stock(api).unexpected(retain=False) == []  # the product's own list, which knows more kinds

    updated(deployed)
    steady.prove()


def inventory(stack):
    """What a stack leaves on a cluster and on its host; empty once it is destroyed."""
    namespaces = set(stack.kubectl("get", "namespaces", "--output", "name").split())
    shipped = {"default", "kube-node-lease", "kube-public", "kube-system"}
    scoped = stack.kubectl("get", SCOPED, "--output", "name").split()
    definitions = {name.partition("/")[2] for name in stack.kubectl("get", "customresourcedefinitions", "--output", "name").split()}
    return {
        "namespaces": {name.partition("/")[2] for name in namespaces} - shipped,
        "releases": stack.kubectl("get", "secrets", "--all-namespaces", "--selector", "owner=helm", "--output", "name").split(),
        "cluster": [name for name in scoped if any(mark in name for mark in OF_THE_PRODUCT)],
        "definitions": {name for name in definitions if not name.endswith(".kwok.x-k8s.io")},
        "volumes": stack.kubectl("get", "persistentvolumes", "--output", "name").split(),
        "forwards": forwards(stack),
        "listening": listens(stack.port),
    }


def forwards(stack):
    """Command lines of the forward's processes: its watchdog, and the kubectl that it keeps."""
    ours = str(Path(stack.environment["XDG_STATE_HOME"]))
    found = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            of_ours = ours in " ".join(process.info["cmdline"] or []) or process.environ().get("XDG_STATE_HOME") == ours
        except psutil.Error:
            continue
        words = " ".join(process.info["cmdline"] or [])
        if of_ours and ("osmo-pf-watchdog" in words or "port-forward" in words):
            found.append(words)
    return found


def listens(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
