"""What each NIMService says, as NVIDIA's guide for physical AI gives it."""

from __future__ import annotations

import pytest

from tests.graph.nims import run_nims

__all__ = ["run_nims"]  # the fixture

MODEL_FREE = {
    "NIM_CACHE_PATH": "/model-store",
    "HF_HOME": "/model-store/huggingface/hub",
    "HF_HUB_OFFLINE": "1",
    "NIM_PROXY_CLIENT_MAX_BODY_SIZE": "500M",
}


def of_model(model):
    return {**MODEL_FREE, "NIM_MODEL_PATH": f"hf://{model}", "NIM_SERVED_MODEL_NAME": model}


NGC_KEY = {"NGC_API_KEY": "ngc-api-secret/NGC_API_KEY"}
OMNI = {"HF_TOKEN": "hf-token-secret/HF_TOKEN", "HF_HOME": "/model-store/huggingface"}
ENVIRONMENT = {
    "qwen25-14b": of_model("Qwen/Qwen2.5-14B-Instruct"),
    "qwen3-235b": of_model("Qwen/Qwen3-235B-A22B")
    | {
        "NIM_TENSOR_PARALLEL_SIZE": "8",
        "VLLM_ENABLE_EXPERT_PARALLEL": "1",
        "NIM_DISABLE_CUDA_GRAPH": "true",
        "NIM_MAX_MODEL_LEN": "32768",
    },
    "qwen3-vl": of_model("Qwen/Qwen3-VL-30B-A3B-Instruct")
    | {
        "VLLM_ENABLE_EXPERT_PARALLEL": "1",
        "NIM_DISABLE_CUDA_GRAPH": "true",
        "NIM_MAX_MODEL_LEN": "131072",
        "NVIDIA_DRIVER_CAPABILITIES": "compute,utility,video",
        "NIM_MAX_VIDEOS_PER_PROMPT": "1",
        "NIM_MEDIA_IO_KWARGS": '{"video":{"num_frames":8}}',
        "NIM_MM_PROCESSOR_KWARGS": '{"videos_kwargs":{"min_pixels":1568,"max_pixels":262144}}',
    },
    "qwen-image-edit": {"NIM_MODEL_VERSION": "qwen-image-edit-2511", "NIM_SERVED_MODEL_NAME": "qwen/qwen-image-edit-2511"},
    "qwen-image-edit-nvpcb-ovsl2sl": OMNI,
    "qwen-image-edit-2511": OMNI,
    "cosmos-transfer": NGC_KEY,
    "cosmos-reason": NGC_KEY,
    "cosmos-predict": {**NGC_KEY, "NIM_CACHE_PATH": "/model-store/cache"},
}
# GPUs, memory, volume
SIZES = {
    "qwen25-14b": ("1", "48Gi", None),
    "qwen3-235b": ("8", "512Gi", None),
    "qwen3-vl": ("1", "96Gi", None),
    "qwen-image-edit": ("1", "128Gi", "120Gi"),
    "qwen-image-edit-nvpcb-ovsl2sl": ("1", "128Gi", "150Gi"),
    "qwen-image-edit-2511": ("1", "128Gi", "150Gi"),
    "cosmos-transfer": ("1", "96Gi", "150Gi"),
    "cosmos-reason": ("1", "48Gi", "50Gi"),
    "cosmos-predict": ("1", "96Gi", "100Gi"),
}


@pytest.fixture(params=sorted(ENVIRONMENT))
def service(request, run_nims):
    """Name and spec of each NIM."""
    return request.param, run_nims(*sorted(ENVIRONMENT)).inputs[f"nim-{request.param}"]["spec"]


def said(entry):
    if "value" in entry:
        return entry["value"]
    reference = entry["valueFrom"]["secretKeyRef"]
    return f"{reference['name']}/{reference['key']}"


def test_its_environment_is_exactly_what_it_needs(service):
    name, spec = service
    assert {entry["name"]: said(entry) for entry in spec.get("env", [])} == ENVIRONMENT[name]


def test_it_gets_what_it_asks_for_and_no_more(service):
    name, spec = service
    gpus, memory, _ = SIZES[name]
    assert spec["resources"]["requests"] == spec["resources"]["limits"]
    limits = dict(spec["resources"]["limits"])
    assert (limits.pop("nvidia.com/gpu"), limits.pop("memory")) == (gpus, memory)
    assert limits == ({"ephemeral-storage": "50Gi"} if spec["image"]["repository"] == "vllm/vllm-omni" else {})


def test_its_volume_is_the_one_that_was_filled_or_one_that_the_operator_makes_for_many_writers(service):
    name, spec = service
    size = SIZES[name][2]
    made = {"create": True, "size": size, "volumeAccessMode": "ReadWriteMany", "storageClass": "fast"}
    assert spec["storage"]["pvc"] == (made if size else {"name": f"{name}-pvc"})


def test_it_answers_on_port_8000_in_the_cluster_alone(service):
    _, spec = service
    assert spec["expose"] == {"service": {"type": "ClusterIP", "port": 8000}}
    assert (spec["replicas"], spec["authSecret"]) == (1, "ngc-api-secret")
    assert "schedulerName" not in spec, "NIMs are no workflows"


def test_nvidias_images_are_pulled_with_nvidias_key_and_others_without(service):
    _, spec = service
    ours = spec["image"]["repository"].startswith("nvcr.io/")
    assert spec["image"].get("pullSecrets", []) == (["nvcr-pull-secret"] if ours else [])
    assert spec["image"]["pullPolicy"] == "IfNotPresent"


def test_it_is_given_the_time_that_its_start_takes(service):
    name, spec = service
    omni = spec["image"]["repository"] == "vllm/vllm-omni"
    startup = spec["startupProbe"]
    assert startup["enabled"] is True
    path = "/v1/models" if omni else "/v1/health/ready"
    assert startup["probe"] == {
        "httpGet": {"path": path, "port": 8000},
        "initialDelaySeconds": 60,
        "periodSeconds": 30,
        "timeoutSeconds": 5,
        "failureThreshold": 180 if name == "qwen3-235b" else 120,
    }
    if omni:
        assert spec["readinessProbe"] == startup
        alive = {"tcpSocket": {"port": 8000}, "initialDelaySeconds": 180, "periodSeconds": 30, "timeoutSeconds": 5, "failureThreshold": 10}
        assert spec["livenessProbe"] == {"enabled": True, "probe": alive}
    else:
        assert not {"readinessProbe", "livenessProbe"} & set(spec), "the operator's own"


@pytest.mark.parametrize(
    ("name", "command", "args"),
    [
        ("qwen-image-edit-nvpcb-ovsl2sl", ["vllm", "serve"], ["nvidia/Qwen-Image-Edit-NVPCB-OVSL2SL"]),
        ("qwen-image-edit-2511", ["vllm"], ["serve", "Qwen/Qwen-Image-Edit-2511"]),
    ],
)
def test_a_server_that_is_no_nim_is_told_what_to_do(run_nims, name, command, args):
    resource = run_nims(*sorted(ENVIRONMENT)).inputs[f"nim-{name}"]
    spec = resource["spec"]
    assert (spec["command"], spec["args"]) == (command, [*args, "--omni", "--host", "0.0.0.0", "--port", "8000"])  # noqa: S104 -- in its pod
    assert (spec["userID"], spec["groupID"], spec["storage"]["sharedMemorySizeLimit"]) == (0, 0, "32Gi")
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/component": "image-edit-endpoint"}
    assert resource["metadata"]["labels"] == labels
    assert labels.items() <= spec["labels"].items()
