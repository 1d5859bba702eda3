"""NIMs in the cluster: what is made of each, in which order, and that nothing else is."""

from __future__ import annotations

import itertools
import json

import pytest

from sdg.catalog.nims import nims
from sdg.platform.layout import NIM_CRDS
from tests.graph.nims import KEYS, run_nims

__all__ = ["run_nims"]  # the fixture

EVERY = tuple(sorted(nims()))
DOWNLOADED = ("qwen25-14b", "qwen3-235b", "qwen3-vl")
MARKED = "4dabf18193072939515e22adb298388d"  # of a secret in what the engine is sent
SERVICE, CACHE = "kubernetes:apps.nvidia.com/v1alpha1:NIMService", "kubernetes:apps.nvidia.com/v1alpha1:NIMCache"


@pytest.fixture
def everything(run_nims):
    return run_nims(*EVERY, cluster={"gpus": 16})


def named(graph, token):
    return sorted(graph.inputs[name]["metadata"]["name"] for name in graph.of_type(token))


def nim_resources(graph):
    return {name for name in graph.types if name.startswith("nim-") and not name.startswith("nim-operator")}


@pytest.mark.parametrize("wanted", [("cosmos-reason",), ("qwen3-vl", "qwen25-14b"), EVERY])
def test_there_are_the_services_that_are_needed_and_no_others(run_nims, wanted):
    assert named(run_nims(*wanted), SERVICE) == sorted(wanted)


def test_a_model_is_downloaded_where_the_catalog_says_so_into_a_volume_of_many_writers(everything):
    jobs = {f"{name}-hf-download" for name in DOWNLOADED}
    assert {name for name in named(everything, "kubernetes:batch/v1:Job") if name.endswith("-hf-download")} == jobs
    for name in DOWNLOADED:
        claim = everything.inputs[f"nim-{name}-volume"]
        assert claim["metadata"]["name"] == f"{name}-pvc"
        assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
        assert claim["spec"]["resources"]["requests"]["storage"] == nims()[name].volume.size
        assert claim["spec"]["storageClassName"] == "fast", "that of the cluster"
        assert everything.requests[f"nim-{name}-volume"].ignoreChanges == ["spec.storageClassName"], "a claim's class cannot change"
    assert not {f"nim-{name}-volume" for name in EVERY if name not in DOWNLOADED} & set(everything.types)


