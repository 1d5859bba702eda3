"""The autoscaler at work: it orders nodes, tells pods, takes idle nodes away, and reports."""

from __future__ import annotations

import copy
import time

import pytest
import yaml

from rehearsal.azure.aks_autoscaler import Autoscaler
from rehearsal.azure.aks_fleet import Fleet
from rehearsal.azure.clock import Clock
from rehearsal.azure.errors import ArmError
from tests.unit.azure_simulator.aks_fakes import MemoryApi
from tests.unit.azure_simulator.aks_objects import gpu_pool, nodes_of, pod, system_pool


class FakePools:
    def __init__(self, *pools):
        self.known, self.refused = {pool.name: pool for pool in pools}, ""

    def all(self):
        return list(self.known.values())

    def order(self, pool, count):
        if self.refused:
            raise ArmError(409, "QuotaExceeded", self.refused)
        self.known[pool.name] = pool.with_count(count)


class Rig:
    """An autoscaler over pools whose nodes are there."""

    def __init__(self, *pools, least=0.0, plugged=True):
        self.api, self.pools = MemoryApi(), FakePools(*pools)
        clock = Clock(0)
        self.scaler = Autoscaler(self.api, Fleet(lambda: self.api, lambda: 1, clock), self.pools, clock, least=least)
        for pool in pools:
            for node in nodes_of(pool, plugged=plugged):
                self.api.objects.setdefault("nodes", {})["", node["metadata"]["name"]] = node
        self.sync()

    def sync(self):
        """Tells what is there, as the watches would."""
        self.scaler._nodes.clear()
        for node in self.api.all("nodes"):
            self.scaler.on_node("ADDED", copy.deepcopy(node))
        self.scaler._pods.clear()
        for each in self.api.all("pods"):
            self.scaler.on_pod("ADDED", each)

    def add(self, each):
        self.api.objects.setdefault("pods", {})[each["metadata"]["namespace"], each["metadata"]["name"]] = each
        self.sync()

    def look(self):
        self.scaler.look()
        self.sync()

    def nodes(self):
        return sorted(node["metadata"]["name"] for node in self.api.all("nodes"))

    def events(self):
        return {(event["involvedObject"]["name"], event["reason"]): event["message"] for event in self.api.all("events")}

    def status(self):
        found = yaml.safe_load(self.api.objects["configmaps"]["kube-system", "cluster-autoscaler-status"]["data"]["status"])
        return {group["name"]: group for group in found["nodeGroups"]}


def until(holds):
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_refused_pod_gets_its_node_and_is_told():
    rig = Rig(gpu_pool())
    rig.add(pod())
    rig.look()
    until(rig.nodes)
    assert rig.nodes() == [f"{gpu_pool().scale_set}000000"]
    assert rig.events()["a", "TriggeredScaleUp"] == f"pod triggered scale-up: [{{{gpu_pool().scale_set} 0->1 (max: 1)}}]"


def test_a_pod_that_nothing_helps_is_told_why():
    rig = Rig(gpu_pool())
    rig.add(pod(gpus=8))
    rig.look()
    assert rig.nodes() == []
    assert rig.events() == {("a", "NotTriggerScaleUp"): "pod didn't trigger scale-up: 1 Insufficient nvidia.com/gpu"}


def test_a_pool_without_machines_to_be_had_is_left_alone_for_a_while():
    rig = Rig(gpu_pool(), least=1)
    rig.pools.refused = "no quota left"
    rig.add(pod())
    rig.look()
    assert "no quota left" in rig.events()["a", "FailedScaleUp"]
    assert rig.status()[gpu_pool().scale_set]["scaleUp"]["status"] == "Backoff"
    rig.pools.refused = ""
    rig.look()
    assert rig.nodes() == []
    assert "in backoff" in rig.events()["a", "NotTriggerScaleUp"]


def test_an_idle_node_above_the_minimum_goes():
    rig = Rig(gpu_pool(count=2, least=1, most=3))
    rig.look()
    assert len(rig.nodes()) == 1
    rig.look()
    assert len(rig.nodes()) == 1
    assert rig.pools.known["gpu"].count == 1


def test_an_idle_node_stays_for_a_while():
    rig = Rig(gpu_pool(count=1, most=3), least=1)
    rig.look()
    assert len(rig.nodes()) == 1
    assert rig.status()[gpu_pool().scale_set]["scaleDown"] | {"lastProbeTime": "", "lastTransitionTime": ""} == {
        "status": "CandidatesPresent",
        "candidates": 1,
        "lastProbeTime": "",
        "lastTransitionTime": "",
    }


@pytest.mark.parametrize(("kind", "stays"), [("ReplicaSet", True), ("DaemonSet", False)])
def test_a_node_with_work_stays_and_daemons_are_no_work(kind, stays):
    pool = gpu_pool(count=1, most=3)
    rig = Rig(pool)
    busy = pod(node=nodes_of(pool)[0]["metadata"]["name"])
    busy["metadata"]["ownerReferences"] = [{"kind": kind, "name": "x"}]
    rig.add(busy)
    rig.look()
    assert bool(rig.nodes()) is stays


def test_a_node_that_got_work_in_the_last_moment_stays_and_takes_pods_again():
    pool = gpu_pool(count=1, most=3)
    rig = Rig(pool)
    name = nodes_of(pool)[0]["metadata"]["name"]
    # the API has it, and no watch has told of it yet
    rig.api.objects["pods"] = {("ns", "late"): pod("late", node=name)}
    rig.scaler.look()
    assert rig.nodes() == [name]
    assert [taint["key"] for taint in rig.api.all("nodes")[0]["spec"]["taints"]] == ["nvidia.com/gpu"]
    assert rig.pools.known["gpu"].count == 1


def test_a_node_that_somebody_deleted_is_given_up():
    rig = Rig(gpu_pool(count=2, most=3))
    rig.add(pod("busy", node=rig.nodes()[1]))
    del rig.api.objects["nodes"]["", rig.nodes()[0]]
    rig.sync()
    rig.look()
    assert rig.pools.known["gpu"].count == 1


def test_the_report_has_every_pool_that_it_scales_with_its_bounds():
    fixed = system_pool(enableAutoScaling=False)
    rig = Rig(fixed, gpu_pool(most=4))
    rig.look()
    health = rig.status()[gpu_pool().scale_set]["health"]
    assert (health["minSize"], health["maxSize"], health["cloudProviderTarget"]) == (0, 4, 0)
    assert set(rig.status()) == {gpu_pool().scale_set}


def test_the_report_is_written_only_when_something_changed():
    rig = Rig(gpu_pool(count=1, least=1, most=4))
    rig.look()
    first = rig.api.objects["configmaps"]["kube-system", "cluster-autoscaler-status"]
    rig.look()
    assert rig.api.objects["configmaps"]["kube-system", "cluster-autoscaler-status"] is first


def test_the_report_of_the_next_cluster_is_written_although_it_is_the_same():
    pool = gpu_pool(count=1, least=1, most=4)
    rig = Rig(pool)
    rig.look()
    rig.api.objects.pop("configmaps")
    rig.pools.known.clear()
    rig.look()
    rig.pools.known["gpu"] = pool
    rig.look()
    assert set(rig.status()) == {pool.scale_set}
