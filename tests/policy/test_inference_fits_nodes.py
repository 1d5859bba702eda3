from __future__ import annotations

import pytest

from policy.rules.inference_fits_nodes import INFERENCE_FITS_NODES as FITS
from policy.rules.inference_fits_nodes import INFERENCE_KEEPS_ITS_PLACES as KEEPS
from sdg.catalog.fit import Group, Pod, Pool
from sdg.catalog.nims import nim

COMPONENT = "sdg:inference:NimOperator"
TAINTS = ("nvidia.com/gpu=present:NoSchedule",)
ALL = tuple(
    "qwen25-14b qwen3-235b qwen3-vl qwen-image-edit qwen-image-edit-nvpcb-ovsl2sl cosmos-transfer cosmos-reason cosmos-predict".split()  # noqa: SIM905
)


def facts(names, size, nodes, groups=()):
    return {
        "cluster": "azure",
        "provider": "nim-operator",
        "endpoints": list(names),
        "gpus": sum(nim(name).gpus for name in names),
        "pods": [Pod.of_nim(name, nim(name)).facts() for name in names],
        "transient": [group.facts() for group in groups],
        "pools": [Pool.of_size("gpu", size, 0, nodes, taints=TAINTS).facts()],
    }


def task(name, gpus):
    return Pod.of_task(name, gpus=gpus, cpu=11, memory_gib=100, storage_gib=100)


@pytest.mark.parametrize(
    ("names", "size", "nodes", "words"),
    [
        (
            ["qwen3-235b"],
            "Standard_NC96ads_A100_v4",
            4,
            ["needs 8 GPUs on one node, and the largest node has 4", "Standard_ND96isr_H100_v5"],
        ),
        (ALL, "Standard_NC80adis_H100_v5", 8, ["qwen3-235b needs 8 GPUs on one node, and the largest node has 2"]),
        (["qwen3-vl"], "Standard_NC4as_T4_v3", 9, ["each GPU has 16 GiB of the 58 that are needed"]),
        (["qwen3-vl", "qwen25-14b"], "Standard_NC40ads_H100_v5", 1, ["for want of GPUs", "let pool gpu have 2 nodes (now 1)"]),
    ],
)
def test_nims_without_a_place_are_refused_with_what_would_do(judge, names, size, nodes, words) -> None:
    (message,) = judge(FITS, COMPONENT, facts(names, size, nodes)).violations
    assert all(word in message for word in words), message


def test_a_workload_that_has_no_place_beside_the_nims_is_refused_though_another_one_has(judge) -> None:
    beside = [Group("one by one", (task("label", 1),)), Group("both", (task("label", 1), task("augment", 1)))]
    (message,) = judge(FITS, COMPONENT, facts(["qwen3-vl", "qwen25-14b"], "Standard_NC40ads_H100_v5", 3, beside)).violations
    assert "augment has no place beside qwen3-vl, qwen25-14b, label while it runs" in message
    assert judge(FITS, COMPONENT, facts(["qwen3-vl", "qwen25-14b"], "Standard_NC40ads_H100_v5", 3, beside[:1])).violations == ()


@pytest.mark.parametrize("resource_type", [COMPONENT, "sdg:inference:Tomorrow"])
def test_what_has_places_passes(judge, resource_type) -> None:
    assert judge(FITS, resource_type, facts(ALL, "Standard_ND96isr_H100_v5", 2)).violations == ()
    assert judge(FITS, resource_type, facts([], "Standard_ND96isr_H100_v5", 0)).violations == ()


def test_places_that_depend_on_the_scheduler_are_told(judge) -> None:
    (message,) = judge(KEEPS, COMPONENT, facts(ALL, "Standard_ND96isr_H100_v5", 2)).violations
    assert "qwen3-235b has a place only if it is placed before the smaller ones" in message
    assert judge(KEEPS, COMPONENT, facts(["qwen3-vl", "qwen25-14b"], "Standard_ND96isr_H100_v5", 1)).violations == ()
    # that is the other rule's
    assert judge(KEEPS, COMPONENT, facts(["qwen3-235b"], "Standard_NC96ads_A100_v4", 1)).violations == ()


@pytest.mark.parametrize("key", ["pods", "pools"])
def test_a_component_that_runs_nims_and_says_too_little_does_not_escape(judge, key) -> None:
    said = facts(["qwen3-vl"], "Standard_NC40ads_H100_v5", 1)
    del said[key]
    (message,) = judge(FITS, COMPONENT, said).violations
    assert f"registers no {key}" in message
    assert judge(KEEPS, COMPONENT, said).not_applicable


@pytest.mark.parametrize("rule", [FITS, KEEPS])
def test_what_is_unknown_is_not_judged_and_that_is_said(judge, unknown, rule) -> None:
    said = facts(["qwen3-235b"], "Standard_NC96ads_A100_v4", 4)
    said["pools"][0]["maximum"] = unknown
    found = judge(rule, COMPONENT, said)
    assert found.violations == ()
    assert "can't be known during preview" in found.unknown


@pytest.mark.parametrize("rule", [FITS, KEEPS])
@pytest.mark.parametrize(
    ("resource_type", "properties"), [("sdg:osmo:Osmo", {}), ("sdg:inference:Nvcf", {"cluster": "azure", "provider": "nvcf", "gpus": 0})]
)
def test_what_runs_no_nims_is_not_applicable(judge, rule, resource_type, properties) -> None:
    found = judge(rule, resource_type, properties)
    assert (found.violations, bool(found.not_applicable)) == ((), True)
