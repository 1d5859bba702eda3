"""The cluster gate's record: the StorageClass that volumes were made with stays theirs."""

from __future__ import annotations

from typing import Any

import pytest

from sdg.gates.cluster import ClusterRecord

CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
READY = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
NODE = {"metadata": {"name": "a"}, "spec": {}, "status": {"conditions": [READY], "allocatable": {}}}


class Cluster:
    """A cluster with one node and the given classes; `default` names one of them."""

    def __init__(self) -> None:
        self.names: list[str] = ["fast", "slow"]
        self.default = "fast"
        self.answers = True

    def get(self, path: str, query: object = None) -> dict[str, Any]:
        if not self.answers:
            raise ConnectionError("refused")
        return {"/version": {"gitVersion": "v1.36.3"}, "/api/v1/nodes": {"items": [NODE]}, CLASSES: {"items": self._classes()}}[path]

    def _classes(self) -> list[dict[str, Any]]:
        marks = {name: {"storageclass.kubernetes.io/is-default-class": str(name == self.default).lower()} for name in self.names}
        return [{"metadata": {"name": name, "annotations": mark}} for name, mark in marks.items()]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    cluster = Cluster()
    monkeypatch.setattr("sdg.gates.cluster.KubernetesApi.connect", lambda connection: cluster)
    return cluster


def asked(**changes: Any) -> dict[str, Any]:
    return {"gate": "cluster-gate", "connection": {"kubeconfig": "{}", "context": "c"}, "minNodes": 1, "deadline": 0} | changes


def created(**changes: Any) -> dict[str, Any]:
    return ClusterRecord().create(asked(**changes)).outs


def updated(stored: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return ClusterRecord().update("cluster-gate", stored, asked(triggers={"asked": "again"}, **changes)).outs


def refreshed(stored: dict[str, Any]) -> dict[str, Any]:
    return ClusterRecord().read("cluster-gate", stored).outs


def found(record: dict[str, Any]) -> tuple[str, object]:
    return record["status"], record["evidence"].get("storageClass")


def test_the_first_look_takes_the_default_class(cluster):
    assert found(created()) == ("passed", "fast")


@pytest.mark.parametrize("look", [updated, refreshed])
def test_another_default_class_does_not_take_the_place_of_the_first_one(cluster, look):
    stored = created()
    cluster.default = "slow"
    assert found(look(stored)) == ("passed", "fast")


@pytest.mark.parametrize("look", [updated, refreshed])
def test_a_class_that_volumes_were_made_with_and_that_is_gone_is_red_with_both_ways_out(cluster, look):
    stored = created()
    cluster.names, cluster.default = ["slow"], "slow"
    record = look(stored)
    assert found(record) == ("failed", "fast")
    (check,) = [check for check in record["checks"] if check["status"] == "failed"]
    assert (check["name"], check["expected"]) == ("storage-class", "fast")
    assert "make that class again" in check["remedy"]
    assert "set `sdg:cluster.storageClass`" in check["remedy"]


@pytest.mark.parametrize("look", [updated, refreshed])
def test_a_cluster_that_does_not_answer_makes_no_gate_forget_the_class(cluster, look):
    stored = created()
    cluster.answers = False
    silent = look(stored)
    assert found(silent) == ("failed", "fast")
    cluster.answers, cluster.default = True, "slow"
    assert found(updated(silent)) == ("passed", "fast")


def test_a_class_that_is_set_takes_the_place_of_the_first_one_and_stays_when_it_is_no_longer_set(cluster):
    stored = updated(created(), storageClass="slow")
    assert found(stored) == ("passed", "slow")
    assert found(updated(stored)) == ("passed", "slow")


def test_a_class_that_was_set_and_never_found_is_not_kept(cluster):
    stored = updated(created(), storageClass="sloow")
    assert stored["status"] == "failed"
    assert found(updated(stored)) == ("passed", "fast")


def test_before_anything_was_made_the_default_may_still_change(cluster):
    stored = created(minNodes=2)
    assert found(stored) == ("failed", "fast")
    cluster.default = "slow"
    assert found(updated(stored)) == ("passed", "slow")


def test_what_is_remembered_is_no_input_of_the_stored_record(cluster):
    assert "remembered" not in updated(created())
    assert "remembered" not in refreshed(created())
