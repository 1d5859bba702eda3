"""The autoscaler's decisions: which pool grows for which pods, how far, and what a pod is told that nothing helps."""

from __future__ import annotations

import pytest

from rehearsal.azure.aks_plan import Cluster, plan, refusal
from tests.unit.azure_simulator.aks_objects import NO_NODE, TOLERATION, gpu_pool, nodes_of, pod, system_pool

SYSTEM = system_pool()
POOLS = (SYSTEM, gpu_pool())


def full(nodes):
    """A pod on every node that leaves no room there."""
    return {node["metadata"]["name"]: [pod("busy", gpus=0, cpu="15", node="x")] for node in nodes}


def decided(*pods, pools=POOLS, **cluster):
    nodes = nodes_of(SYSTEM)
    return plan(pods, Cluster(pools, **{"nodes": nodes, "on": full(nodes), **cluster}))


def why(*pods, **cluster):
    """What the first pod is told; empty when a pool grows."""
    found = decided(*pods, **cluster)
    return "" if found.growth else found.helpless.get(("ns", pods[0]["metadata"]["name"]), "it waits")


def test_a_pool_at_zero_grows_for_a_pod_that_asks_for_its_gpus():
    growth = decided(pod()).growth
    assert (growth.pool.name, growth.to) == ("gpu", 1)
    assert growth.words == f"pod triggered scale-up: [{{{gpu_pool().scale_set} 0->1 (max: 1)}}]"


def test_a_pod_without_gpus_grows_the_pool_without_gpus():
    growth = decided(pod(gpus=0, cpu="12")).growth
    assert (growth.pool.name, growth.to) == ("system", 2)


SPOT = {"key": "kubernetes.azure.com/scalesetpriority", "operator": "Equal", "value": "spot", "effect": "NoSchedule"}


@pytest.mark.parametrize("tolerations", [[TOLERATION], [SPOT], [TOLERATION, SPOT]])
def test_a_spot_pool_grows_only_for_pods_that_tolerate_the_taint_that_aks_adds_by_itself(tolerations):
    found = decided(pod(tolerations=tolerations), pools=(SYSTEM, gpu_pool(scaleSetPriority="Spot")))
    assert bool(found.growth) is (len(tolerations) == 2)
    assert found.growth or "1 node(s) had untolerated taint(s)" in found.helpless["ns", "a"]


def test_it_grows_by_as_many_nodes_as_the_pods_need_and_no_further_than_its_maximum():
    pods = [pod(name) for name in "abcde"]
    assert decided(*pods, pools=(SYSTEM, gpu_pool(most=3))).growth.to == 3
    assert decided(*pods[:2], pools=(SYSTEM, gpu_pool(most=3))).growth.to == 2
    small = [pod(name, gpus=0, cpu="5") for name in "abc"]
    assert decided(*small).growth.to == 2  # three of them share one node


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (pod(tolerations=[]), "1 Insufficient nvidia.com/gpu, 1 node(s) had untolerated taint(s)"),
        (pod(gpus=2), "2 Insufficient nvidia.com/gpu"),
        (pod(cpu="41"), "2 Insufficient cpu"),
        (pod(nodeSelector={"nvidia.com/gpu.product": "NVIDIA-H100-NVL"}), "2 node(s) didn't match Pod's node affinity/selector"),
        (pod(message="0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"),
         "pod has unbound immediate PersistentVolumeClaims"),
        (pod(message='0/1 nodes are available: persistentvolumeclaim "x" not found. none'), 'persistentvolumeclaim "x" not found'),
    ],
)  # fmt: skip
def test_a_pod_that_no_fresh_node_takes_is_told_why(asked, reason):
    assert why(asked) == reason


def test_a_pool_at_its_maximum_does_not_grow():
    pool = gpu_pool(count=1)
    there = nodes_of(pool)
    taken = {there[0]["metadata"]["name"]: [pod("other", node="x")]}
    assert why(pod(), pools=(pool,), nodes=there, on=taken) == "1 max node group size reached"


def test_a_pool_that_could_not_grow_is_left_alone_for_a_while():
    assert why(pod(), pools=(gpu_pool(),), backed_off=frozenset({"gpu"})) == "1 in backoff after failed scale-up"


def test_pools_without_an_autoscaler_neither_grow_nor_count():
    fixed = gpu_pool(enableAutoScaling=False)
    assert why(pod(), pools=(SYSTEM, fixed)) == "1 Insufficient nvidia.com/gpu"


def test_nodes_that_were_ordered_are_not_ordered_again():
    ordered = gpu_pool(count=1, most=4)
    assert decided(pod(), pools=(ordered,)).growth is None
    assert why(pod(), pools=(ordered,)) == "it waits"
    assert decided(pod("a"), pod("b"), pools=(ordered,)).growth.to == 2


def test_a_node_whose_gpus_nobody_offers_yet_is_still_coming_up():
    pool = gpu_pool(count=1, most=4)
    starting = nodes_of(pool, plugged=False)
    assert decided(pod(), pools=(pool,), nodes=starting).growth is None
    name = starting[0]["metadata"]["name"]
    taken = {name: [pod("other", cpu="39", gpus=0, node=name)]}
    assert decided(pod(cpu="4"), pools=(pool,), nodes=starting, on=taken).growth.to == 2


def test_a_pod_that_fits_on_a_fresh_node_only_without_its_daemons_does_not_fit():
    daemon = pod("daemon", gpus=0, cpu="39", tolerations=[{"operator": "Exists"}])
    assert why(pod(cpu="2"), pools=(gpu_pool(),), daemons=[daemon]) == "1 Insufficient cpu"


@pytest.mark.parametrize(
    ("operator", "values", "fits"),
    [("In", ["gpu", "x"], True), ("NotIn", ["gpu"], False), ("Exists", None, True), ("DoesNotExist", None, False), ("Gt", ["3"], False)],
)
def test_required_affinity_is_kept(operator, values, fits):
    expression = {"key": "agentpool", "operator": operator, **({"values": values} if values else {})}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    asked = pod(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}})
    assert bool(decided(asked, pools=(gpu_pool(),)).growth) is fits


def test_only_what_the_scheduler_refused_counts():
    assert refusal(pod()) == NO_NODE
    assert refusal(pod(node="somewhere")) is None
    gated = pod()
    gated["status"]["conditions"][0]["reason"] = "SchedulingGated"
    assert refusal(gated) is None


def test_a_pod_that_fits_on_a_node_that_is_there_waits_for_the_scheduler_to_look_again():
    pool = gpu_pool(count=1)
    there = nodes_of(pool)
    there[0]["spec"]["taints"].append({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})
    assert why(pod(), pools=(pool,), nodes=there) == "it waits"


def test_a_pod_that_keeps_away_from_others_gets_a_node_of_its_own():
    apart = pod(gpus=0, affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}})
    assert decided(apart, on={}).growth.to == 2
    assert decided(pod(gpus=0), on={}).growth is None
