"""What keeps the program of a NIM from serving its model: everything that the catalog works around, and nothing that it says."""

from __future__ import annotations

import pytest

from rehearsal.nims.images import image, repository
from rehearsal.nims.starts import ending
from sdg.catalog.nims import nims
from tests.unit.nims.making import downloaded, pod, seen, service, without

QWEN, VL, LARGE, OMNI, PREDICT = "qwen25-14b", "qwen3-vl", "qwen3-235b", "qwen-image-edit-nvpcb-ovsl2sl", "cosmos-predict"


def ended(of, **given):
    started = pod(of)
    folders = given.pop("folders", downloaded(started))
    return ending(started, image(started["spec"]["containers"][0]["image"]), seen(folders, **given))


def words(of, **given):
    found = ended(of, **given)
    assert found is not None, "it serves its model"
    return found.message


@pytest.mark.parametrize("name", sorted(nims()))
def test_every_service_of_the_catalog_starts(name):
    assert ended(service(name)) is None


@pytest.mark.parametrize("name", [QWEN, VL, LARGE])
def test_a_model_free_image_needs_the_hubs_tree_where_it_looks(name):
    assert "HF_HUB_OFFLINE" in words(service(name), folders={})
    assert "HF_HUB_OFFLINE" in words(service(name), folders={"models--other--model": 1.0})


def test_a_model_free_image_that_may_fetch_needs_nothing_beforehand():
    assert ended(without(service(QWEN), "HF_HUB_OFFLINE"), folders={}) is None


def test_a_model_free_image_needs_a_model():
    assert "NIM_MODEL_PATH" in words(without(service(QWEN), "NIM_MODEL_PATH"))


@pytest.mark.parametrize(
    ("name", "variable", "why"),
    [
        (VL, "NIM_DISABLE_CUDA_GRAPH", "without NIM_DISABLE_CUDA_GRAPH"),
        (VL, "NIM_MAX_MODEL_LEN", "without NIM_MAX_MODEL_LEN"),
        (LARGE, "NIM_TENSOR_PARALLEL_SIZE", "without NIM_TENSOR_PARALLEL_SIZE"),
        (LARGE, "NIM_DISABLE_CUDA_GRAPH", "without NIM_DISABLE_CUDA_GRAPH"),
        (PREDICT, "NIM_CACHE_PATH", "Read-only file system"),
        (OMNI, "HF_HOME", "ephemeral-storage"),
    ],
)
def test_a_workaround_that_is_left_out_is_felt(name, variable, why):
    assert why in words(without(service(name), variable))


def test_the_larger_vision_model_on_two_gpus_needs_neither_workaround():
    of = service(VL, resources={"limits": {"nvidia.com/gpu": "2", "memory": "180Gi"}})
    assert ended(without(of, "NIM_DISABLE_CUDA_GRAPH", "NIM_MAX_MODEL_LEN")) is None


def test_too_little_memory_of_the_host_kills_it():
    found = ended(service(PREDICT, resources={"limits": {"nvidia.com/gpu": "1", "memory": "48Gi"}}))
    assert (found.exit_code, "OOMKilled" in found.message) == (137, True)


@pytest.mark.parametrize(("name", "vram"), [(VL, 48.0), (LARGE, 48.0), ("qwen-image-edit", 48.0), ("cosmos-transfer", 24.0)])
def test_weights_that_do_not_fit_the_gpus_end_in_cudas_words(name, vram):
    assert "CUDA out of memory" in words(service(name), vram_gib=vram)


def test_gpus_whose_memory_nobody_says_are_not_judged():
    assert ended(service(VL), vram_gib=None) is None


def test_a_small_shared_memory_ends_the_multi_process_server():
    storage = {key: value for key, value in service(OMNI)["spec"]["storage"].items() if key != "sharedMemorySizeLimit"}
    assert "/dev/shm" in words(service(OMNI, storage=storage))


def test_an_image_that_fetches_from_ngc_needs_a_key_until_it_has_its_model():
    assert "NGC_API_KEY" in words(service("cosmos-reason"), folders={}, key=False)
    assert ended(service("cosmos-reason"), key=False) is None


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("nvcr.io/nim/nvidia/model-free-nim:2.0.2", "nim/nvidia/model-free-nim"),
        ("localhost:5000/mirror/nim/a/b@sha256:0", "mirror/nim/a/b"),
        ("vllm/vllm-omni:v0.20.0", "vllm/vllm-omni"),
        ("python", "python"),
    ],
)
def test_a_reference_names_its_repository(reference, name):
    assert repository(reference) == name


def test_a_mirrors_image_is_the_one_that_it_mirrors():
    assert image("registry.internal/nvcr/nim/nvidia/model-free-nim:2.0.2") == image("nvcr.io/nim/nvidia/model-free-nim:2.0.2")


@pytest.mark.parametrize("name", sorted(nims()))
def test_the_simulated_images_are_those_of_the_catalog(name):
    known = image(nims()[name].image)
    assert known.lists == nims()[name].lists_model
    assert nims()[name].ready in (*known.health, "/v1/models")
