"""The simulated NIM operator on a virtual cluster: what it makes of NIMServices, when they get ready, and how they fail."""

from __future__ import annotations

import subprocess
import time

import pytest
import requests
import yaml

from components.inference.nim_operator.download import download_spec
from components.inference.nim_operator.manifests import Placement, service_spec
from rehearsal.api import ACCOUNTS, CLAIMS, DEFINITIONS, DEPLOYMENTS, JOBS, PODS, SERVICES, ApiError
from rehearsal.cluster import VirtualCluster
from rehearsal.nims.kinds import NIM_CACHES, NIM_SERVICES
from rehearsal.nims.rendering import BINDINGS, ROLES
from rehearsal.nims.services import FINALIZER
from rehearsal.processes import ProcessTable
from sdg.catalog.nims import nims as all_nims
from sdg.settings.mirror import Mirror
from tests.engine.nims_cluster import CHART, OPERATOR, PROFILE, QWEN, TOLERATION, Space, asked, resources, until

pytestmark = pytest.mark.xdist_group("nims-cluster")


def test_a_nim_gets_ready_and_answers_through_its_service(cluster, nims):
    nims.reason()
    nims.ready("cosmos-reason")
    assert asked(cluster, nims, "cosmos-reason").json()["data"][0]["id"] == "nvidia/cosmos-reason2-8b"


def test_a_nim_consists_of_what_the_real_operator_makes(cluster, nims):
    nims.reason(labels={"team": "a", "app.kubernetes.io/part-of": "mine"}, env=[{"name": "NIM_LOG_LEVEL", "value": "DEBUG"}])
    status = nims.ready("cosmos-reason")
    of = {"namespace": nims.name, "name": "cosmos-reason"}
    owner = nims.api.get(NIM_SERVICES, **of)["metadata"]["uid"]
    parts = [nims.api.get(kind, **of) for kind in (ACCOUNTS, ROLES, BINDINGS, SERVICES, DEPLOYMENTS)]
    parts.append(nims.api.get(CLAIMS, "cosmos-reason-pvc", nims.name))
    assert [part["metadata"]["ownerReferences"][0]["uid"] for part in parts] == [owner] * 6
    service, deployment, claim = parts[3:]
    assert service["spec"]["ports"][0] | {"nodePort": 0} == {
        "name": "api",
        "port": 8000,
        "targetPort": "api",
        "protocol": "TCP",
        "nodePort": 0,
    }
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": "25%"}
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert (labels["team"], labels["app.kubernetes.io/part-of"], labels["app"]) == ("a", "nim-service", "cosmos-reason")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert status["model"]["clusterEndpoint"] == f"{service['spec']['clusterIP']}:8000"
    assert {one["type"]: one["status"] for one in status["conditions"]} == {"Ready": "True", "Failed": "False"}
    assert not any("observedGeneration" in one for one in status["conditions"])


def test_a_model_free_nim_crashes_until_a_job_has_put_its_model_where_it_looks(cluster, nims):
    nims.claim("qwen25-14b-pvc")
    nims.qwen()
    words = until(lambda: nims.last_words("qwen25-14b-"), "last words of the crashed pod")
    assert "HF_HUB_OFFLINE" in words
    assert nims.condition("qwen25-14b", "Ready")["message"].startswith('Waiting for deployment "qwen25-14b" rollout to finish')
    nims.download()
    until(lambda: nims.api.get(JOBS, "qwen25-14b-hf-download", nims.name)["status"].get("succeeded"), "completed download")
    nims.ready("qwen25-14b", 40)
    message = {"role": "user", "content": "Hello"}
    answer = asked(cluster, nims, "qwen25-14b", "/v1/chat/completions", {"model": QWEN, "messages": [message], "max_tokens": 1})
    assert answer.json()["choices"][0]["message"]["role"] == "assistant"
    unknown = asked(cluster, nims, "qwen25-14b", "/v1/chat/completions", {"model": "ga-model-free-nim", "messages": [message]})
    assert unknown.status_code == 404


def test_every_service_of_the_catalog_gets_ready_as_the_program_deploys_it(nims):
    catalog = sorted(all_nims().items(), key=lambda entry: -entry[1].gpus)
    at = Placement("shares", tolerations=(TOLERATION,))
    for name, nim in catalog:
        if nim.hugging_face and nim.hugging_face.download == "job":
            nims.claim(f"{name}-pvc", size=nim.volume.size)
            nims.create_job(f"{name}-hf-download", download_spec(name, nim.hugging_face, Mirror(), ()))
        nims.create_nim(name, service_spec(name, nim, Mirror(), at))
    for name, nim in catalog:
        assert nims.ready(name, 90)["model"]["name"] == nim.model, name


