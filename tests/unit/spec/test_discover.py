"""What specs need: the project's own ones, shaped like the published workloads, and one for each form that a need can have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdg.spec.discover import discover
from sdg.spec.problem import SpecError
from sdg.spec.references import NimReference
from sdg.spec.render import render
from sdg.spec.validate import validate
from sdg.spec.values import Values

SPECS = Path(__file__).parents[2] / "data" / "specs"
VDA = {
    "dataset": "vda-demo",
    "run_id": "run-0a1b2c3d",
    "storage_url": "s3://osmo-workflows",
    "gpu_platform": "gpu",
    "video": "clip",
    "skills_dir": "/opt/vda",
}
NAME = {"name": "texture-0a1b2c3d"}
TRAINING = {"use_pretrained_checkpoint": "false"}
EDIT = "qwen-image-edit-nvpcb-ovsl2sl"
FUNCTION = "0f0e0d0c-0000-4000-8000-00000000000{}"
VERSION = "0a0b0c0d-0000-4000-8000-00000000000{}"


def needs(name, values=None, environment=None):
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    return discover(render(text, Values(strings=values or {}, environment=environment or {})))


def form(name, values=None, environment=None):
    return needs(f"forms/{name}", values, environment)


def endpoints(found):
    return found.nim_services, tuple(each.function_id for each in found.nvcf_functions), found.foundry_endpoints, found.external_endpoints


# the published workloads


@pytest.mark.parametrize("flow", ["e2e", "augmentation_and_al"])
def test_video_augmentation_needs_its_two_models_and_nothing_else(flow):
    found = needs(f"vda/{flow}", VDA)
    assert endpoints(found) == (("qwen25-14b", "qwen3-vl"), (), (), ())
    assert (found.nim_gpus, found.errors) == (2, ())


def test_the_variables_that_hold_the_endpoints_are_known():
    assert needs("vda/e2e", VDA).variables == {"llm_url": (NimReference("qwen25-14b"),), "vlm_url": (NimReference("qwen3-vl"),)}


@pytest.mark.parametrize(("flow", "gpus", "cpus", "memory"), [("e2e", 2, 22, 256), ("augmentation_and_al", 1, 11, 128)])
def test_labelling_of_the_original_overlaps_with_the_augmentation_only_where_both_are_done(flow, gpus, cpus, memory):
    peak = needs(f"vda/{flow}", VDA).peak
    assert (peak.gpu, peak.cpu, peak.memory_gi) == (gpus, cpus, memory)


def test_video_augmentation_names_the_keys_of_its_credentials():
    found = {each.name: (each.use, each.payload_keys, each.env_vars) for each in needs("vda/e2e", VDA).credentials}
    assert found == {
        "hf_token": ("env", ("token",), ("HUGGING_FACE_HUB_TOKEN",)),
        "nvcr_io": ("env", ("auth",), ("LLM_API_KEY", "NGC_CLI_API_KEY", "VLM_API_KEY")),
    }


def test_the_cache_of_weights_needs_no_endpoint_and_both_downloads_at_once():
    found = needs("vda/setup_model_cache", VDA)
    assert endpoints(found) == ((), (), (), ())
    assert (found.peak.gpu, found.peak.cpu, found.peak.memory_gi, found.peak.storage_gi) == (0, 8, 32, 400)


@pytest.mark.parametrize("flow", ["texture_defect_generation_day0", "good_image_generation", "structural_defect_generation"])
def test_day_0_needs_exactly_its_own_edit_model(flow):
    assert endpoints(needs(f"dig/{flow}", NAME)) == ((EDIT,), (), (), ())


@pytest.mark.parametrize("flow", ["texture_defect_generation_day1_manual_roi", "finetune", "setup/setup_pretrained", "setup/setup_glass"])
def test_day_1_training_and_setup_need_no_endpoint(flow):
    assert endpoints(needs(f"dig/{flow}", NAME)) == ((), (), (), ())


@pytest.mark.parametrize(
    ("flow", "values", "gpus"),
    [
        ("texture_defect_generation_day0", {}, 1),
        ("texture_defect_generation_day0", TRAINING | {"usecase": "pcb"}, 2),
        ("texture_defect_generation_day1_manual_roi", {}, 1),
        ("texture_defect_generation_day1_manual_roi", TRAINING, 1),
        ("finetune", {"train_gpu": "4"}, 4),
        ("setup/setup_pretrained", {}, 0),
    ],
)
def test_defect_generation_holds_the_documented_gpus(flow, values, gpus):
    assert needs(f"dig/{flow}", NAME | values).peak.gpu == gpus


def test_training_on_day_0_asks_for_a_variable_that_the_other_branch_does_not():
    with pytest.raises(SpecError, match="usecase"):
        needs("dig/texture_defect_generation_day0", NAME | TRAINING)


def test_an_endpoint_of_ones_own_takes_the_place_of_the_default():
    found = needs("dig/good_image_generation", NAME | {"image_edit_endpoint": "https://edit.example.com/v1"})
    assert endpoints(found) == ((), (), (), ("https://edit.example.com/v1",))


def test_an_archive_that_nobody_named_is_told():
    text = (SPECS / "dig/setup/setup_glass.yaml").read_text(encoding="utf-8")
    (problem,) = validate(render(text, Values(strings=NAME)))
    assert (problem.path, problem.line, problem.message) == ("workflow.groups.1.tasks.0.inputs.0.url", 25, "is empty")


# one form each


@pytest.mark.parametrize(
    ("name", "services"),
    [
        ("header-comment", ()),
        ("comments", ("qwen3-vl",)),
        ("unused-default", ("qwen3-vl",)),
        ("overridden-default", ("qwen25-14b",)),
        ("defaults-of-shell-variables", ("qwen-image-edit", "qwen25-14b", "qwen3-vl")),
        ("branches", ()),
        ("inline-files", ("cosmos-reason", "cosmos-transfer", "qwen25-14b", "qwen3-vl")),
        ("shell-commands", ("cosmos-reason", "qwen-image-edit", "qwen25-14b", "qwen3-vl")),
        ("other-hosts", ()),
        ("names-that-are-no-references", ()),
        ("set-env", ("cosmos-reason",)),
    ],
)
def test_nothing_too_much_and_nothing_missed(name, services):
    found = form(name)
    assert (found.nim_services, found.errors) == (services, ())


def test_an_overridden_default_is_no_need():
    assert endpoints(form("overridden-default", {"llm_url": "https://llm.example.com/v1"})) == ((), (), (), ("https://llm.example.com/v1",))


def test_a_default_that_nothing_reads_holds_no_endpoint():
    assert set(form("unused-default").variables) == {"vlm_url"}


def test_an_environment_of_the_submission_stands_over_the_specs():
    found = form("set-env", environment={"VLM_URL": "http://qwen3-vl.osmo-nims.svc.cluster.local:8000/v1"})
    assert found.nim_services == ("qwen3-vl",)


def test_the_branch_that_is_taken_says_what_is_needed():
    own, hosted = form("branches"), form("branches", {"hosted": "yes"})
    assert (endpoints(own), own.peak.gpu, len(own.tasks)) == (((), (), (), ()), 1, 2)
    assert (endpoints(hosted), hosted.peak.gpu, len(hosted.tasks)) == (((), (), (), ("https://integrate.api.nvidia.com",)), 0, 1)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("unknown-nim", "qwen2.5-14b.osmo-nims.svc.cluster.local", "such as qwen25-14b"),
        ("nvcf-without-id", "https://api.nvcf.nvidia.com/v2/nvcf/pexec/functions/", "no function"),
        ("made-at-run-time", "${name}.osmo-nims.svc.cluster.local", "only when the task runs"),
    ],
)
def test_a_reference_that_nothing_can_satisfy_is_told_and_never_replaced(name, value, words):
    found = form(name)
    (problem,) = found.errors
    assert value in problem.value
    assert words in str(problem)
    assert problem.line is not None
    assert endpoints(found) == ((), (), (), ())


def test_short_names_are_told_with_the_right_form():
    first, second = form("short-names").errors
    assert first.legal == "http://qwen3-vl.osmo-nims.svc.cluster.local:8000/v1"
    assert second.legal == "http://qwen25-14b.osmo-nims.svc.cluster.local:8000/v1"


def test_other_ports_and_schemes_are_told_of_services_that_are_needed_all_the_same():
    found = form("ports-and-schemes")
    assert found.nim_services == ("cosmos-reason", "qwen25-14b", "qwen3-vl")
    assert [problem.path.rpartition(".")[2] for problem in found.errors] == ["A", "B", "C"]


def test_a_wrong_name_is_told_once_and_a_service_needed_once():
    found = form("repeated")
    assert (found.nim_services, found.nim_gpus, len(found.errors)) == (("qwen3-vl",), 1, 1)


def test_cloud_functions_are_found_by_paths_hosts_variables_and_ids():
    found = [(each.function_id, each.version_id) for each in form("nvcf").nvcf_functions]
    versions = {2: VERSION.format("a"), 4: VERSION.format("b")}
    assert found == [(FUNCTION.format(number), versions.get(number, "")) for number in range(1, 6)]


def test_foundry_is_found_by_its_hosts():
    hosts = ("models.inference.ai.azure.com", "sdg-models.cognitiveservices.azure.com", "sdg-models.services.ai.azure.com")
    assert endpoints(form("foundry")) == ((), (), hosts, ())


def test_endpoints_of_others_are_told_without_secrets_and_apart_from_other_urls():
    assert form("external").external_endpoints == (
        "http://10.1.2.3:9000/v1/images/edits",
        "http://vllm.models.svc.cluster.local:8000/v1",
        "https://integrate.api.nvidia.com/v1",
        "https://llm.example.com",
    )


def test_hosts_that_only_begin_like_a_service_are_other_peoples():
    assert form("other-hosts").external_endpoints == ("http://qwen3-vl.osmo-nims.svc.cluster.local.example.com/v1",)


def test_credentials_are_told_by_exact_name_and_use():
    found = [(each.name, each.use, each.payload_keys, each.mount_paths, each.tasks) for each in form("credentials").credentials]
    assert found == [
        ("github-pat", "mount", (), ("/tmp/github",), ("one",)),
        ("hf-token", "mount", (), ("/tmp/hf",), ("two",)),
        ("hf_token", "env", ("HF_TOKEN", "token"), (), ("one", "two")),
        ("wandb", "env", ("wandb_api_key",), (), ("two",)),
    ]


def test_images_are_told_as_written_and_registries_by_host():
    found = form("images")
    assert len(found.images) == 6
    assert found.registries == ("docker.io", "nvcr.io", "registry.example.com:5000")


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("sizes", [(2, 0, "512Mi", "1Ti"), (8, 4, "192Gi", "50Gi"), (1, 0, "1Gi", "1Gi")]),
        ("sizes-by-the-platform", [(1, 0, "1Gi", "1Gi")]),
        ("sizes-as-a-variable", [(4, 2, "32Gi", "10Gi")] * 3),
    ],
)
def test_sizes_come_from_profiles_and_else_from_the_platform(name, sizes):
    assert [(task.cpu, task.gpu, task.memory, task.storage) for task in form(name).tasks] == sizes


def test_sizes_are_added_up_in_binary_units():
    peak = form("sizes").peak
    assert (peak.gpu, peak.cpu, peak.memory_gi, peak.storage_gi) == (4, 11, 193.5, 1024 + 50 + 1)


def test_data_is_told_by_kind():
    found = [(each.kind, each.url.partition(":")[0], each.task) for each in form("data").data_urls]
    assert found == [("input", "azure", "one"), ("input", "gs", "one"), ("output", "s3", "one"), ("checkpoint", "swift", "one")]


def test_the_sets_that_run_together_are_told():
    together = needs("vda/e2e", VDA).together
    names = sorted(sorted(task.name for task in each) for each in together.sets)
    assert names == [["cosmos_worker_0", "pl_original_worker_0"], ["pl_augmented_worker_0", "pl_original_worker_0"], ["setup"]]
    assert together.complete


def test_the_json_has_the_documented_keys_and_nothing_else():
    found = json.loads(json.dumps(needs("vda/e2e", VDA).as_json()))
    assert list(found) == [
        *("nim_services", "nim_gpus", "nvcf_functions", "foundry_endpoints", "external_endpoints"),
        *("credentials", "images", "registries", "tasks", "peak", "errors"),
    ]
    assert list(found["credentials"][0]) == ["name", "use", "payload_keys", "env_vars", "mount_paths", "tasks"]
    assert list(found["tasks"][0]) == ["name", "group", "cpu", "gpu", "memory", "storage"]
    assert list(found["peak"]) == ["gpu", "cpu", "memory_gi", "storage_gi"]
    assert list(form("nvcf").as_json()["nvcf_functions"][0]) == ["function_id", "version_id"]
