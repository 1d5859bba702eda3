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

import pytest
import requests

from rehearsal.api import CLAIMS, DEPLOYMENTS, EVENTS, JOBS, PODS, SECRETS, STORAGE_CLASSES, Api, Resource
from rehearsal.cluster import VirtualCluster
from rehearsal.nims.kinds import NIM_SERVICES
from rehearsal.nodes import NodeGroup
from rehearsal.state import StateDir
from rehearsal.tools import Tools

pytestmark = pytest.mark.xdist_group("nims-cluster")
NAMESPACES = Resource("v1", "namespaces")
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
    yield lambda name, **fields: requests.put(f"{url}/{name}", json=fields, timeout=5).raise_for_status()
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
        return until(lambda: self.is_in(name, "Ready"), f"NIM {name} that is ready", seconds)

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
        return " ".join(one.get("message", "") for one in ended)

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
