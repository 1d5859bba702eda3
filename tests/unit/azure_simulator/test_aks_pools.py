"""Node pools as nodes: what AKS gives them, and what a machine of their size has."""

from __future__ import annotations

import pytest

from rehearsal.azure.aks_pools import index_of, node_name, pool_of, template, virtual_node
from rehearsal.nodes import AKS_RUNTIME, DRIVER, GPU, UNPLUGGED
from tests.unit.azure_simulator.aks_objects import OWNER, gpu_pool, nodes_of, system_pool


def test_a_node_is_named_after_its_scale_set_and_counts_in_base_36():
    pool = system_pool()
    assert node_name(pool, 0) == f"aks-system-{OWNER.number}-vmss000000"
    assert node_name(pool, 35 + 36) == f"aks-system-{OWNER.number}-vmss00001z"
    assert index_of(pool, node_name(pool, 12345)) == 12345


def test_pools_whose_names_begin_alike_do_not_share_nodes():
    one, other = (pool_of(name, {"vmSize": "Standard_D16ds_v5"}, OWNER) for name in ("gpu", "gpu2"))
    assert not node_name(other, 0).startswith(one.scale_set)


def test_a_gpu_node_has_the_pools_label_and_taint_and_does_not_know_of_its_gpus():
    node = virtual_node(gpu_pool(), 0, 1)
    assert node["metadata"]["labels"]["nvidia.com/gpu.present"] == "true"
    assert node["metadata"]["labels"]["kubernetes.azure.com/accelerator"] == "nvidia"
    assert node["spec"]["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    assert GPU not in node["status"]["allocatable"]
    assert node["metadata"]["annotations"][UNPLUGGED] == "1"


@pytest.mark.parametrize(("profile", "waits"), [({"driver": "None"}, True), ({"driver": "Install"}, False), (None, False)])
def test_only_a_pool_without_the_driver_waits_for_an_operator_to_bring_it(profile, waits):
    node = virtual_node(gpu_pool(gpuProfile=profile), 0, 1)
    assert (node["metadata"]["annotations"].get(DRIVER) == "none") is waits


@pytest.mark.parametrize(("profile", "brought"), [({"driver": "None"}, False), ({"driver": "Install"}, True)])
def test_a_driver_of_aks_brings_a_runtime_of_its_own_name(profile, brought):
    handlers = [handler["name"] for handler in virtual_node(gpu_pool(gpuProfile=profile), 0, 1)["status"]["runtimeHandlers"]]
    assert (AKS_RUNTIME in handlers) is brought
    assert "nvidia" not in handlers


def test_spot_nodes_have_the_label_and_taint_that_aks_adds_once():
    declared = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"
    for taints in ([], [declared]):
        node = virtual_node(gpu_pool(scaleSetPriority="Spot", nodeTaints=taints), 0, 1)
        assert node["metadata"]["labels"]["kubernetes.azure.com/scalesetpriority"] == "spot"
        assert node["spec"]["taints"] == [{"key": "kubernetes.azure.com/scalesetpriority", "value": "spot", "effect": "NoSchedule"}]


def test_nodes_of_a_pool_with_zones_take_turns():
    pool = system_pool(count=4, availabilityZones=["1", "3"])
    zones = [node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes_of(pool)]
    assert zones == ["eastus2-1", "eastus2-3", "eastus2-1", "eastus2-3"]


def test_the_next_node_of_an_empty_pool_has_the_gpus_of_its_size_and_no_labels_that_an_operator_adds():
    found = template(gpu_pool())
    assert found["status"]["allocatable"][GPU] == "1"
    assert f"{GPU}.product" not in found["metadata"]["labels"]


def test_the_next_node_of_a_pool_is_like_those_that_serve():
    pool = gpu_pool(count=1)
    there = nodes_of(pool)
    there[0]["metadata"]["labels"][f"{GPU}.product"] = "NVIDIA-H100-NVL"
    assert template(pool, there)["metadata"]["labels"][f"{GPU}.product"] == "NVIDIA-H100-NVL"
    del there[0]["status"]["allocatable"][GPU]
    assert f"{GPU}.product" not in template(pool, there)["metadata"]["labels"]
