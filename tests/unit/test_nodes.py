"""Virtual nodes and the table of machine sizes that they are shaped from."""

from __future__ import annotations

import pytest

from rehearsal.nodes import DEFAULT_PROFILE, NodeGroup, node, node_names
from sdg.catalog.vm_sizes import UnknownSize, vm_size, vm_sizes


def made(size, **group):
    return node(NodeGroup("pool", size, **group), "pool-0", kubelet_port=10250)


def mebibytes(text):
    return int(text.removesuffix("Mi"))


def test_a_gpu_node_offers_the_gpus_of_its_size_and_the_labels_that_feature_discovery_sets():
    item = made("Standard_NC80adis_H100_v5")
    assert item["status"]["allocatable"]["nvidia.com/gpu"] == "2"
    labels = item["metadata"]["labels"]
    assert labels["nvidia.com/gpu.present"] == "true"
    assert labels["nvidia.com/gpu.product"] == "NVIDIA-H100-NVL"
    assert labels["nvidia.com/gpu.count"] == "2"
    assert labels["nvidia.com/gpu.memory"] == str(94 * 1024)


def test_a_cpu_node_knows_nothing_of_gpus():
    item = made("Standard_D16ds_v5")
    assert "nvidia.com/gpu" not in item["status"]["allocatable"]
    assert not [label for label in item["metadata"]["labels"] if label.startswith("nvidia.com")]
    assert {"name": "nvidia"} not in item["status"]["runtimeHandlers"]


@pytest.mark.parametrize("size", sorted(vm_sizes()))
def test_pods_get_less_than_the_machine_has(size):
    status = made(size)["status"]
    assert 0 < mebibytes(status["allocatable"]["memory"]) < mebibytes(status["capacity"]["memory"])
    assert 0 < int(status["allocatable"]["cpu"].removesuffix("m")) < int(status["capacity"]["cpu"].removesuffix("m"))


def test_more_pods_per_node_leave_less_memory_for_each():
    few, many = (made("Standard_D16ds_v5", max_pods=pods)["status"]["allocatable"] for pods in (30, 250))
    assert mebibytes(many["memory"]) == mebibytes(few["memory"]) - 220 * 20
    assert (few["pods"], many["pods"]) == ("30", "250")


def test_taints_are_written_as_kubectl_writes_them():
    item = made("local-cpu", taints=("nvidia.com/gpu=present:NoSchedule", "dedicated:NoExecute"))
    assert item["spec"]["taints"] == [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},
        {"key": "dedicated", "effect": "NoExecute"},
    ]


def test_labels_of_a_group_win_over_those_of_the_size():
    assert made("local-cpu", labels=(("kubernetes.io/arch", "riscv64"),))["metadata"]["labels"]["kubernetes.io/arch"] == "riscv64"


def test_a_node_is_registered_ready_with_its_kubelet_on_this_machine():
    status = made("local-cpu")["status"]
    assert {"type": "InternalIP", "address": "127.0.0.1"} in status["addresses"]
    assert status["daemonEndpoints"]["kubeletEndpoint"]["Port"] == 10250
    assert [c["status"] for c in status["conditions"] if c["type"] == "Ready"] == ["True"]


def test_arm_machines_say_so():
    assert made("Standard_ND128isr_NDR_GB200_v6")["metadata"]["labels"]["kubernetes.io/arch"] == "arm64"


def test_nodes_of_a_group_are_numbered():
    assert node_names(NodeGroup("gpu", "local-cpu", count=3)) == ["gpu-0", "gpu-1", "gpu-2"]


def test_the_default_profile_has_a_node_for_the_platform_and_a_tainted_one_for_gpu_work():
    system, gpu = DEFAULT_PROFILE
    assert vm_size(system.size).gpu is None
    assert vm_size(gpu.size).gpu is not None
    assert gpu.taints == ("nvidia.com/gpu=present:NoSchedule",)


def test_an_unknown_size_names_the_nearest_known_one():
    with pytest.raises(UnknownSize, match=r"Standard_NC40ads_H100_v4 is not a known VM size\. Did you mean Standard_NC40ads_H100_v5"):
        vm_size("Standard_NC40ads_H100_v4")


def test_a_size_with_a_part_of_a_gpu_shows_one_device():
    gpu = vm_size("Standard_NV6ads_A10_v5").gpu
    assert gpu is not None
    assert (gpu.count, gpu.fraction, gpu.memory_gib) == (1, "1/6", 4)
