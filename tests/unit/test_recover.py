"""What `sdg recover` does with what a killed engine left, and what it leaves alone."""

import json
import re
import socket

import pytest

from cli.recover import NOTHING, AtWorkError, recover
from sdg.kube.errors import ObjectNotFoundError, UnreachableError

NOBODY = 2**22 + 1  # above the highest process id that Linux gives
URN = "urn:pulumi:rehearsal::sdg::kubernetes:helm.sh/v3:Release::osmo-operator-release"
RELEASE = {
    "urn": URN,
    "type": "kubernetes:helm.sh/v3:Release",
    "inputs": {"name": "osmo-operator", "namespace": "osmo-operator"},
}


class Engine:
    """An engine whose state holds the resources and the open operations that it is given."""

    def __init__(self, *operations, resources=()):
        self.stack = "rehearsal"
        self.url = "file:///nowhere"
        self.kept = {"deployment": {"resources": list(resources), "pending_operations": list(operations)}}

    def backend(self):
        return self.url

    def state(self):
        return self.kept

    def restore(self, state):
        self.kept = state


class Cluster:
    """Helm's records of the operator's release, by status."""

    def __init__(self, *statuses, owner="sdg/rehearsal"):
        self.owner = owner
        self.records = {f"sh.helm.release.v1.osmo-operator.v{n}": status for n, status in enumerate(statuses, 1)}

    def get(self, path, query=None):
        if query is None:
            if path.endswith("kai-scheduler"):
                raise ObjectNotFoundError(path)
            return {"metadata": {"name": path.rpartition("/")[2], "annotations": {"sdg/stack": self.owner}}}
        assert query == {"labelSelector": "owner=helm"}
        return {"items": [self._secret(name) for name in self.records] if "osmo-operator" in path else []}

    def _secret(self, name):
        labels = {"name": "osmo-operator", "version": name[-1], "status": self.records[name]}
        return {"metadata": {"name": name, "labels": labels}}

    def delete(self, path):
        del self.records[path.rpartition("/")[2]]


class DownCluster:
    def get(self, _path, _query=None):
        raise UnreachableError("connection refused")


def operation(doing, resource=RELEASE):
    return {"type": doing, "resource": resource}


def recovered(engine, api):
    said = []
    return recover(engine, lambda: api, said.append), "\n".join(said)


def test_without_anything_left_nothing_is_changed_and_that_is_said():
    assert recovered(Engine(), Cluster("deployed")) == (False, NOTHING)


def test_the_records_of_somebody_elses_releases_are_left_alone():
    cluster = Cluster("pending-upgrade", owner="sdg/other")
    assert recovered(Engine(), cluster) == (False, NOTHING)
    assert cluster.records


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback"])
def test_an_unfinished_helm_record_is_removed_and_finished_ones_stay(status):
    cluster = Cluster("superseded", "deployed", status)
    did, said = recovered(Engine(), cluster)
    assert did
    assert list(cluster.records.values()) == ["superseded", "deployed"]
    assert f"osmo-operator in osmo-operator (revision 3, {status})" in said


def test_a_release_that_was_installed_unknown_to_the_state_loses_its_record_so_that_an_install_finds_its_name_free():
    engine, cluster = Engine(operation("creating")), Cluster("deployed")
    _, said = recovered(engine, cluster)
    assert cluster.records == {}
    assert engine.kept["deployment"]["pending_operations"] == []
    assert "which the state doesn't know" in said


def test_a_release_that_was_being_upgraded_keeps_its_record():
    cluster = Cluster("deployed")
    recovered(Engine(operation("updating")), cluster)
    assert list(cluster.records.values()) == ["deployed"]


def test_a_release_that_is_uninstalled_already_is_not_uninstalled_again():
    engine = Engine(operation("deleting"), resources=[RELEASE])
    _, said = recovered(engine, Cluster())
    assert engine.kept["deployment"]["resources"] == [{**RELEASE, "pendingReplacement": True}]
    assert "finds it done" in said


def test_a_release_that_is_half_uninstalled_is_uninstalled_again():
    engine = Engine(operation("deleting"), resources=[RELEASE])
    recovered(engine, Cluster("uninstalling"))
    assert engine.kept["deployment"] == {"resources": [RELEASE], "pending_operations": []}


def test_while_the_cluster_is_down_nothing_is_assumed_about_releases():
    engine = Engine(operation("deleting"), resources=[RELEASE])
    _, said = recovered(engine, DownCluster())
    assert engine.kept["deployment"]["pending_operations"] == [operation("deleting")]
    assert re.search("the cluster does not answer: connection refused", said)


def test_what_only_the_user_can_find_again_stays_open_and_is_named():
    machine = {"urn": "urn:pulumi:azure::sdg::azure-native:containerservice:ManagedCluster::aks", "inputs": {}}
    machine["type"] = "azure-native:containerservice:ManagedCluster"
    engine = Engine(operation("creating", machine))
    _, said = recovered(engine, None)
    assert engine.kept["deployment"]["pending_operations"] == [operation("creating", machine)]
    assert "left an open operation: creating azure-native:containerservice:ManagedCluster aks" in said


def test_where_the_backend_does_not_tell_who_works_nothing_is_touched_unless_the_user_knows():
    engine, cluster = Engine(), Cluster("pending-install")
    engine.url = "https://api.example.com"
    with pytest.raises(AtWorkError, match="--nobody-works"):
        recover(engine, lambda: cluster, print)
    assert cluster.records
    assert recover(engine, lambda: cluster, lambda _: None, nobody_works=True)
    assert not cluster.records


def test_a_description_of_the_state_that_was_left_empty_goes_before_the_lock(tmp_path):
    """No command of the engine gets past an empty one, `pulumi cancel` included."""
    engine, stacks = Engine(), tmp_path / ".pulumi" / "stacks" / "sdg"
    engine.url = f"file://{tmp_path}"
    stacks.mkdir(parents=True)
    description = stacks / "rehearsal.json.attrs"
    description.touch()
    held = tmp_path / ".pulumi" / "locks" / "organization" / "sdg" / "rehearsal" / "lock.json"
    held.parent.mkdir(parents=True)
    held.write_text(json.dumps({"pid": NOBODY, "hostname": socket.gethostname(), "timestamp": "2026-01-01T00:00:00Z"}))

    def ask(*arguments):
        assert arguments == ("cancel", "--yes")
        assert not description.exists()
        held.unlink()

    engine.ask = ask
    did, said = recovered(engine, Cluster("deployed"))
    assert did
    assert re.search(r"removed rehearsal\.json\.attrs.*\n.*unlocked stack rehearsal", said)
