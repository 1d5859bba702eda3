"""What the fit check says of NIMs and workloads on machines that can be had."""

from __future__ import annotations

import pytest

from sdg.catalog.allocatable import allocatable, reservations
from sdg.catalog.fit import Group, Pod, Pool, Toleration, fit
from sdg.catalog.nims import nim, nims
from sdg.catalog.vm_sizes import vm_size

TAINTS = ("nvidia.com/gpu=present:NoSchedule",)
EIGHT = [name for name in nims() if name != "qwen-image-edit-2511"]


def gpu_pool(size: str, maximum: int, name: str = "gpu", taints: tuple[str, ...] = TAINTS) -> Pool:
    return Pool.of_size(name, size, 0, maximum, taints=taints, os_disk_gib=256)


def system_pool(maximum: int = 1) -> Pool:
    return Pool.of_size("system", "Standard_D16ds_v5", maximum, maximum)


def of_nims(*names: str) -> list[Pod]:
    return [Pod.of_nim(name, nim(name)) for name in names]


def task(name: str, gpus: int = 1, cpu: float = 11, memory: float = 100) -> Pod:
    return Pod.of_task(name, gpus=gpus, cpu=cpu, memory_gib=memory, storage_gib=100)


# as the documents of the workload have them
E2E = Group("e2e", (task("label", memory=128), task("augment")))
VDA = ("qwen3-vl", "qwen25-14b")


def test_a_nim_of_eight_gpus_on_nodes_of_four_is_refused_with_the_sizes_that_would_do() -> None:
    [misfit] = fit(of_nims("qwen3-235b"), [], [gpu_pool("Standard_NC96ads_A100_v4", 4)]).misfits
    assert misfit.pods == ("qwen3-235b",)
    assert misfit.reason == ("qwen3-235b needs 8 GPUs on one node, and the largest node has 4 (pool gpu, Standard_NC96ads_A100_v4).")
    assert "1 Standard_ND96isr_H100_v5 (8 GPUs of 80 GiB each)" in misfit.remedy
    assert "Standard_ND96asr_v4" not in misfit.remedy  # eight GPUs as well, of 40 GiB


def test_all_eight_on_eight_nodes_of_two_gpus_are_refused_although_the_sum_fits() -> None:
    pool = gpu_pool("Standard_NC80adis_H100_v5", 8)
    assert sum(nim(name).gpus for name in EIGHT) < pool.gpus * pool.maximum
    [misfit] = fit(of_nims(*EIGHT), [], [pool]).misfits
    assert "qwen3-235b needs 8 GPUs on one node, and the largest node has 2" in misfit.reason
    assert "1 Standard_ND96isr_H100_v5" in misfit.remedy
    without = [name for name in EIGHT if name != "qwen3-235b"]
    assert fit(of_nims(*without), [], [pool]).placed


def test_all_eight_on_two_nodes_of_eight_gpus_have_places_if_the_big_one_comes_first() -> None:
    found = fit(of_nims(*EIGHT), [], [gpu_pool("Standard_ND96isr_H100_v5", 2)])
    assert (found.placed, found.holds, found.holds_in_any_order) == (True, True, False)
    assert found.risk.startswith("qwen3-235b has a place only if it is placed before the smaller ones")
    assert found.nodes == {"gpu": 2}
    third = fit(of_nims(*EIGHT), [], [gpu_pool("Standard_ND96isr_H100_v5", 2), gpu_pool("Standard_ND96isr_H100_v5", 6, "more")])
    assert (third.holds_in_any_order, third.risk) == (True, "")


@pytest.mark.parametrize(("nodes", "placed"), [(3, False), (4, True)])
def test_vda_needs_two_gpus_for_its_models_and_two_for_itself(nodes: int, placed: bool) -> None:
    found = fit(of_nims(*VDA), [E2E], [gpu_pool("Standard_NC40ads_H100_v5", nodes), system_pool()])
    assert found.placed is placed
    if not placed:
        [misfit] = found.misfits
        assert misfit.group == "e2e"
        assert "augment has no place beside qwen3-vl, qwen25-14b, label while it runs for want of GPUs" in misfit.reason
        assert "let pool gpu have 4 nodes (now 3)" in misfit.remedy


def test_groups_that_never_run_together_share_their_room() -> None:
    apart = [Group("label", (task("label"),)), Group("augment", (task("augment"),))]
    pools = [gpu_pool("Standard_NC40ads_H100_v5", 3), system_pool()]
    assert fit(of_nims(*VDA), apart, pools).placed
    assert not fit(of_nims(*VDA), [Group("both", (*apart[0].pods, *apart[1].pods))], pools).placed