def test_a_download_is_a_job_that_stays_and_is_made_anew_when_it_changes_or_did_not_complete(everything):
    job = everything.inputs["nim-qwen3-235b-download"]
    assert "ttlSecondsAfterFinished" not in job["spec"]
    assert job["metadata"]["annotations"]["pulumi.com/replaceUnready"] == "true"
    assert job["metadata"]["annotations"]["pulumi.com/deletionPropagationPolicy"] == "background"  # its successor isn't to go with it
    assert job["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    assert everything.requests["nim-qwen3-235b-download"].deleteBeforeReplace
    (container,) = job["spec"]["template"]["spec"]["containers"]
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert environment["HF_HOME"] == "/model-store/huggingface"
    assert (environment["HF_HUB_DISABLE_XET"], environment["HF_XET_DISABLE"]) == ("1", "1")
    token = next(entry for entry in container["env"] if entry["name"] == "HF_TOKEN")
    assert token["valueFrom"] == {"secretKeyRef": {"name": "hf-token-secret", "key": "HF_TOKEN"}}
    assert "Qwen/Qwen3-235B-A22B" in container["command"]
    assert container["volumeMounts"] == [{"name": "model-store", "mountPath": "/model-store"}]


def test_another_token_makes_downloads_anew_and_nothing_else_of_a_nim(run_nims):
    before, after = (run_nims("qwen3-vl", "cosmos-reason", token=token) for token in (KEYS["HF_TOKEN"], "planted-other-token"))
    changed = {name for name in nim_resources(before) if before.inputs[name] != after.inputs[name]}
    assert changed == {"nim-qwen3-vl-download", "nim-downloads-gate", "nim-downloads-gate/verdict"}
    digests = [graph.inputs["nim-qwen3-vl-download"]["metadata"]["annotations"]["sdg/digest"] for graph in (before, after)]
    assert digests[0] != digests[1]


def test_another_ngc_key_rewrites_its_secrets_and_asks_again_and_downloads_nothing(run_nims):
    before, after = (run_nims("qwen3-vl", "cosmos-reason", ngc=key) for key in (KEYS["NGC_API_KEY"], "planted-other-ngc-key"))
    changed = {name for name in before.inputs if before.inputs[name] != after.inputs[name]}
    secrets = {"nim-operator-ngc", "nim-operator-pull-nim-operator", "nim-operator-pull-osmo-nims"}
    assert {name for name in changed if name.startswith("nim-")} == secrets
    assert "inference-gate" in changed


def test_one_gate_waits_for_all_downloads_and_holds_back_only_their_nims(everything):
    gate = everything.inputs["nim-downloads-gate"]
    assert sorted(entry["job"] for entry in gate["downloads"]) == [f"{name}-hf-download" for name in DOWNLOADED]
    assert len([name for name in everything.of_type("pulumi-python:dynamic/gate:Record") if "download" in name]) == 1
    assert "nim-downloads-gate/verdict" in everything.edges["nim-qwen3-vl"]
    assert not [name for name in EVERY if name not in DOWNLOADED and "nim-downloads-gate/verdict" in everything.edges[f"nim-{name}"]]


def test_without_downloads_there_is_no_gate_for_them(run_nims):
    assert not {"nim-downloads-gate", "nim-downloads-gate/verdict"} & set(run_nims("cosmos-reason").types)


def test_downloads_do_not_wait_for_the_operator(everything):
    assert "nim-operator-release" not in everything.waits_for("nim-qwen3-vl-download")


def test_things_happen_in_the_order_in_which_they_need_each_other(everything):
    chain = ("remains", "nim-operator-ownership", "nim-operator-nim-operator", "nim-operator-pull-nim-operator", "nim-operator-release")
    for earlier, later in itertools.pairwise((*chain, "nim-operator-nims-gone", "nim-cosmos-reason", "inference-gate")):
        assert earlier in everything.waits_for(later), (earlier, later)


def test_destroy_takes_services_then_waits_for_their_end_then_takes_the_operator_and_the_volumes(everything):
    for name in EVERY:  # destroy goes the other way round
        assert "nim-operator-nims-gone" in everything.waits_for(f"nim-{name}")
    assert "nim-operator-release" in everything.waits_for("nim-operator-nims-gone")
    assert "nim-qwen3-vl-volume" in everything.waits_for("nim-qwen3-vl")


def test_nims_of_many_gpus_come_before_those_of_one_and_those_pack(everything):
    assert "nim-qwen3-235b" in everything.edges["nim-cosmos-reason"] & everything.edges["nim-qwen3-vl"]
    alone = everything.inputs["nim-qwen3-235b"]["spec"]
    assert (alone["labels"], "affinity" in alone) == ({"sdg/gpus": "8"}, False)
    packed = everything.inputs["nim-cosmos-reason"]["spec"]
    (term,) = packed["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert packed["labels"] == term["podAffinityTerm"]["labelSelector"]["matchLabels"] == {"sdg/gpus": "1"}
    assert term["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"


@pytest.mark.parametrize("added", ["cosmos-reason", "qwen25-14b", "qwen3-235b"])
def test_one_nim_more_changes_nothing_of_the_others(run_nims, added):
    before, after = run_nims("qwen3-vl"), run_nims("qwen3-vl", added)
    for name, inputs in before.inputs.items():
        if name.startswith("nim-") and before.types[name] != "sdg:inference:NimOperator" and not name.startswith("nim-downloads-gate"):
            assert after.inputs[name] == inputs, name
    new = set(after.types) - set(before.types)
    assert {f"nim-{added}"} <= new <= {f"nim-{added}", f"nim-{added}-volume", f"nim-{added}-download"}


def test_nothing_is_waited_for_by_the_engine_itself(everything):
    for name in everything.of_type(SERVICE):
        assert everything.inputs[name]["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    assert everything.inputs["nim-operator-release"]["skipAwait"] is True


def test_the_operator_is_pinned_and_pulled_with_the_key(everything):
    release = everything.inputs["nim-operator-release"]
    assert (release["name"], release["namespace"], release["chart"], release["version"]) == (
        "nim-operator",
        "nim-operator",
        "k8s-nim-operator",
        "3.1.0",
    )
    assert release["values"] == {"operator": {"image": {"pullSecrets": ["nvcr-pull-secret"]}}}


def test_images_and_the_chart_come_through_the_mirror(run_nims):
    mirror = {
        "images": {"nvcr.io": "mirror.test/nvcr", "docker.io": "mirror.test/hub"},
        "charts": {"https://helm.ngc.nvidia.com": "https://mirror.test/ngc"},
    }
    graph = run_nims("qwen25-14b", "qwen-image-edit-2511", "cosmos-reason", mirror=mirror, prefetch=True)
    image = graph.inputs["nim-qwen25-14b"]["spec"]["image"]
    assert (image["repository"], image["tag"]) == ("mirror.test/nvcr/nim/nvidia/model-free-nim", "2.0.2")
    assert graph.inputs["nim-qwen-image-edit-2511"]["spec"]["image"]["repository"] == "mirror.test/hub/vllm/vllm-omni"
    assert graph.inputs["nim-cosmos-reason-cache"]["spec"]["source"]["ngc"]["modelPuller"].startswith("mirror.test/nvcr/")
    (container,) = graph.inputs["nim-qwen25-14b-download"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "mirror.test/hub/library/python:3.11-slim"
    release = graph.inputs["nim-operator-release"]
    assert release["repositoryOpts"] == {"repo": "https://mirror.test/ngc/nvidia"}
    assert release["values"]["operator"]["image"]["repository"] == "mirror.test/nvcr/nvidia/cloud-native/k8s-nim-operator"


def test_keys_stand_in_secrets_where_they_are_looked_for_and_nowhere_else(everything):
    secrets = {(graph["metadata"]["namespace"], graph["metadata"]["name"]) for graph in map(everything.inputs.get, of_nims(everything))}
    assert secrets == {
        ("nim-operator", "nvcr-pull-secret"),
        ("osmo-nims", "nvcr-pull-secret"),
        ("osmo-nims", "ngc-api-secret"),
        ("osmo-nims", "hf-token-secret"),
    }
    config = json.loads(everything.inputs["nim-operator-pull-osmo-nims"]["stringData"]["value"][".dockerconfigjson"])
    assert config["auths"]["nvcr.io"]["username"] == "$oauthtoken"
    assert config["auths"]["nvcr.io"]["password"] == KEYS["NGC_API_KEY"]
    for name, inputs in everything.inputs.items():
        for key in KEYS.values():
            if key in json.dumps(inputs, default=str):
                assert name in of_nims(everything), name
                assert MARKED in str(everything.requests[name].object)


def of_nims(graph):
    return [name for name in graph.of_type("kubernetes:core/v1:Secret") if name.startswith("nim-operator-")]


def test_without_a_token_there_is_no_secret_for_it(run_nims):
    graph = run_nims("cosmos-reason", token="")
    assert "nim-operator-hf-token" not in graph.types
    assert "nim-operator-ngc" in graph.edges["nim-cosmos-reason"]


@pytest.mark.parametrize("prefetch", [True, False])
def test_a_cache_fetches_nvidias_models_where_the_stack_asks_and_the_nim_would_find_them(run_nims, prefetch):
    graph = run_nims(*EVERY, prefetch=prefetch)
    cached = ["cosmos-reason", "cosmos-transfer", "qwen-image-edit"] if prefetch else []
    assert named(graph, CACHE) == cached
    for name in EVERY:
        storage = graph.inputs[f"nim-{name}"]["spec"]["storage"]
        assert storage.get("nimCache") == ({"name": name} if name in cached else None)
        assert ("pvc" in storage) is (name not in cached)
    if prefetch:
        cache = graph.inputs["nim-cosmos-reason-cache"]["spec"]
        claim = {"create": True, "size": "50Gi", "volumeAccessMode": "ReadWriteMany", "storageClass": "fast"}
        assert cache["storage"] == {"pvc": claim}
        assert cache["source"]["ngc"]["authSecret"] == "ngc-api-secret"
        assert "nim-cosmos-reason-cache" in graph.edges["nim-cosmos-reason"]


def test_nims_run_where_and_as_often_as_the_stack_says(run_nims):
    graph = run_nims(
        "qwen3-vl", "cosmos-reason", variants={"qwen3-vl": "two-gpus"}, replicas={"cosmos-reason": 3}, nodeSelector={"agentpool": "nims"}
    )
    large, small = graph.inputs["nim-qwen3-vl"]["spec"], graph.inputs["nim-cosmos-reason"]["spec"]
    assert (large["resources"]["limits"]["nvidia.com/gpu"], small["replicas"]) == ("2", 3)
    assert large["nodeSelector"] == small["nodeSelector"] == {"agentpool": "nims"}
    assert "NIM_MAX_MODEL_LEN" not in {entry["name"] for entry in large["env"]}
    assert graph.inputs["nim-operator"]["gpus"] == 5


def test_nims_tolerate_every_taint_of_nodes_with_gpus(run_nims):
    cluster = {
        "kind": "azure",
        "allowedRanges": ["198.51.100.7/32"],
        "acceptUnvalidated": True,
        "gpuPools": [{"name": "nims", "size": "Standard_NC24ads_A100_v4", "spot": True}],
    }
    graph = run_nims("cosmos-reason", cluster=cluster)
    tolerated = graph.inputs["nim-cosmos-reason"]["spec"]["tolerations"]
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in tolerated
    spot = {"key": "kubernetes.azure.com/scalesetpriority", "operator": "Equal", "value": "spot", "effect": "NoSchedule"}
    assert spot in tolerated


def test_what_fetches_a_model_goes_wherever_pods_without_gpus_may(run_nims):
    cluster = {
        "kind": "azure",
        "allowedRanges": ["198.51.100.7/32"],
        "acceptUnvalidated": True,
        "cpuPool": {"spot": True},
        "gpuPools": [{"name": "nims", "size": "Standard_NC24ads_A100_v4"}],
    }
    graph = run_nims("cosmos-reason", "qwen25-14b", cluster=cluster, prefetch=True)
    spot = {"key": "kubernetes.azure.com/scalesetpriority", "operator": "Equal", "value": "spot", "effect": "NoSchedule"}
    assert graph.inputs["nim-cosmos-reason-cache"]["spec"]["tolerations"] == [spot]
    assert graph.inputs["nim-qwen25-14b-download"]["spec"]["template"]["spec"]["tolerations"] == [spot]


def test_what_policies_judge_is_said(everything):
    facts = everything.inputs["nim-operator"]
    assert (facts["cluster"], facts["provider"], facts["endpoints"], facts["gpus"]) == ("existing", "nim-operator", list(EVERY), 16)
    assert {"pods", "pools", "transient"} <= set(facts)


def test_the_endpoints_gate_knows_where_each_nim_is_and_looks_again_when_one_changes(run_nims):
    before, after = run_nims("cosmos-reason"), run_nims("cosmos-reason", replicas={"cosmos-reason": 2})
    (endpoint,) = before.inputs["inference-gate"]["endpoints"]
    assert endpoint["address"] == {"namespace": "osmo-nims", "service": "cosmos-reason", "port": 8000}
    assert (endpoint["url"], endpoint["nim"]) == ("http://cosmos-reason.osmo-nims.svc.cluster.local:8000/v1", {"name": "cosmos-reason"})
    looks = [graph.inputs["inference-gate"]["triggers"] for graph in (before, after)]
    assert {key for key in looks[0] if looks[0][key] != looks[1][key]} == {"nim/cosmos-reason"}


@pytest.mark.parametrize(("data", "remove"), [("delete", False), ("retain", True)])
def test_destroy_leaves_nothing_of_nims_but_crds(run_nims, data, remove):
    graph = run_nims("qwen3-vl", data=data, removeCrds=remove)
    assert {"osmo-nims", "nim-operator"} <= set(graph.inputs["remains"]["namespaces"])
    assert graph.inputs["remains"]["nimOperator"] == {"install": True, "removeCrds": remove}
    assert not [name for name, request in graph.requests.items() if request.retainOnDelete and "nim" in name.replace("osmo-minimal", "")]
    assert len(NIM_CRDS) == 9


def test_nothing_turns_sharing_of_gpus_on(everything):
    sent = json.dumps([everything.inputs[name] for name in everything.inputs if name.startswith(("nim-", "gpu-operator"))], default=str)
    assert not [word for word in ("timeSlicing", "time-slicing", "mps", "migStrategy") if word in sent]