def test_a_daemon_that_starts_anew_answers_for_the_nims_that_are_ready(cluster, nims):
    nims.reason()
    nims.ready("cosmos-reason")
    ProcessTable(cluster.state).end(["daemon"])
    VirtualCluster(cluster.state, cluster.tools).start(PROFILE)
    until(lambda: asked(cluster, nims, "cosmos-reason").ok, "answer of the NIM")
    nims.reason("another")
    nims.ready("another")


def test_a_pod_that_somebody_deletes_is_made_again(nims):
    nims.reason()
    nims.ready("cosmos-reason")
    (pod,) = nims.pods("cosmos-reason")
    nims.api.delete(PODS, pod["metadata"]["name"], nims.name)
    until(lambda: pod["metadata"]["uid"] not in {one["metadata"]["uid"] for one in nims.pods("cosmos-reason")}, "another pod")
    nims.ready("cosmos-reason")


def test_a_flat_folder_is_no_tree_of_the_hub(cluster, nims):
    nims.claim("qwen25-14b-pvc")
    nims.download(script=f"hf download {QWEN} --local-dir /model-store")
    until(lambda: nims.api.get(JOBS, "qwen25-14b-hf-download", nims.name)["status"].get("succeeded"), "completed download")
    nims.qwen()
    assert "cannot be loaded" in until(lambda: nims.last_words("qwen25-14b-"), "last words of the crashed pod")


def test_an_image_editor_gets_ready_without_a_list_of_models_and_does_not_chat(cluster, nims):
    storage = {"pvc": {"create": True, "size": "120Gi", "volumeAccessMode": "ReadWriteMany", "storageClass": "shares"}}
    nims.nim("qwen-image-edit", "nvcr.io/nim/qwen/qwen-image-edit:1.0.0-variant", storage)
    nims.ready("qwen-image-edit")
    with cluster.forward(nims.name, "svc/qwen-image-edit") as url:
        assert requests.get(f"{url}/v1/models", timeout=10).status_code == 404
        assert requests.post(f"{url}/v1/chat/completions", json={}, timeout=10).status_code == 404
        form = {"prompt": (None, "make it red"), "image": ("a.png", b"png")}
        assert requests.post(f"{url}/v1/images/edits", files=form, timeout=10).json()["data"][0]["b64_json"]


def test_nothing_happens_without_the_manager_and_a_nim_cannot_go_without_it(cluster, nims):
    nims.claim("kept-pvc")
    nims.reason()
    nims.reason("kept", storage={"pvc": {"name": "kept-pvc"}})
    nims.ready("cosmos-reason")
    nims.ready("kept")
    cluster.scale(0)
    try:
        nims.reason("late")
        nims.api.delete(NIM_SERVICES, "cosmos-reason", nims.name)
        nims.api.delete(NIM_SERVICES, "kept", nims.name)
        time.sleep(1)  # nothing can be watched that must not come
        assert nims.status("late") == {}
        assert nims.api.get(NIM_SERVICES, "cosmos-reason", nims.name)["metadata"]["finalizers"] == [FINALIZER]
    finally:
        cluster.scale(1)
    until(lambda: nims.api.get(NIM_SERVICES, "cosmos-reason", nims.name) is None, "deleted NIM")
    until(lambda: nims.api.get(CLAIMS, "cosmos-reason-pvc", nims.name) is None, "deleted claim")
    assert nims.api.get(CLAIMS, "kept-pvc", nims.name) is not None
    nims.ready("late")


def test_a_changed_specification_rolls_and_a_label_changes_nothing(cluster, nims):
    nims.reason()
    nims.ready("cosmos-reason")
    (before,) = nims.pods("cosmos-reason")
    nims.api.patch(NIM_SERVICES, "cosmos-reason", {"metadata": {"labels": {"a": "b"}}}, nims.name)
    nims.api.patch(DEPLOYMENTS, "cosmos-reason", {"metadata": {"labels": {"by-hand": "yes"}}}, nims.name)
    nims.api.patch(NIM_SERVICES, "cosmos-reason", {"spec": {"env": [{"name": "A", "value": "1"}]}}, nims.name)
    until(lambda: before["metadata"]["uid"] not in {pod["metadata"]["uid"] for pod in nims.pods("cosmos-reason")}, "new pod")
    assert nims.is_in("cosmos-reason", "NotReady")
    nims.ready("cosmos-reason")
    nims.api.patch(NIM_SERVICES, "cosmos-reason", {"spec": {"replicas": 2}}, nims.name)
    until(lambda: len(nims.pods("cosmos-reason")) == 2, "two pods")
    nims.ready("cosmos-reason")