def test_what_bears_no_taint_is_offered_nodes_without_one() -> None:
    # a task on the default platform of a cluster whose nodes with GPUs are everybody's
    wide = Group("g", (Pod("wide", 1, 8, 64, storage_gib=200),))
    [misfit] = fit([], [wide], [Pool("small", 3, 3, 2, 94, 80, 600, 115)]).misfits
    assert "a node has 115 GiB of disk for pods, of the 200 that are needed" in misfit.reason
    assert misfit.remedy.startswith("It would do to add nodes: 1 Standard_")


def test_a_group_that_a_stack_can_do_without_is_offered_where_that_would_do() -> None:
    proof = Group("proof", (task("proof", cpu=1, memory=4),), "leave the proof out")
    assert Group.of(proof.facts()) == proof
    singles = gpu_pool("Standard_NC40ads_H100_v5", 2)
    [misfit] = fit(of_nims(*VDA), [proof], [singles]).misfits
    assert "proof has no place beside qwen3-vl, qwen25-14b" in misfit.reason
    assert "let pool gpu have 3 nodes (now 2)" in misfit.remedy
    assert misfit.remedy.endswith(", or to leave the proof out.")
    [misfit] = fit(of_nims(*VDA), [E2E, proof], [singles, system_pool()]).misfits
    assert misfit.group == "e2e"
    assert "proof" not in misfit.remedy
    unusable = fit(of_nims(*VDA), [Group("proof", (task("proof", gpus=8),), "leave the proof out")], [singles, system_pool()])
    assert [each.remedy.endswith(", or to leave the proof out.") for each in unusable.misfits] == [True]


def test_one_place_must_suit_every_group_since_what_stays_does_not_move() -> None:
    # the small one has to leave whichever node a group wants whole; both want another one
    stays = [Pod("stays", memory_gib=1)]
    pools = [Pool("fast", 0, 1, 1, None, None, 10), Pool("large", 0, 1, 0, None, None, 20)]
    first, second = Group("first", (Pod("first", 1, 0, 10),)), Group("second", (Pod("second", 0, 0, 20),))
    assert fit(stays, [first], pools).placed
    assert fit(stays, [second], pools).placed
    [misfit] = fit(stays, [first, second], pools).misfits
    assert misfit.reason == "There is no way to place stays that leaves room for each of first and second, one after the other."
    assert "add 1 node like fast" in misfit.remedy


def test_what_is_short_is_named() -> None:
    # GPUs are plenty, memory of the machine is not
    [misfit] = fit([Pod.of_nim("qwen-image-edit", nim("qwen-image-edit"), 2)], [], [Pool("gpu", 0, 1, 4, 80, 32, 200)]).misfits
    assert "for want of memory" in misfit.reason
    [misfit] = fit([], [Group("g", (task("a", 0), task("b", 0)))], [Pool("cpu", 0, 1, cpu=16, memory_gib=500)]).misfits
    assert "for want of CPU" in misfit.reason


@pytest.mark.parametrize(
    ("pod", "pool", "words"),
    [
        (Pod("a", gpus=1, vram_gib=80), Pool("p", 0, 1, 1, 24), "each GPU has 24 GiB of the 80 that are needed"),
        (
            Pod("a", gpus=1, memory_gib=128),
            Pool("p", 0, 1, 1, 80, 8, 64),
            "a node has 64 GiB of memory for pods, of the 128 that are needed",
        ),
        (Pod("a", cpu=12), Pool("p", 0, 1, cpu=7.82), "a node has 7.82 cores for pods, of the 12 that are needed"),
        (
            Pod("a", storage_gib=150),
            Pool("p", 0, 1, storage_gib=115.2),
            "a node has 115.2 GiB of disk for pods, of the 150 that are needed",
        ),
        (Pod("a", node_selector={"agentpool": "nims"}), Pool("p", 0, 1, labels={}), "its nodes have no label agentpool=nims"),
        (Pod("a"), Pool("p", 0, 1, taints=("lent=true:NoExecute",)), "the taint lent=true:NoExecute of its nodes is not tolerated"),
        (Pod("a", gpus=1), Pool("p", 0, 1), "a needs 1 GPU on one node, and no node has any"),
        (Pod("a", gpus=1), Pool("p", 0, 0, 8), "a needs 1 GPU on one node, and no node has any"),
        (Pod("a"), Pool("p", 0, 0), "a fits no node: there may not be any"),
    ],
)
def test_why_a_pod_fits_no_node_is_said(pod: Pod, pool: Pool, words: str) -> None:
    [misfit] = fit([pod], [], [pool]).misfits
    assert words in misfit.reason


