"""The simulated NIM operator on a virtual cluster: what it makes of NIMServices, when they get ready, and how they fail."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import yaml

from rehearsal.api import (
    ACCOUNTS,
    CLAIMS,
    DEFINITIONS,
    DEPLOYMENTS,
    EVENTS,
    JOBS,
    PODS,
    SECRETS,
    SERVICES,
    STORAGE_CLASSES,
    Api,
    ApiError,
    Resource,
)
from rehearsal.cluster import VirtualCluster
from rehearsal.nims.kinds import NIM_CACHES, NIM_SERVICES
from rehearsal.nims.rendering import BINDINGS, ROLES
from rehearsal.nims.services import FINALIZER
from rehearsal.nodes import NodeGroup
from rehearsal.state import StateDir
from rehearsal.tools import Tools

pytestmark = pytest.mark.xdist_group("nims-cluster")
NAMESPACES = Resource("v1", "namespaces")
CHART = Path(__file__).parents[2] / "rehearsal" / "charts" / "k8s-nim-operator"
OPERATOR = "nim-operator-k8s-nim-operator"
TAINT = "nvidia.com/gpu=present:NoSchedule"
TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
QWEN = "Qwen/Qwen2.5-14B-Instruct"
PROFILE = (
    NodeGroup("system", "Standard_D16ds_v5"),
    NodeGroup("gpu", "Standard_NC80adis_H100_v5", 2, taints=(TAINT,), os_disk_gib=256),
)
STARTUP = {"httpGet": {"path": "/v1/health/ready", "port": 8000}, "initialDelaySeconds": 60, "periodSeconds": 30, "failureThreshold": 120}


class Cluster:
    """A virtual cluster with the operator's chart installed."""

    def __init__(self, state, tools):
        self.state, self.tools = state, tools
        self.api = Api.of_kubeconfig(state.kubeconfig, state.pki / "ca.crt")
        self.environment = os.environ | {
            "KUBECONFIG": str(state.kubeconfig),
            **{f"HELM_{kind}_HOME": str(state.root / "helm-of-tests" / kind) for kind in ("CACHE", "CONFIG", "DATA")},
        }

    def helm(self, *arguments):
        command = [self.tools.path("helm"), *arguments, "-n", "nim-operator"]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=True).stdout

    def install(self, *more):
        chart = ("k8s-nim-operator", "--repo", f"{self.state.service_urls()['charts']}/nvidia", "--version", "3.1.0")
        return self.helm("upgrade", "--install", "nim-operator", *chart, "--create-namespace", "--wait", *more)

    def scale(self, replicas):
        self.api.patch(DEPLOYMENTS, OPERATOR, {"spec": {"replicas": replicas}}, "nim-operator")
        until(lambda: self.manager().get("availableReplicas", 0) == replicas, f"manager with {replicas} replicas")

    def manager(self):
        return self.api.get(DEPLOYMENTS, OPERATOR, "nim-operator")["status"]

    def log(self, namespace, pod):
        command = [self.tools.path("kubectl"), "logs", "-n", namespace, pod]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=20, check=True).stdout

    @contextmanager
    def forward(self, namespace, what, port=8000):
        """`kubectl port-forward`; gives the URL."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            local = free.getsockname()[1]
        command = [self.tools.path("kubectl"), "port-forward", "-n", namespace, what, f"{local}:{port}"]
        running = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            assert "Forwarding" in running.stdout.readline()
            yield f"http://127.0.0.1:{local}"
        finally:
            running.terminate()
            running.wait(10)


def until(look, what, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    tools, state = Tools.locate(), StateDir(tmp_path_factory.mktemp("cluster") / "state")
    virtual = VirtualCluster(state, tools)
    try:
        virtual.start(PROFILE)
        found = Cluster(state, tools)
        found.api.create(STORAGE_CLASSES, storage_class("shares", "file.rehearsal.sdg"))
        found.install()
        yield found
    finally:
        virtual.stop(purge=True)


@pytest.fixture
def switch(cluster):
    """Sets a fault switch; all are taken back afterwards."""
    url = f"{cluster.state.service_urls()['control']}/faults"
    yield lambda name, /, **fields: requests.put(f"{url}/{name}", json=fields, timeout=5).raise_for_status()
    requests.delete(url, timeout=5).raise_for_status()


@pytest.fixture
def nims(cluster):
    """A namespace with the Secrets that NIMs need."""
    space = Space(cluster.api, f"nims-{uuid.uuid4().hex[:8]}")
    yield space
    for item in cluster.api.list(NIM_SERVICES, space.name)["items"]:
        cluster.api.delete(NIM_SERVICES, item["metadata"]["name"], space.name)
    cluster.api.delete(NAMESPACES, space.name)


class Space:
    """One namespace of NIMs."""

    def __init__(self, api, name):
        self.api, self.name = api, name
        api.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.secret("ngc-api-secret", NGC_API_KEY="nvapi-test")
        self.secret("hf-token-secret", HF_TOKEN="hf_test")
        self.pull_secret("nvapi-test")

    def secret(self, name, **data):
        self.api.create(SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": self._named(name), "stringData": data})

    def pull_secret(self, key):
        auth = {"username": "$oauthtoken", "password": key, "auth": base64.b64encode(f"$oauthtoken:{key}".encode()).decode()}
        body = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson", "metadata": self._named("nvcr-pull-secret")}
        self.api.apply(SECRETS, {**body, "stringData": {".dockerconfigjson": json.dumps({"auths": {"nvcr.io": auth}})}})

    def claim(self, name, size="50Gi", mode="ReadWriteMany", of_class="shares"):
        spec = {"accessModes": [mode], "resources": {"requests": {"storage": size}}, "storageClassName": of_class}
        return self.api.create(CLAIMS, {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": self._named(name), "spec": spec})

    def nim(self, name, image, storage, **spec):
        repository, _, tag = image.rpartition(":")
        whole = {
            "image": {"repository": repository, "tag": tag, "pullPolicy": "IfNotPresent", "pullSecrets": ["nvcr-pull-secret"]},
            "authSecret": "ngc-api-secret",
            "replicas": 1,
            "expose": {"service": {"type": "ClusterIP", "port": 8000}},
            "storage": storage,
            "tolerations": [TOLERATION],
            "resources": resources("48Gi"),
            "startupProbe": {"enabled": True, "probe": STARTUP},
            **spec,
        }
        body = {"apiVersion": NIM_SERVICES.group_version, "kind": "NIMService", "metadata": self._named(name), "spec": whole}
        return self.api.create(NIM_SERVICES, body)

    def reason(self, name="cosmos-reason", **spec):
        """The smallest of NVIDIA's services, on a claim that the operator makes."""
        storage = {"pvc": {"create": True, "size": "50Gi", "volumeAccessMode": "ReadWriteMany", "storageClass": "shares"}}
        return self.nim(name, "nvcr.io/nim/nvidia/cosmos-reason2-8b:1.7.0", spec.pop("storage", storage), **spec)

    def qwen(self, name="qwen25-14b", **environment):
        given = {
            "NIM_MODEL_PATH": f"hf://{QWEN}",
            "NIM_CACHE_PATH": "/model-store",
            "HF_HOME": "/model-store/huggingface/hub",
            "HF_HUB_OFFLINE": "1",
            "NIM_SERVED_MODEL_NAME": QWEN,
            "NIM_PROXY_CLIENT_MAX_BODY_SIZE": "500M",
            **environment,
        }
        env = [{"name": key, "value": value} for key, value in given.items() if value]
        return self.nim(name, "nvcr.io/nim/nvidia/model-free-nim:2.0.2", {"pvc": {"name": f"{name}-pvc"}}, env=env)

    def download(self, name="qwen25-14b", script=f"hf download {QWEN}", claim=None):
        env = [
            {"name": "HF_HOME", "value": "/model-store/huggingface"},
            {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hf-token-secret", "key": "HF_TOKEN"}}},
        ]
        container = {
            "name": "hf-download",
            "image": "python:3.11-slim",
            "command": ["bash", "-c", f"set -euo pipefail\npip install -q huggingface_hub\n{script}\ndu -sh /model-store"],
            "env": env,
            "volumeMounts": [{"name": "store", "mountPath": "/model-store"}],
        }
        volumes = [{"name": "store", "persistentVolumeClaim": {"claimName": claim or f"{name}-pvc"}}]
        pod = {"restartPolicy": "OnFailure", "containers": [container], "volumes": volumes}
        body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": self._named(f"{name}-hf-download")}
        return self.api.create(JOBS, {**body, "spec": {"backoffLimit": 2, "template": {"spec": pod}}})

    def status(self, name, resource=NIM_SERVICES):
        return (self.api.get(resource, name, self.name) or {}).get("status") or {}

    def is_in(self, name, state, resource=NIM_SERVICES):
        return self.status(name, resource).get("state") == state

    def condition(self, name, kind, resource=NIM_SERVICES):
        return next((one for one in self.status(name, resource).get("conditions") or [] if one["type"] == kind), {})

    def ready(self, name, seconds=30.0):
        until(lambda: self.is_in(name, "Ready"), f"NIM {name} that is ready", seconds)
        return self.status(name)

    def pods(self, app):
        return [one for one in self.api.list(PODS, self.name)["items"] if (one["metadata"].get("labels") or {}).get("app") == app]

    def waiting(self, app, reason):
        """Message of the container of one of the NIM's pods that waits with this reason."""
        found = [status.get("state", {}).get("waiting", {}) for pod in self.pods(app) for status in statuses(pod)]
        return next((one.get("message", "-") for one in found if one.get("reason") == reason), None)

    def last_words(self, prefix):
        """Termination messages of the pods whose names start so."""
        found = [
            status
            for pod in self.api.list(PODS, self.name)["items"]
            if pod["metadata"]["name"].startswith(prefix)
            for status in statuses(pod)
        ]
        ended = [(one.get("lastState") or {}).get("terminated") or one.get("state", {}).get("terminated") or {} for one in found]
        return " ".join(one.get("message", "") for one in ended).strip()

    def events(self, reason, prefix=""):
        found = self.api.list(EVENTS, self.name)["items"]
        return [one["message"] for one in found if one["reason"] == reason and one["involvedObject"]["name"].startswith(prefix)]

    def _named(self, name):
        return {"name": name, "namespace": self.name}


def statuses(pod):
    return pod["status"].get("containerStatuses") or []


def resources(memory, gpus=1):
    asked = {"nvidia.com/gpu": gpus, "memory": memory}
    return {"limits": asked, "requests": asked}


def storage_class(name, provisioner):
    body = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}
    return {**body, "provisioner": provisioner, "volumeBindingMode": "Immediate", "reclaimPolicy": "Delete"}


