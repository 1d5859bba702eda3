"""A virtual cluster with the NIM operator's chart, and a namespace of NIMs, for tests."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import requests

from rehearsal.api import (
    CLAIMS,
    DEPLOYMENTS,
    EVENTS,
    JOBS,
    PODS,
    SECRETS,
    Api,
    Resource,
)
from rehearsal.nims.kinds import NIM_SERVICES
from rehearsal.nodes import NodeGroup
from tests.ports import free_port

NAMESPACES = Resource("v1", "namespaces")
CHART = Path(__file__).parents[2] / "rehearsal" / "charts" / "k8s-nim-operator"
OPERATOR = "nim-operator-k8s-nim-operator"
TAINT = "nvidia.com/gpu=present:NoSchedule"
TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
QWEN = "Qwen/Qwen2.5-14B-Instruct"
PROFILE = (
    NodeGroup("system", "Standard_D16ds_v5"),
    NodeGroup("gpu", "Standard_ND96isr_H100_v5", 2, taints=(TAINT,), os_disk_gib=256),
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
        local = free_port()
        command = [self.tools.path("kubectl"), "port-forward", "-n", namespace, what, f"{local}:{port}"]
        running = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            assert "Forwarding" in running.stdout.readline()
            yield f"http://127.0.0.1:{local}"
        finally:
            running.terminate()
            running.wait(10)


def until(look, what, seconds=60.0):  # beside other clusters, on two cores
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        time.sleep(0.05)
    return found


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
        return self.create_nim(name, whole)

    def create_nim(self, name, spec):
        body = {"apiVersion": NIM_SERVICES.group_version, "kind": "NIMService", "metadata": self._named(name), "spec": spec}
        return self.api.create(NIM_SERVICES, body)

    def create_job(self, name, spec):
        """A Job, whose specification may be spelt as Pulumi's SDK does."""
        return self.api.create(JOBS, {"apiVersion": "batch/v1", "kind": "Job", "metadata": self._named(name), "spec": camel(spec)})

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

    def download(self, name="qwen25-14b", script=f"hf download {QWEN}", claim=None, tries=2):
        """A Job that fetches the model. The one that gives up takes its pod along, and the pod's last words."""
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
        return self.create_job(f"{name}-hf-download", {"backoffLimit": tries, "template": {"spec": pod}})

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


def camel(value):
    if isinstance(value, list | tuple):
        return [camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {re.sub(r"_([a-z])", lambda found: found[1].upper(), key): camel(one) for key, one in value.items()}


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