@pytest.mark.parametrize(
    ("toleration", "taint", "expected"),
    [
        (Toleration("a", "Exists"), "a=1:NoSchedule", True),
        (Toleration("a", "Exists", "", "NoExecute"), "a=1:NoSchedule", False),
        (Toleration("a", "Equal", "1", "NoSchedule"), "a=1:NoSchedule", True),
        (Toleration("a", "Equal", "2", "NoSchedule"), "a=1:NoSchedule", False),
        (Toleration("a"), "a:NoSchedule", True),
        (Toleration("", "Exists"), "anything=x:NoExecute", True),
        (Toleration("b", "Exists"), "a=1:NoSchedule", False),
        (Toleration("b", "Exists"), "a=1:PreferNoSchedule", True),
    ],
)
def test_taints_keep_pods_away_as_the_scheduler_says(toleration: Toleration, taint: str, expected: bool) -> None:
    assert fit([Pod("a", tolerations=(toleration,))], [], [Pool("p", 0, 1, taints=(taint,))]).placed is expected


def test_what_is_not_known_is_not_judged_and_told() -> None:
    found = fit(
        [*of_nims("qwen3-vl", "qwen-image-edit-nvpcb-ovsl2sl"), Pod("own", 1, 2, 1, 1, 1, {"a": "b"})], [], [Pool("there", 1, 1, 3)]
    )
    assert found.placed
    assert found.not_judged == (
        "How much memory the GPUs of qwen-image-edit-nvpcb-ovsl2sl need is not stated.",
        "The memory of each GPU of pool there is not known.",
        "The CPU of nodes of pool there is not known.",
        "The memory of nodes of pool there is not known.",
        "The disk of nodes of pool there is not known.",
        "Which labels are on nodes of pool there is not known.",
    )


def test_a_pod_that_no_known_machine_takes_has_no_advice() -> None:
    [misfit] = fit([Pod("huge", gpus=64)], [], [gpu_pool("Standard_ND96isr_H100_v5", 2)]).misfits
    assert misfit.remedy == ""
    assert str(misfit) == misfit.reason


def test_sizes_that_only_some_can_have_are_proposed_last() -> None:
    [misfit] = fit(
        [Pod("two", 2, vram_gib=90, tolerations=(Toleration("", "Exists"),))], [], [gpu_pool("Standard_NC40ads_H100_v5", 2)]
    ).misfits
    assert misfit.remedy.startswith("It would do to add nodes: 1 Standard_NC80adis_H100_v5 (2 GPUs of 94 GiB each)")


@pytest.mark.parametrize("of", [Pod.of_nim("qwen3-vl", nim("qwen3-vl"), 2, {"a": "b"}, (Toleration("x", "Exists"),)), task("a")])
def test_pods_come_back_from_plain_facts(of: Pod) -> None:
    assert Pod.of(of.facts()) == of
    assert Group.of(Group("g", (of,)).facts()) == Group("g", (of,))


@pytest.mark.parametrize("of", [gpu_pool("Standard_NC40ads_H100_v5", 3), Pool("there", 1, 1, 3)])
def test_pools_come_back_from_plain_facts(of: Pool) -> None:
    assert Pool.of(of.facts()) == of


def test_a_task_brings_its_sidecar_and_a_node_its_daemons() -> None:
    extra = reservations()
    pod = task("a", 1, 11, 128)
    assert (pod.cpu, pod.memory_gib, pod.storage_gib) == (11 + extra.sidecar.cores, 128 + extra.sidecar.memory_gib, 101)
    bare, held = (Pool.of_size("p", "Standard_D16ds_v5", 0, 1, daemons=daemons) for daemons in (False, True))
    left = allocatable(vm_size("Standard_D16ds_v5"))
    assert bare.amount == (0, left.cpu_millis, left.memory_mib, left.storage_mib)
    assert held.cpu == pytest.approx(bare.cpu - extra.daemons.cores)


def test_what_a_node_keeps_is_less_on_small_machines_and_grows_with_the_pods_that_it_may_have() -> None:
    small, large = (allocatable(vm_size(size)) for size in ("Standard_D2s_v3", "Standard_ND96isr_H100_v5"))
    assert (small.cpu_millis, large.cpu_millis) == (1900, 95260)
    assert small.memory_mib == 8 * 1024 - 2 * 1024 - 100  # at most a quarter, and what the kubelet keeps free
    few, many = (allocatable(vm_size("Standard_D16ds_v5"), max_pods=pods).memory_mib for pods in (30, 250))
    assert few - many == 20 * 220


def test_nodes_that_are_just_there_are_asked_for_by_one_of_them_once_for_those_that_are_alike() -> None:
    nodes = [Pool(f"node-{index}", 1, 1, 1, 80, 40, 300, labels={"kubernetes.io/hostname": f"node-{index}"}) for index in range(3)]
    [misfit] = fit([Pod("four", 1, count=4)], [], nodes).misfits
    assert misfit.remedy.count("add 1 node like node-0") == 1
    assert "node-1" not in misfit.remedy
    assert "pool" not in misfit.remedy