def asked(cluster, nims, name, path="/v1/models", body=None):
    with cluster.forward(nims.name, f"svc/{name}") as url:
        return requests.get(url + path, timeout=10) if body is None else requests.post(url + path, json=body, timeout=10)


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
    nims.reason("three", storage={"emptyDir": {}}, resources=resources("48Gi", gpus=3))
    nims.ready("one")
    assert "Insufficient nvidia.com/gpu" in until(lambda: nims.events("FailedScheduling", "three"), "event of the scheduler")[0]


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
    nims.download()
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
    nims.download()
    assert "No space left on device" in until(lambda: nims.last_words("qwen25-14b-hf-download"), "last words of the download")


@pytest.mark.parametrize(("state", "words"), [("expired", "401 Unauthorized"), ("other-organisation", "403 Forbidden")])
def test_a_key_that_opens_nothing_keeps_the_image_from_coming(cluster, nims, switch, state, words):
    switch("ngc.key", state=state)
    image = f"nvcr.io/nim/nvidia/{state}:1.0.0"  # no node has it yet
    nims.nim("fresh", image, {"emptyDir": {}})
    said = until(lambda: nims.waiting("fresh", "ImagePullBackOff"), "pod that waits for its image")
    assert words in said
    assert words in nims.events("Failed", "fresh-")[0]
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
