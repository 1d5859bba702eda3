"""Whether NIMs and workloads have places: pools of settings, nodes of a cluster, and what the preflight says of both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components.cluster.azure.pools import SPOT_LABEL, SPOT_TAINT
from sdg.inference.pools import Host, found_pools, planned_pools
from sdg.inference.stack import plan_stack
from sdg.kube.errors import UnreachableError
from sdg.preflight.inference import cluster as clusters
from sdg.preflight.inference.cluster import CLASSES, NODES, PODS, Seen, Wanted
from sdg.settings.parse import check

SPECS = Path(__file__).parents[2] / "data" / "specs"
LAB = {"kind": "existing", "name": "lab-1"}
AZURE = {"kind": "azure", "allowedRanges": ["198.51.100.7/32"]}
H100X8 = "Standard_ND96isr_H100_v5"
ALL = ["qwen25-14b", "qwen3-235b", "qwen3-vl", "qwen-image-edit", "qwen-image-edit-nvpcb-ovsl2sl"]
ALL += ["cosmos-transfer", "cosmos-reason", "cosmos-predict"]
GPUS = "nvidia.com/gpu"


def wanted(cluster: dict[str, Any], inference: dict[str, Any], **others: Any) -> Wanted:
    """What a stack runs; without verify-gpu, unless `smoke` asks for it."""
    sections, _wrong = check({"cluster": cluster, "inference": inference, "smoke": {"gpu": "never"}, **others})
    planned = plan_stack(sections, {}, {})
    return Wanted(sections["cluster"], sections["inference"], planned.inference, planned.workload, sections["smoke"])


def nims(*services: str, **others: Any) -> dict[str, Any]:
    return {"provider": "nim-operator", "services": list(services), **others}


def refusals(found: Any) -> list[str]:
    return [f"{each.seen} {each.remedy}" for each in found if each.check == "inference-fit"]


def node(name: str, gpus: int = 0, *, memory: str = "400Gi", cpu: str = "40", **others: Any) -> dict[str, Any]:
    labels = {"kubernetes.io/hostname": name, **({"nvidia.com/gpu.present": "true"} if gpus else {}), **others.get("labels", {})}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": others.get("taints", []), "unschedulable": others.get("cordoned", False)},
        "status": {
            "allocatable": {"cpu": cpu, "memory": memory, "ephemeral-storage": "500Gi", GPUS: str(gpus)},
            "conditions": [{"type": "Ready", "status": "False" if others.get("down") else "True"}],
        },
    }


def pod(where: str, namespace: str = "default", gpus: int = 0, **others: Any) -> dict[str, Any]:
    container = {"resources": {"requests": others.get("requests", {}), "limits": {GPUS: str(gpus)} if gpus else {}}}
    return {
        "metadata": {"name": "p", "namespace": namespace, "labels": others.get("labels", {})},
        "spec": {"nodeName": where, "containers": [container], **others.get("spec", {})},
        "status": {"phase": others.get("phase", "Running")},
    }


class Cluster:
    """A cluster's API, as objects."""

    def __init__(self, nodes: list[Any], pods: list[Any] | None = None, classes: list[Any] | None = None) -> None:
        self.lists = {NODES: nodes, PODS: pods or [], CLASSES: classes or []}

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        return {"items": self.lists[path]}


