"""Node pools: what is checked of one that has nodes, and of one that starts at zero."""

import pytest
import yaml

from sdg.gates.checks import Status
from sdg.gates.probes.cluster import ClusterProbe
from sdg.gates.probes.nodes import NodePlan
from sdg.gates.probes.pools import AUTOSCALER_STATUS, Pool, checks
from sdg.kube.errors import ObjectNotFoundError

TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
LABELS = {"nvidia.com/gpu.present": "true"}
GPU = Pool("gpu", 0, 2, gpus=2, labels=LABELS, taints=("nvidia.com/gpu=present:NoSchedule",))
SYSTEM = Pool("system", 1, 1)


class Api:
    """An autoscaler that reports groups by name; without any, no report at all."""

    def __init__(self, **groups):
        health = {name.replace("_", "-"): {"minSize": low, "maxSize": high} for name, (low, high) in groups.items()}
        document = {"nodeGroups": [{"name": name, "health": bounds} for name, bounds in health.items()]}
        self.objects = {AUTOSCALER_STATUS: {"data": {"status": yaml.safe_dump(document)}}} if groups else {}

    def get(self, path, query=None):
        if path not in self.objects:
            raise ObjectNotFoundError(path)
        return self.objects[path]


GROWS = Api(aks_gpu_12345678_vmss=(0, 2))


def node(pool="gpu", ready="True", gpus=2, labels=LABELS, taints=(TAINT,)):
    return {
        "metadata": {"name": f"{pool}-0", "labels": {"kubernetes.azure.com/agentpool": pool, **labels}},
        "spec": {"taints": list(taints)},
        "status": {"conditions": [{"type": "Ready", "status": ready}], "allocatable": {"nvidia.com/gpu": str(gpus)}},
    }


def found(*nodes, pool=GPU, api=GROWS):
    return {check.name: check for check in checks(api, nodes, [pool])}


def red(*nodes, pool=GPU, api=GROWS):
    return {name: check for name, check in found(*nodes, pool=pool, api=api).items() if check.status is Status.FAILED}


def test_a_pool_at_zero_that_may_grow_is_green_by_its_autoscaler_alone():
    assert {name: check.status for name, check in found().items()} == {"pool-nodes": Status.PASSED, "pool-autoscaler": Status.PASSED}


def test_a_pool_of_fixed_size_needs_no_autoscaler():
    assert red(node("system", labels={}, taints=(), gpus=0), pool=SYSTEM, api=Api()) == {}


def test_fewer_usable_nodes_than_the_minimum_are_red():
    check = red(node("system", ready="False", labels={}, taints=()), pool=SYSTEM)["pool-nodes"]
    assert check.observed == "0 of 1 nodes usable; system-0: Ready=False (no reason given)"
    assert check.expected == "at least 1"


def test_nodes_of_other_pools_do_not_count():
    assert "pool-nodes" in red(node("gpu"), pool=SYSTEM)


@pytest.mark.parametrize(
    ("wrong", "lacks"),
    [
        (node(labels={}), "label nvidia.com/gpu.present=true"),
        (node(labels={"nvidia.com/gpu.present": "false"}), "label nvidia.com/gpu.present=true"),
        (node(taints=()), "taint nvidia.com/gpu=present:NoSchedule"),
        (node(taints=({**TAINT, "effect": "NoExecute"},)), "taint nvidia.com/gpu=present:NoSchedule"),
        (node(gpus=1), "1 of 2 GPUs"),
    ],
)
def test_a_node_that_is_not_as_planned_is_named_with_what_it_lacks(wrong, lacks):
    assert red(wrong)["pool-form"].observed == f"gpu-0 lacks {lacks}"


@pytest.mark.parametrize(
    ("api", "seen"),
    [
        (Api(), "the autoscaler does not report"),
        (Api(aks_gpux_1_vmss=(0, 2)), "the autoscaler does not know the pool"),
        (Api(aks_gpu_1_vmss=(0, 1)), "0 to 1 nodes"),
    ],
)
def test_a_pool_that_cannot_grow_as_planned_is_red(api, seen):
    assert red(api=api)["pool-autoscaler"].observed == seen


@pytest.mark.parametrize("check", ["pool-form", "pool-autoscaler"])
def test_a_change_by_hand_is_undone_by_an_update_that_sees_it(check):
    """Without a refresh the state says still what was asked for, and an update finds nothing to do."""
    found = red(node(labels={}), api=Api(aks_gpu_1_vmss=(0, 1)))[check]
    assert "`pulumi up --refresh`" in found.remedy


@pytest.mark.parametrize("text", ["Cluster-autoscaler status at 2026\nCluster-wide:\n", "a: [", "nodeGroups: [{name: aks-gpu-1-vmss}]"])
def test_a_report_that_cannot_be_read_is_none(text):
    api = Api()
    api.objects[AUTOSCALER_STATUS] = {"data": {"status": text}}
    assert red(api=api)["pool-autoscaler"].observed == "the autoscaler does not report"


class Cluster(Api):
    def __init__(self, provisioner):
        super().__init__(aks_gpu_1_vmss=(0, 2))
        default = {"storageclass.kubernetes.io/is-default-class": "true"}
        self.objects |= {
            "/version": {"gitVersion": "v1.35.1"},
            "/api/v1/nodes": {"items": [node("system", labels={}, taints=(), gpus=0)]},
            "/apis/storage.k8s.io/v1/storageclasses": {
                "items": [{"metadata": {"name": "chosen", "annotations": default}, "provisioner": provisioner}]
            },
            "/apis/node.k8s.io/v1/runtimeclasses": {"items": [{"metadata": {"name": "nvidia"}}]},
        }


def test_gpus_that_come_later_are_not_missed_now():
    plan = NodePlan(nodes=1, gpus=4, gpus_per_node=2, in_pools=True)
    assert ClusterProbe(Cluster("disk.csi.azure.com"), plan, pools=(GPU,)).look().status is Status.PASSED


@pytest.mark.parametrize("wanted", [None, "chosen"])
@pytest.mark.parametrize(
    ("provisioner", "on_disks", "good"),
    [("file.csi.azure.com", True, False), ("file.csi.azure.com", False, True), ("disk.csi.azure.com", True, True)],
)
def test_databases_and_objects_are_not_kept_on_shared_files(wanted, provisioner, on_disks, good):
    verdict = ClusterProbe(Cluster(provisioner), storage_class=wanted, on_disks=on_disks).look()
    assert ("storage-on-disks" not in {check.name for check in verdict.failures()}) is good
