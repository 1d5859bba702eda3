"""Whole stacks that follow their workload: exactly the endpoints that its spec refers to, wherever they come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.kept import DEADLINE, Kept, asked, commands, created, options
from tests.engine.rehearsing import STEPS, verdicts

SPECS = Path(__file__).resolve().parents[1] / "data" / "specs"
MINE = {"url": "https://models.example.com/v1", "model": "meta/llama-3.3-70b-instruct"}
ON_GPUS = ("cluster.gpus=6", "cluster.gpusPerNode=2", "cluster.minNodes=4")
SIX_GPUS = ("Standard_D16ds_v5", "Standard_NC80adis_H100_v5=3")
NIMS = ("inference.provider=nim-operator", "inference.storageClass=rehearsal-file", DEADLINE)
GIVEN = {"dataset": "d", "run_id": "r", "storage_url": "s3://b", "gpu_platform": "gpu", "video": "v", "skills_dir": "/x"}
VLM, LLM = (f"http://{name}.osmo-nims.svc.cluster.local:8000/v1" for name in ("qwen3-vl", "qwen25-14b"))


def workload(spec, **strings):
    return ("workload.kind=spec", f"workload.path={SPECS / spec}", *(f"workload.strings.{name}={value}" for name, value in strings.items()))


VDA = workload("vda/e2e.yaml", **GIVEN)
# by default, one of its tasks wants more disk than these machines have
DIG = workload("dig/texture_defect_generation_day0.yaml", name="texture-1", platform="gpu", infer_storage="90Gi")
EXTERNAL = (
    "inference.also[0].provider=external",
    *(f"inference.also[0].endpoints.mine.{key}={value}" for key, value in MINE.items()),
    "inference.also[0].endpoints.mine.capabilities[0]=text-llm",
    "inference.also[0].endpoints.mine.capabilities[1]=chat",
    "inference.also[0].endpoints.mine.key=externalApiKey",
    "workload.endpoints.llm_url=mine",
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """One with GPUs, whose workload changes from test to test; it starts as the last one of them."""
    with commands(tmp_path_factory.mktemp("workloads")) as of:
        yield Kept(of("rehearsal"), (*ON_GPUS, *NIMS, *VDA, *EXTERNAL), SIX_GPUS)


@pytest.fixture
def rehearsed(tmp_path):
    with commands(tmp_path) as of:
        yield of


def follow(stack, *config):
    """Gives the stack another workload, and updates it."""
    stack.remove("workload", "inference")
    stack.set(*NIMS, *config)
    stack.up()


def variables(stack):
    """The stack's output: URLs by the variable that takes them."""
    outputs = stack.outputs()
    assert outputs["gates"]["inference"] == "passed"
    return outputs["workloadVariables"]


@pytest.mark.timeout(600)
def test_video_augmentation_gets_its_two_nims_and_no_other(stack):
    follow(stack, *VDA)
    assert stack.services() == ["qwen25-14b", "qwen3-vl"]
    assert stack.endpoints() == ["qwen25-14b", "qwen3-vl"]
    assert variables(stack) == {"vlm_url": VLM, "llm_url": LLM}


@pytest.mark.timeout(600)
def test_defect_images_get_the_one_editor_that_their_labels_need(stack):
    follow(stack, *DIG)
    assert stack.services() == ["qwen-image-edit-nvpcb-ovsl2sl"]
    assert variables(stack) == {"image_edit_endpoint": "http://qwen-image-edit-nvpcb-ovsl2sl.osmo-nims.svc.cluster.local:8000/v1"}


@pytest.mark.timeout(600)
def test_a_variable_that_takes_an_endpoint_elsewhere_leaves_its_nim_out(stack):
    follow(stack, *VDA, *EXTERNAL)
    assert stack.services() == ["qwen3-vl"]
    assert stack.endpoints() == ["mine", "qwen3-vl"]
    assert variables(stack) == {"vlm_url": VLM, "llm_url": MINE["url"]}


