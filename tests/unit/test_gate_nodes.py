"""What a cluster must offer: nodes that take pods, GPUs, a Kubernetes version and a StorageClass."""

import pytest

from sdg.gates.checks import Status
from sdg.gates.probes.cluster import ClusterProbe
from sdg.gates.probes.nodes import NodePlan

RUNTIME_CLASSES = "/apis/node.k8s.io/v1/runtimeclasses"


class Api:
    """A cluster with one node, a StorageClass and a RuntimeClass, where nothing else is said."""

    def __init__(self, **objects):
        self.objects = {
            "/version": {"gitVersion": "v1.36.3"},
            "/api/v1/nodes": {"items": [node()]},
            "/apis/storage.k8s.io/v1/storageclasses": {"items": [storage_class("fast", default=True)]},
            RUNTIME_CLASSES: {"items": [{"metadata": {"name": "nvidia"}}]},
        } | objects

    def get(self, path, query=None):
        return self.objects[path]


def node(name="a", ready="True", gpus=0, cordoned=False, taints=()):
    return {
        "metadata": {"name": name},
        "spec": {"unschedulable": cordoned, "taints": [{"key": key, "effect": "NoSchedule"} for key in taints]},
        "status": {"conditions": [{"type": "Ready", "status": ready, "reason": "R"}], "allocatable": {"nvidia.com/gpu": str(gpus)}},
    }


def storage_class(name, default=False):
    return {"metadata": {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": str(default).lower()}}}


def red(verdict):
    return {check.name: check for check in verdict.failures()}


def nodes_found(*nodes, **plan):
    return red(ClusterProbe(Api(**{"/api/v1/nodes": {"items": list(nodes)}}), NodePlan(**plan)).look())


def test_a_cluster_that_offers_what_is_planned_is_green_and_says_what_it_is():
    found = ClusterProbe(Api(), NodePlan(nodes=1), ">=1.30").look()
    assert found.status is Status.PASSED
    assert found.evidence == {"kubernetes": "v1.36.3", "nodes": 1, "gpus": 0, "gpuNodes": 0, "storageClass": "fast"}


def test_a_cluster_without_nodes_is_red():
    assert "nodes-usable" in nodes_found()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (node("b", ready="False"), "b: Ready=False (R)"),
        (node("b", cordoned=True), "b: cordoned"),
        (node("b", taints=["node.kubernetes.io/not-ready"]), "b: tainted node.kubernetes.io/not-ready"),
        ({"metadata": {"name": "b"}, "spec": {}, "status": {}}, "b: Ready=Unknown (no reason given)"),
    ],
)
def test_a_node_that_takes_no_pods_is_named_and_not_counted(wrong, words):
    check = nodes_found(node("a"), wrong, nodes=2)["nodes-usable"]
    assert check.observed == f"1 of 2 usable; {words}"
    assert "kubectl describe node b" in check.remedy


def test_a_node_that_is_lost_does_not_matter_while_enough_are_left():
    assert not nodes_found(node("a"), node("b", ready="False"), nodes=1)


def test_gpus_of_unusable_nodes_and_sums_do_not_count():
    found = nodes_found(node("a", gpus=2), node("b", gpus=2), node("c", gpus=8, cordoned=True), gpus=4, gpus_per_node=4)
    assert found["gpus-on-one-node"].observed == "2 on the largest usable node"


def test_gpus_beyond_whole_shares_do_not_count():
    found = nodes_found(node("a", gpus=3), node("b", gpus=3), gpus=6, gpus_per_node=2)
    assert found["gpus-in-all"].observed == "4 in shares of 2 on usable nodes"


def test_a_taint_for_workloads_does_not_make_a_node_unusable():
    assert not nodes_found(node("a", gpus=1, taints=["nvidia.com/gpu"]), gpus=1)


@pytest.mark.parametrize(
    ("version", "allowed", "good"),
    [
        ("v1.36.3", ">=1.30", True),
        ("v1.30.4+k3s1", ">=1.30,<1.37", True),
        ("v1.31.2-gke.1000", ">=1.30", True),
        ("v1.29.9", ">=1.30", False),
        ("what", ">=1.30", False),
        ("v1.25.0", "", True),
    ],
)
def test_the_kubernetes_version_must_be_a_supported_one(version, allowed, good):
    found = red(ClusterProbe(Api(**{"/version": {"gitVersion": version}}), kubernetes=allowed).look())
    assert ("kubernetes-version" not in found) is good


@pytest.mark.parametrize(
    ("wanted", "default", "good"), [(None, True, True), (None, False, False), ("fast", False, True), ("slow", True, False)]
)
def test_a_storage_class_must_exist_or_be_the_default(wanted, default, good):
    api = Api(**{"/apis/storage.k8s.io/v1/storageclasses": {"items": [storage_class("fast", default)]}})
    assert ("storage-class" not in red(ClusterProbe(api, storage_class=wanted).look())) is good


@pytest.mark.parametrize(("gpus", "names", "good"), [(2, ["nvidia"], True), (2, ["kata"], False), (2, [], False), (0, [], True)])
def test_gpus_need_the_runtime_class_that_their_pods_name(gpus, names, good):
    classes = {"items": [{"metadata": {"name": name}} for name in names]}
    api = Api(**{"/api/v1/nodes": {"items": [node(gpus=2)]}, RUNTIME_CLASSES: classes})
    found = red(ClusterProbe(api, NodePlan(gpus=gpus)).look())
    assert ("runtime-class" not in found) is good
    if not good:
        assert found["runtime-class"].expected == "nvidia"
        assert "sdg:platform.gpuOperator.install true" in found["runtime-class"].remedy