@pytest.mark.parametrize(
    ("storage", "message"),
    [
        ({}, "neither external PVC name, NIMCache volume or empty dir is provided"),
        ({"pvc": {"create": True, "size": "plenty"}}, "failed to parse size for pvc creation bad-pvc"),
        ({"nimCache": {"name": "gone"}}, "NIMCache gone not found"),
    ],
    ids=["no store", "no size", "no cache"],
)
def test_what_the_manager_cannot_make_fails_with_its_message(nims, storage, message):
    nims.reason("bad", storage=storage)
    until(lambda: nims.is_in("bad", "Failed"), "failed NIM")
    assert message in nims.condition("bad", "Failed")["message"]
    assert nims.condition("bad", "Ready")["status"] == "False"


def test_the_definition_refuses_what_lacks_a_secret_and_forgets_what_it_does_not_know(nims):
    made = nims.reason("known", priorityClassName="high", storage={"emptyDir": {}, "unknown": 1})
    assert "priorityClassName" not in made["spec"]
    assert made["spec"]["storage"] == {"emptyDir": {}}
    with pytest.raises(ApiError, match=r"spec.authSecret: Required value"):
        nims.reason("other", authSecret=None)


def test_a_claim_that_no_class_can_give_to_many_nodes_keeps_its_nim_waiting(nims):
    storage = {"pvc": {"create": True, "size": "50Gi", "volumeAccessMode": "ReadWriteMany", "storageClass": "rehearsal-block"}}
    nims.reason(storage=storage)
    assert "MULTI_NODE_MULTI_WRITER" in until(lambda: nims.events("ProvisioningFailed"), "event about the claim")[0]
    assert nims.is_in("cosmos-reason", "NotReady")


def test_the_scheduler_places_nims_by_gpus_of_a_node_and_not_by_their_sum(nims):
    nims.reason("one", storage={"emptyDir": {}})
    nims.reason("nine", storage={"emptyDir": {}}, resources=resources("48Gi", gpus=9))
    nims.ready("one")
    assert "Insufficient nvidia.com/gpu" in until(lambda: nims.events("FailedScheduling", "nine"), "event of the scheduler")[0]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"resources": {"limits": {"memory": "48Gi"}}}, "No CUDA GPUs"),
        ({"startupProbe": {"probe": {"httpGet": {"path": "/v1/health/ready", "port": 8000}, "failureThreshold": 3}}}, "startup probe"),
    ],
    ids=["no GPU", "impatient probe"],
)
def test_a_nim_that_lacks_what_it_needs_ends_with_a_word_why(nims, changed, words):
    nims.reason(storage={"emptyDir": {}}, **changed)
    assert words in until(lambda: nims.last_words("cosmos-reason-"), "last words")


def test_a_probe_of_another_port_never_finds_it_ready(nims):
    nims.reason(storage={"emptyDir": {}}, env=[{"name": "NIM_HTTP_API_PORT", "value": "9000"}])
    until(lambda: any(pod["status"]["phase"] == "Running" for pod in nims.pods("cosmos-reason")), "running pod")
    time.sleep(1.5)  # longer than it takes to get ready
    assert nims.is_in("cosmos-reason", "NotReady")


def test_a_nim_that_never_gets_ready_runs_and_says_why(cluster, nims, switch):
    switch("nim.never", name="cosmos-reason", message="the engine hangs")
    nims.reason()
    nims.reason("other")
    nims.ready("other")
    (pod,) = nims.pods("cosmos-reason")
    until(lambda: "the engine hangs" in cluster.log(nims.name, pod["metadata"]["name"]), "word in the log")
    until(lambda: nims.pods("cosmos-reason")[0]["status"]["phase"] == "Running", "running pod")
    assert nims.is_in("cosmos-reason", "NotReady")
    requests.delete(f"{cluster.state.service_urls()['control']}/faults", timeout=5)
    nims.ready("cosmos-reason")


def test_a_slow_nim_gets_ready_late(nims, switch):
    switch("nim.slow", name="cosmos-reason", seconds=4)
    began = time.monotonic()
    nims.reason()
    nims.ready("cosmos-reason")
    assert time.monotonic() - began > 4


@pytest.mark.parametrize(("status", "words"), [(429, "Too Many Requests"), (401, "Unauthorized"), (403, "Forbidden")])
def test_a_refused_download_ends_with_the_hubs_words(cluster, nims, switch, status, words):
    switch("nim.download", name="qwen25-14b", status=status)
    nims.claim("qwen25-14b-pvc")
    nims.download(tries=50)
    said = until(lambda: nims.last_words("qwen25-14b-hf-download"), "last words of the download")
    assert f"{status} Client Error: {words}" in said