@pytest.mark.timeout(600)
def test_foundry_serves_text_beside_a_nim_for_video_on_gpus_that_come_when_they_are_asked_for(rehearsed):
    sdg = rehearsed("azure")
    foundry = ("inference.also[0].provider=foundry", "inference.also[0].models.llama-3-3-70b.capacity=10")
    config = ("cluster.gpuPools[0].max=4", "inference.provider=nim-operator", *foundry, *VDA, "workload.endpoints.llm_url=llama-3-3-70b")
    stack = Kept(sdg, config)
    assert verdicts(stack.output) == dict.fromkeys(STEPS[:4], "held")
    assert created(stack.output, "NIMService") == {"nim-qwen3-vl"}
    assert stack.services() == ["qwen3-vl"]
    assert asked(stack.output) == {"qwen3-vl", "llama-3-3-70b"}
    urls = variables(stack)
    assert urls["vlm_url"] == VLM
    assert urls["llm_url"].startswith("https://foundry-")
    assert urls["llm_url"].endswith(".services.ai.azure.com/openai/v1")
    placed = stack.shell("kubectl get pods -n osmo-nims -l app.kubernetes.io/name=qwen3-vl -o 'jsonpath={.items[*].spec.nodeName}'")
    assert placed.startswith("aks-gpu-"), "of a pool that had no node"
    done = sdg.rehearse()
    assert done.returncode == 0, done.stdout
    assert verdicts(done.stdout) == dict.fromkeys(STEPS, "held")
    assert sdg.processes() == []


ALL = ("qwen25-14b", "qwen3-235b", "qwen3-vl", "qwen-image-edit", "qwen-image-edit-nvpcb-ovsl2sl")
ALL += ("cosmos-transfer", "cosmos-reason", "cosmos-predict")
PAIRS = ("cluster.gpus=16", "cluster.gpusPerNode=2", "cluster.minNodes=9", "inference.storageClass=rehearsal-file")
TOO_LARGE = {
    "eight GPUs on nodes of four": (
        "azure",
        (),
        ("cluster.gpuPools[0].size=Standard_NC96ads_A100_v4", "cluster.gpuPools[0].max=4"),
        ("qwen3-235b",),
        "qwen3-235b needs 8 GPUs on one node, and the largest node has 4",
    ),
    "all NIMs on nodes of two": (
        "rehearsal",
        ("Standard_D16ds_v5", "Standard_NC80adis_H100_v5=8"),
        PAIRS,
        ALL,
        "qwen3-235b needs 8 GPUs on one node, and the largest node has 2",
    ),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", TOO_LARGE)
def test_nims_without_a_place_are_refused_with_the_machine_that_would_do_before_anything_exists(rehearsed, case):
    stack, nodes, config, services, words = TOO_LARGE[case]
    sdg = rehearsed(stack)
    named = tuple(f"inference.services[{index}]={name}" for index, name in enumerate(services))
    chosen = options((*config, "inference.provider=nim-operator", *named))
    done = sdg.rehearse("--keep", *options(nodes, "--node"), *chosen)
    assert verdicts(done.stdout) == {"preflight": "failed"} | dict.fromkeys(STEPS[1:4], "skipped"), done.stdout
    for action in ("preview", "up --yes --skip-preview"):
        done = sdg.shell(f"pulumi {action} --stack {stack} --non-interactive")
        assert done.returncode != 0
        said = " ".join(done.stdout.split())
        assert words in said
        assert "1 Standard_ND96isr_H100_v5 (8 GPUs of 80 GiB each)" in said
    exported = sdg.shell(f"pulumi stack export --stack {stack} 2>/dev/null").stdout
    resources = json.loads(exported)["deployment"].get("resources") or []
    assert [resource["type"] for resource in resources if resource["type"] != "pulumi:pulumi:Stack"] == []