class TestSettings:
    def test_pools_of_azure_have_the_marks_that_their_nodes_get(self) -> None:
        spot = {**AZURE, "gpuPools": [{"name": "gpus", "size": "Standard_NC40ads_H100_v5", "max": 3, "spot": True}]}
        *_, pool = planned_pools(wanted(spot, nims("cosmos-reason")).cluster)
        assert (pool.name, pool.minimum, pool.maximum, pool.gpus) == ("gpus", 0, 3, 1)
        assert pool.labels is not None
        assert SPOT_LABEL.items() <= pool.labels.items()
        assert pool.taints == ("nvidia.com/gpu=present:NoSchedule", SPOT_TAINT)

    def test_a_nim_for_eight_gpus_is_refused_on_smaller_nodes_with_the_size_that_would_do(self) -> None:
        fours = {**AZURE, "gpuPools": [{"size": "Standard_NC96ads_A100_v4", "max": 8}]}
        [said] = refusals(clusters.places(wanted(fours, nims("qwen3-235b"))))
        assert "qwen3-235b" in said
        assert "qwen3-235b needs 8 GPUs on one node, and the largest node has 4" in said
        assert H100X8 in said
        eights = {**AZURE, "gpuPools": [{"size": H100X8, "max": 1}]}
        assert refusals(clusters.places(wanted(eights, nims("qwen3-235b")))) == []

    def test_all_nims_on_pairs_of_gpus_are_refused_although_the_sum_fits(self) -> None:
        pairs = {**LAB, "gpus": 16, "gpusPerNode": 2, "minNodes": 8}
        said = refusals(clusters.places(wanted(pairs, nims(*ALL))))
        assert any("qwen3-235b" in each for each in said)
        smaller = [name for name in ALL if name != "qwen3-235b"]
        assert refusals(clusters.places(wanted(pairs, nims(*smaller)))) == []

    def test_two_gpus_of_a_variant_count_and_so_do_replicas(self) -> None:
        singles = {**LAB, "gpus": 2, "gpusPerNode": 1, "minNodes": 2}
        assert refusals(clusters.places(wanted(singles, nims("qwen3-vl")))) == []
        assert refusals(clusters.places(wanted(singles, nims("qwen3-vl", variants={"qwen3-vl": "two-gpus"}))))
        assert refusals(clusters.places(wanted(singles, nims("cosmos-reason", replicas={"cosmos-reason": 2})))) == []
        assert refusals(clusters.places(wanted(singles, nims("cosmos-reason", replicas={"cosmos-reason": 3}))))

    def test_a_pool_that_is_too_small_for_nims_and_workload_together_is_refused(self) -> None:
        workload = {"kind": "spec", "path": str(SPECS / "vda" / "e2e.yaml")}
        workload |= {
            "strings": {"dataset": "d", "run_id": "r", "storage_url": "s3://b", "gpu_platform": "gpu", "video": "v", "skills_dir": "/x"}
        }
        lab = {**LAB, "dedicatedGpuNodes": True, "minNodes": 3}
        pair = wanted({**lab, "gpus": 2, "gpusPerNode": 2}, {"provider": "nim-operator"}, workload=workload)
        [said] = refusals(clusters.places(pair))
        assert "task " in said
        assert "qwen3-vl" in said
        plenty = wanted({**lab, "gpus": 4, "gpusPerNode": 4}, {"provider": "nim-operator"}, workload=workload)
        assert refusals(clusters.places(plenty)) == []

    @pytest.mark.parametrize("smoke", [{}, {"gpu": "always"}], ids=["auto", "always"])
    def test_verify_gpu_needs_a_gpu_beside_those_that_nims_keep(self, smoke: dict[str, str]) -> None:
        pair = {**LAB, "gpus": 2, "gpusPerNode": 2}
        [said] = refusals(clusters.places(wanted(pair, nims("cosmos-reason", "cosmos-predict"), smoke=smoke)))
        assert "verify-gpu has no place beside cosmos-predict, cosmos-reason" in said
        assert "set sdg:smoke.gpu to never" in said
        assert refusals(clusters.places(wanted(pair, nims("cosmos-reason", "cosmos-predict")))) == []
        assert refusals(clusters.places(wanted(pair, nims("cosmos-reason"), smoke=smoke))) == []
        three = {**LAB, "gpus": 3, "gpusPerNode": 1, "minNodes": 3}
        assert refusals(clusters.places(wanted(three, nims("cosmos-reason", "cosmos-predict"), smoke=smoke))) == []

    def test_verify_gpu_may_make_a_pool_grow_by_a_node_and_no_further_than_its_maximum(self) -> None:
        def grows(most: int) -> list[str]:
            pools = [{"name": "gpus", "size": "Standard_NC40ads_H100_v5", "max": most}]
            return refusals(clusters.places(wanted({**AZURE, "gpuPools": pools}, nims("cosmos-reason"), smoke={})))

        [said] = grows(1)
        assert "let pool gpus have 2 nodes (now 1)" in said
        assert grows(2) == []

    def test_leaving_verify_gpu_out_is_no_remedy_where_the_workload_has_no_place_either(self) -> None:
        workload = {"kind": "spec", "path": str(SPECS / "dig" / "texture_defect_generation_day0.yaml"), "strings": {"name": "n"}}
        single = {**LAB, "gpus": 1, "gpusPerNode": 1}
        found = refusals(clusters.places(wanted(single, {"provider": "nim-operator"}, workload=workload, smoke={})))
        assert found
        assert not any("smoke" in each for each in found)

    def test_one_machine_is_judged_by_what_it_says_of_itself(self) -> None:
        box = {"kind": "microk8s", "gpus": 1}
        reason = wanted(box, nims("cosmos-transfer"))
        assert refusals(clusters.places(reason, None, Host(1, 16, 128))) == []
        assert refusals(clusters.places(reason, None, Host(1, 16, 64)))
        assert refusals(clusters.places(reason, None, Host(0, 16, 128)))
        [note] = clusters.places(reason)
        assert note.check == "inference-fit-open"
        assert "memory of nodes" in note.seen