def test_a_download_that_is_refused_once_comes_through_the_second_time(nims, switch):
    switch("nim.download", name="qwen25-14b", status=429, times=1)
    nims.claim("qwen25-14b-pvc")
    nims.download()
    until(lambda: nims.api.get(JOBS, "qwen25-14b-hf-download", nims.name)["status"].get("succeeded"), "completed download", 40)
    assert nims.events("BackOff", "qwen25-14b-hf-download")


def test_a_download_that_does_not_fit_its_claim_says_so(nims):
    nims.claim("qwen25-14b-pvc", size="10Gi")
    nims.download(tries=50)
    assert "No space left on device" in until(lambda: nims.last_words("qwen25-14b-hf-download"), "last words of the download")


@pytest.mark.parametrize(("state", "words"), [("expired", "401 Unauthorized"), ("other-organisation", "403 Forbidden")])
def test_a_key_that_opens_nothing_keeps_the_image_from_coming(cluster, nims, switch, state, words):
    switch("ngc.key", state=state)
    image = f"nvcr.io/nim/nvidia/{state}:1.0.0"  # no node has it yet
    nims.nim("fresh", image, {"emptyDir": {}})
    said = until(lambda: nims.waiting("fresh", "ImagePullBackOff"), "pod that waits for its image")
    assert words in said
    assert words in until(lambda: nims.events("Failed", "fresh-"), "event of the pull that failed")[0]
    requests.delete(f"{cluster.state.service_urls()['control']}/faults", timeout=5)
    nims.ready("fresh")


def test_an_image_of_a_nim_does_not_come_without_a_key(nims):
    nims.pull_secret("")
    nims.nim("fresh", "nvcr.io/nim/nvidia/without-a-key:1.0.0", {"emptyDir": {}})
    assert "401 Unauthorized" in until(lambda: nims.waiting("fresh", "ImagePullBackOff"), "pod that waits for its image")


def test_a_nim_waits_for_the_cache_that_its_store_is(nims, switch):
    switch("nim.download", name="cosmos-reason", status=429, times=1)
    source = {
        "ngc": {
            "modelPuller": "nvcr.io/nim/nvidia/cosmos-reason2-8b:1.7.0",
            "authSecret": "ngc-api-secret",
            "pullSecret": "nvcr-pull-secret",
        }
    }
    pvc = {"create": True, "size": "50Gi", "volumeAccessMode": "ReadWriteMany", "storageClass": "shares"}
    metadata = {"name": "cosmos-reason", "namespace": nims.name}
    body = {"apiVersion": NIM_CACHES.group_version, "kind": "NIMCache", "metadata": metadata}
    nims.api.create(NIM_CACHES, {**body, "spec": {"source": source, "storage": {"pvc": pvc}}})
    nims.reason(storage={"nimCache": {"name": "cosmos-reason"}})
    until(lambda: nims.condition("cosmos-reason", "Ready").get("reason") == "NIMCacheNotReady", "NIM that waits for its cache")
    nims.ready("cosmos-reason", 60)
    cache = nims.status("cosmos-reason", NIM_CACHES)
    assert (cache["state"], cache["pvc"]) == ("Ready", "cosmos-reason-pvc")


def test_an_upgrade_runs_its_job_and_a_value_that_is_no_value_is_refused(cluster):
    assert "REVISION" in cluster.install("--set", "operator.replicas=1")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        cluster.install("--set", "operator.webhook.enabled=false")
    assert "webhook" in refused.value.stderr


def test_the_manager_does_not_start_where_one_of_its_kinds_is_missing(cluster, nims):
    """Last: it takes a definition away."""
    cluster.api.delete(DEFINITIONS, "nemoguardrails.apps.nvidia.com")
    cluster.scale(0)
    cluster.api.patch(DEPLOYMENTS, OPERATOR, {"spec": {"replicas": 1}}, "nim-operator")
    manager = Space.__new__(Space)
    manager.api, manager.name = cluster.api, "nim-operator"
    assert 'no matches for kind "NemoGuardrail"' in until(lambda: manager.last_words(OPERATOR), "last words of the manager")
    nims.reason(storage={"emptyDir": {}})
    assert nims.status("cosmos-reason") == {}
    cluster.api.apply(DEFINITIONS, yaml.safe_load((CHART / "crds" / "apps.nvidia.com_nemoguardrails.yaml").read_text()))
    nims.ready("cosmos-reason", 40)
