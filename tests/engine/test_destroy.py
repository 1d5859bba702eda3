"""The end of a stack on the real engine: workflows, data that stays or goes, keys that were backed up or not, and what is left."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import requests

from cli.inventory import inventory
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection
from sdg.osmo.client import OsmoClient
from sdg.spec.verify import VERIFY_HELLO, render

PASSPHRASE = "a passphrase for this test"
MEK = ("--namespace", "osmo-minimal", "get", "configmap", "mek-config", "--output", "jsonpath={.data}")
DATABASE = ("--namespace", "osmo-minimal", "get", "secret", "db-secret", "--output", "jsonpath={.data}")
ADMIN = ("--namespace", "osmo-minimal", "get", "secret", "default-admin-secret", "--output", "jsonpath={.data}")
ROOT = ("--namespace", "minio-operator", "get", "secret", "minio-root", "--output", "jsonpath={.data}")
NAME_AND_UID = "jsonpath={range .items[*]}{.metadata.name}={.metadata.uid} {end}"
CLAIMS = ("get", "persistentvolumeclaims", "--all-namespaces", "--output", NAME_AND_UID)
# what comes with the cluster, the class that its GPU nodes offer as well
SHIPPED = {"default", "kube-node-lease", "kube-public", "kube-system", "runtimeclass.node.k8s.io/nvidia"}

# what `retain` promises, as a user reads it in the documentation
PROMISED = {
    "namespaces": {"osmo-minimal", "minio-operator"},
    "claims": {"postgres-volume", "redis-volume", "minio-data"},
    "osmo-minimal": {"mek-config", "db-secret", "default-admin-secret", "sdg-keys-backup"},
    "minio-operator": {"minio-root"},
}


def up(stack, *arguments):
    done = stack.up(*arguments, timeout=280)
    assert done, done.ending
    return done.output


def destroy(stack):
    return stack.pulumi("destroy", "--yes", "--skip-preview", timeout=280)


def urns(stack):
    return {resource["urn"].rpartition("::")[2] for resource in stack.resources()}


def names(stack, *arguments):
    return {name.partition("/")[2] for name in stack.kubectl("get", *arguments, "--output", "name").split()}


def stock(stack):
    return inventory(KubernetesApi.connect(Connection((stack.state / "kubeconfig").read_text())))


def left(stack):
    """What upstream's script would leave, asked without the product's own table."""
    scoped = stack.kubectl("get", "clusterroles,clusterrolebindings,priorityclasses,runtimeclasses", "--output", "name").split()
    kinds = stack.kubectl("api-resources", "--cached=false", "--output", "name").split()
    queues = stack.kubectl("get", "queues.scheduling.run.ai", "--output", "name").split() if "queues.scheduling.run.ai" in kinds else []
    return {
        "namespaces": names(stack, "namespaces") - SHIPPED,
        "releases": stack.kubectl("get", "secrets", "--all-namespaces", "--selector", "owner=helm", "--output", "name").split(),
        "cluster": [name for name in scoped if any(part in name for part in ("osmo", "kai", "nvidia")) and name not in SHIPPED],
        "volumes": stack.kubectl("get", "persistentvolumes", "--output", "name").split(),
        "queues": queues,
    }


NOTHING = {"namespaces": set(), "releases": [], "cluster": [], "volumes": [], "queues": []}


def keys(stack):
    return [stack.kubectl(*key) for key in (MEK, DATABASE, ADMIN, ROOT)]


def submit(stack, name, seconds=600):
    """A workflow that runs for long; its id."""
    stack.fault("osmo.outcome", workflow=name, status="COMPLETED", seconds=seconds)
    with OsmoClient(f"http://localhost:{stack.port}") as osmo:
        return osmo.submit("default", render(VERIFY_HELLO, lambda image: image).replace("name: verify-hello", f"name: {name}"))


def sdg(stack, *arguments):
    command = str(Path(sys.executable).with_name("sdg"))
    return stack.run("env", f"SDG_BACKUP_PASSPHRASE={PASSPHRASE}", command, *arguments)


def test_refusing_to_lose_work_names_the_workflow_and_changes_nothing(stack):
    stack.configure(osmo={"onDestroy": {"workflows": "refuse"}})
    up(stack)
    assert stock(stack).objects  # else its absence would prove nothing
    before, workflow = urns(stack), submit(stack, "train")

    refused = destroy(stack)
    assert refused.code != 0
    assert f"1 workflow is alive: {workflow}" in refused.output
    assert "so nothing was removed" in refused.output
    # the backup's and the smoke test's verdicts on it are looked at first, and hold nothing
    assert before - urns(stack) <= {"key-backup", "smoke-gate"}
    with OsmoClient(f"http://localhost:{stack.port}") as osmo:
        assert not osmo.workflow(workflow).terminal


@pytest.mark.full
def test_a_changed_answer_to_workflows_is_an_update_in_place_and_the_next_destroy_cancels_them(stack):
    stack.configure(osmo={"onDestroy": {"workflows": "cancel", "timeout": 60}})
    said = up(stack)
    assert "osmo:Drain drain updated" in said
    done = destroy(stack)
    assert done, done.ending
    assert "workflows: all have ended; cancelled: train-1" in done.output
    assert urns(stack) == set()
    assert left(stack) == NOTHING
    assert stock(stack).unexpected(retain=False) == []


def test_a_stack_can_be_deployed_again_at_once(stack):
    stack.clear_faults()
    stack.configure(osmo=None, data="retain")
    up(stack)
    assert "key-backup" in urns(stack)


@pytest.fixture(scope="module")
def backup(tmp_path_factory):
    return tmp_path_factory.mktemp("safe") / "keys"


def test_keeping_data_without_a_backup_of_its_keys_is_refused_and_changes_nothing(stack):
    before, held = urns(stack), keys(stack)
    refused = destroy(stack)
    assert refused.code != 0
    assert "`sdg backup keys --stack rehearsal --out FILE`" in refused.output
    assert before - urns(stack) <= {"smoke-gate"}
    assert keys(stack) == held
    with OsmoClient(f"http://localhost:{stack.port}") as osmo:
        assert osmo.version()


def test_a_backup_shows_no_key_and_lets_the_data_stay(stack, backup):
    made = sdg(stack, "backup", "keys", "--stack", "rehearsal", "--out", str(backup))
    assert made, made.output
    mek = json.loads(stack.kubectl(*MEK))["mek.yaml"]
    note = stack.kubectl("--namespace", "osmo-minimal", "get", "configmap", "sdg-keys-backup", "--output", "yaml")
    assert mek.split()[-1] not in made.output + backup.read_text() + note
    again = sdg(stack, "backup", "keys", "--stack", "rehearsal", "--out", str(backup))
    assert again.code != 0
    assert "never replaces another file" in again.output

    held, claims = keys(stack), stack.kubectl(*CLAIMS)
    done = destroy(stack)
    assert done, done.ending
    assert urns(stack) == set()
    assert "kept PersistentVolumeClaim/osmo-minimal/postgres-volume: OSMO's database" in done.output
    found = left(stack)
    assert found["namespaces"] == PROMISED["namespaces"]
    assert (found["releases"], found["cluster"], found["queues"]) == ([], [], [])
    assert len(found["volumes"]) == len(PROMISED["claims"])
    assert {claim.partition("=")[0] for claim in claims.split()} == PROMISED["claims"]
    for namespace in PROMISED["namespaces"]:
        inside = names(stack, "all,secrets,configmaps,resourcequotas", "--namespace", namespace) - {"kube-root-ca.crt"}
        assert inside == PROMISED[namespace]
    assert (keys(stack), stack.kubectl(*CLAIMS)) == (held, claims)
    assert stock(stack).unexpected(retain=True) == []


def test_data_that_stayed_is_taken_over_with_its_keys(stack):
    held, claims = keys(stack), stack.kubectl(*CLAIMS)
    up(stack)
    assert (keys(stack), stack.kubectl(*CLAIMS)) == (held, claims)
    with OsmoClient(f"http://localhost:{stack.port}") as osmo:
        assert osmo.workflow("verify-hello-1").completed  # of before the destroy
    assert stack.record("smoke-gate")["status"] == "passed"
    unchanged = stack.pulumi("preview", "--refresh", "--expect-no-changes")
    assert unchanged, unchanged.output


def test_a_lost_key_stops_the_update_with_the_three_ways_out_and_a_restore_is_one_of_them(stack, backup):
    held = keys(stack)
    done = destroy(stack)  # the backup still holds these very keys
    assert done, done.ending
    stack.kubectl("--namespace", "osmo-minimal", "delete", "configmap", "mek-config")

    stopped = stack.up(timeout=280)
    assert stopped.code != 0
    for way in ("sdg restore keys", "delete persistentvolumeclaim postgres-volume", "RESET_MEK=true"):
        assert way in stopped.output
    restored = sdg(stack, "restore", "keys", "--stack", "rehearsal", "--in", str(backup))
    assert restored, restored.output
    assert "made ConfigMap/osmo-minimal/mek-config" in restored.output
    up(stack)
    assert keys(stack) == held
    with OsmoClient(f"http://localhost:{stack.port}") as osmo:
        assert osmo.workflow("verify-hello-1").completed


def test_other_keys_are_not_restored_over_those_that_data_was_made_with(stack, backup):
    stack.kubectl("--namespace", "osmo-minimal", "patch", "configmap", "mek-config", "--type=merge", "--patch", '{"data":{"mek.yaml":"x"}}')
    refused = sdg(stack, "restore", "keys", "--stack", "rehearsal", "--in", str(backup))
    assert refused.code != 0
    assert "holds other keys than the backup in ConfigMap/osmo-minimal/mek-config; nothing was changed" in refused.output
    up(stack, "--refresh")


def test_a_cluster_that_is_down_ends_the_destroy_at_once_and_can_be_forgotten(stack):
    stack.configure(data="delete")
    up(stack)
    assert not [resource["urn"] for resource in stack.resources() if resource.get("retainOnDelete")]  # a change of mind is taken over
    before = urns(stack)
    stopped = stack.sdg("rehearsal", "stop")
    assert stopped, stopped.output

    refused = destroy(stack)
    assert refused.code != 0
    assert "does not answer (connection refused), so nothing was removed" in refused.output
    assert "PULUMI_K8S_DELETE_UNREACHABLE=true pulumi destroy --stack rehearsal" in refused.output
    assert before - urns(stack) <= {"smoke-gate", "key-backup"}

    command = ("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive", "--stack", "rehearsal")
    forgotten = stack.run("env", "PULUMI_K8S_DELETE_UNREACHABLE=true", *command)
    assert forgotten, forgotten.output
    assert urns(stack) == set()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://localhost:{stack.port}", timeout=2)