class TestACluster:
    def test_its_nodes_count_with_what_others_leave_free(self) -> None:
        lab = wanted({**LAB, "gpus": 2}, nims("cosmos-reason", "cosmos-predict"))
        free = Cluster([node("a", 2)])
        assert refusals(clusters.places(lab, clusters.read(free))) == []
        taken = Cluster([node("a", 2)], [pod("a", gpus=1)])
        [said] = refusals(clusters.places(lab, clusters.read(taken)))
        assert "cosmos-" in said

    @pytest.mark.parametrize(
        "leaving",
        [
            pod("a", "osmo-nims", 1, labels={"app.kubernetes.io/part-of": "nim-service"}),
            pod("a", "osmo-workflows", 1),
            pod("a", gpus=1, phase="Succeeded"),
            pod("b", gpus=1),
        ],
        ids=["its own NIMs", "workflows", "ended", "elsewhere"],
    )
    def test_what_goes_or_is_counted_already_takes_nothing(self, leaving: dict[str, Any]) -> None:
        lab = wanted({**LAB, "gpus": 1}, nims("cosmos-reason"))
        assert refusals(clusters.places(lab, clusters.read(Cluster([node("a", 1)], [leaving])))) == []

    @pytest.mark.parametrize("lost", [{"cordoned": True}, {"down": True}])
    def test_nodes_that_take_no_pods_do_not_count(self, lost: dict[str, Any]) -> None:
        assert found_pools([node("a", 1, **lost)], []) == ()

    def test_a_taint_that_nims_do_not_tolerate_keeps_them_off(self) -> None:
        lab = wanted({**LAB, "gpus": 1}, nims("cosmos-reason"))
        tainted = node("a", 1, taints=[{"key": "team", "value": "other", "effect": "NoSchedule"}])
        assert (
            "the taint team=other:NoSchedule of its nodes is not tolerated"
            in refusals(clusters.places(lab, clusters.read(Cluster([tainted]))))[0]
        )
        ours = node("a", 1, taints=[{"key": GPUS, "value": "present", "effect": "NoSchedule"}])
        assert refusals(clusters.places(lab, clusters.read(Cluster([ours])))) == []

    def test_memory_of_gpus_is_that_of_their_labels(self) -> None:
        small = found_pools([node("a", 1, labels={"nvidia.com/gpu.memory": "24576"})], [])
        assert small[0].vram_gib == 24
        sized = found_pools([node("a", 8, labels={"node.kubernetes.io/instance-type": H100X8})], [])
        assert sized[0].vram_gib == 80

    def test_init_containers_and_overhead_count_as_the_scheduler_counts_them(self) -> None:
        spec = {
            "initContainers": [
                {"resources": {"requests": {"cpu": "6"}}},
                {"resources": {"requests": {"cpu": "1"}}, "restartPolicy": "Always"},
            ],
            "overhead": {"cpu": "500m"},
        }
        [pool] = found_pools([node("a", cpu="10")], [pod("a", requests={"cpu": "2"}, spec=spec)])
        assert pool.cpu == pytest.approx(3.5)
        [other] = found_pools([node("a", cpu="10")], [pod("a", requests={"cpu": "7"}, spec=spec)])
        assert other.cpu == pytest.approx(1.5)

    def test_before_anybody_counts_its_gpus_the_settings_do(self) -> None:
        lab = wanted({**LAB, "gpus": 1}, nims("cosmos-reason"))
        found = list(clusters.places(lab, clusters.read(Cluster([node("a", 0)]))))
        assert refusals(found) == []
        assert "offer 0 of the 1 GPUs that sdg:cluster.gpus plans, so those of the settings count" in found[0].seen

    def test_one_that_cannot_be_read_is_said_and_the_settings_count(self) -> None:
        lab = wanted({**LAB, "gpus": 1}, nims("cosmos-reason"))
        [note] = clusters.places(lab, Seen(failure="connection refused"))
        assert "could not be read (connection refused)" in note.seen
        assert clusters.look("no kubeconfig at all").failure

    def test_an_api_that_does_not_answer_is_a_failure_and_no_crash(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Silent:
            def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
                raise UnreachableError("timed out")

        monkeypatch.setattr(clusters.KubernetesApi, "connect", lambda _connection: Silent())
        assert clusters.look("{}").failure == "timed out"


def storage_class(name: str, provisioner: str, *, default: bool = False) -> dict[str, Any]:
    marks = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {"metadata": {"name": name, "annotations": marks}, "provisioner": provisioner}


class TestStorage:
    DISKS = storage_class("gp3", "ebs.csi.aws.com", default=True)
    SHARES = storage_class("efs", "efs.csi.aws.com")

    def said(self, inference: dict[str, Any], *classes: dict[str, Any], **cluster: Any) -> list[str]:
        stack = wanted({**LAB, "gpus": 1, **cluster}, inference)
        seen = clusters.read(Cluster([node("a", 1)], classes=list(classes)))
        return [f"{each.seen} {each.remedy}" for each in clusters.storage(stack, seen)]

    def test_a_class_of_disks_is_refused_by_name_with_what_would_do(self) -> None:
        [text] = self.said(nims("cosmos-reason"), self.DISKS, self.SHARES)
        assert "StorageClass gp3 (ebs.csi.aws.com)" in text
        assert "ReadWriteMany" in text
        assert "sdg:inference.storageClass" in text

    def test_a_class_of_shares_passes_whoever_names_it(self) -> None:
        assert self.said(nims("cosmos-reason", storageClass="efs"), self.DISKS, self.SHARES) == []
        assert self.said(nims("cosmos-reason"), self.DISKS, self.SHARES, storageClass="efs") == []
        assert self.said(nims("cosmos-reason"), storage_class("mine", "example.com/unknown", default=True)) == []

    def test_a_class_that_is_not_there_is_named_with_those_that_are(self) -> None:
        [text] = self.said(nims("cosmos-reason", storageClass="nfs"), self.DISKS)
        assert "sdg:inference.storageClass: the cluster has no StorageClass nfs" in text
        assert "it has gp3" in text
        [none] = self.said(nims("cosmos-reason"), self.SHARES)
        assert "has no default StorageClass" in none

    def test_without_nims_nobody_asks(self) -> None:
        external = {"provider": "external", "endpoints": {"a": {"url": "http://a/v1", "model": "m", "capabilities": ["chat"]}}}
        assert self.said(external, self.DISKS) == []
