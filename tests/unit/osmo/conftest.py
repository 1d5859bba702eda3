"""The OSMO service on a cluster that is a few dictionaries: pods are scheduled and run at once, unless a test says otherwise."""

from __future__ import annotations

import copy
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rehearsal.services.osmo import progress
from rehearsal.services.osmo.app import build_app
from rehearsal.services.osmo.cluster import Layout
from rehearsal.services.osmo.store import Store

Json = dict[str, Any]
CONFIG: Json = {
    "service": {"service_base_url": "http://osmo.test"},
    "workflow": {
        "workflow_data": {"credential": {"secretName": "osmo-workflow-data-cred"}, "base_url": ""},
        "workflow_log": {"credential": {"secretName": "osmo-workflow-log-cred"}},
        "workflow_app": {"credential": {"secretName": "osmo-workflow-app-cred"}},
        "backend_images": {"init": "nvcr.io/nvidia/osmo/init-container:6.3.1", "client": "nvcr.io/nvidia/osmo/client:6.3.1"},
    },
    "backends": {"default": {}},
    "pools": {
        "default": {
            "description": "Default pool",
            "backend": "default",
            "default_platform": "default",
            "platforms": {"default": {}},
            "common_pod_template": ["default_ctrl", "default_user"],
            "common_resource_validations": ["default_cpu", "default_memory", "default_storage"],
            "common_default_variables": {"USER_CPU": 1, "USER_GPU": 0, "USER_MEMORY": "1Gi", "USER_STORAGE": "1Gi"},
        }
    },
}
STORAGE = {
    "access_key_id": "test",
    "access_key": "test",
    "endpoint": "s3://osmo/workflows",
    "region": "us-east-1",
    "override_url": "http://minio",
    "addressing_style": "path",
}
GPU_NODE: Json = {
    "metadata": {"name": "gpu-node-0", "labels": {"nvidia.com/gpu.present": "true"}},
    "spec": {},
    "status": {
        "allocatable": {"cpu": "32", "memory": "131072000Ki", "ephemeral-storage": "536870912000", "nvidia.com/gpu": "8"},
        "conditions": [{"type": "Ready", "status": "True"}],
    },
}
SERVICE_POD: Json = {
    "metadata": {"name": "osmo-service-0", "namespace": "osmo-minimal"},
    "spec": {"nodeName": "gpu-node-0", "containers": [{"resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}]},
    "status": {"phase": "Running"},
}
SCHEDULER = "kai-scheduler/kai-scheduler-default"
UNSCHEDULABLE = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."


@dataclass
class FakeCluster:
    """Stands for the Kubernetes API.

    Attributes:
        apps: `namespace/app` of what is Ready.
        schedules: whether pods get a node; `starts`: whether their containers then run.
        refusal: raised when a pod is created.
        queues: of the KAI scheduler, by name; None where the cluster doesn't know the kind.
        runtime_class: what KAI's admission gives to pods that name GPUs.
    """

    layout: Layout = field(default_factory=Layout)
    apps: set[str] = field(default_factory=lambda: {"osmo-minimal/osmo-service", "osmo-minimal/osmo-ui", SCHEDULER})
    image: str = "nvcr.io/nvidia/osmo/service:6.3.1"
    claim: str | None = "claim-1"
    config: Json | None = field(default_factory=lambda: copy.deepcopy(CONFIG))
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens_from: Mapping[str, str] | None = None
    mek: str | None = "currentMek: key1\nmeks:\n  key1: first\n"
    node_list: list[Json] = field(default_factory=lambda: [copy.deepcopy(GPU_NODE)])
    workflow_pods: dict[str, Json] = field(default_factory=dict)
    created: list[Json] = field(default_factory=list)
    schedules: bool = True
    starts: bool = True
    waiting_reason: str | None = None
    refusal: Exception | None = None
    queues: dict[str, Json] | None = field(default_factory=dict)
    pod_groups: dict[str, Json] = field(default_factory=dict)
    runtime_class: str = ""
    _watchers: dict[str, list[queue.SimpleQueue[Json]]] = field(default_factory=lambda: {"pods": [], "events": []})
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def ready(self, namespace: str, app: str) -> bool:
        return f"{namespace}/{app}" in self.apps

    def service_image(self) -> str | None:
        return self.image

    def database_uid(self, spec: Json | None = None) -> str | None:
        return self.claim

    def token_secrets(self) -> Mapping[str, str] | None:
        return self.tokens_from

    def mounted_secrets(self) -> set[str]:
        return {name.rpartition("/")[2] for name in self.secrets}

    def mek_text(self) -> str | None:
        return self.mek

    def config_text(self) -> str | None:
        return None if self.config is None else json.dumps(self.config)  # which is YAML, too

    def secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        if name.startswith("osmo-workflow-"):
            return STORAGE
        return self.secrets.get(f"{namespace}/{name}")

    def nodes(self) -> list[Json]:
        return self.node_list

    def node_exists(self, name: str) -> bool:
        return any(node["metadata"]["name"] == name for node in self.node_list)

    def pods(self) -> list[Json]:
        return [SERVICE_POD, *self.workflow_pods.values()]

    def create_secret(self, manifest: Json) -> None:
        self.created.append(manifest)

    def delete_secret(self, name: str) -> None:
        self.created = [item for item in self.created if item["metadata"]["name"] != name]

    def create_pod(self, manifest: Json) -> None:
        if self.refusal:
            raise self.refusal
        self.created.append(manifest)
        with self._lock:
            pod = {**copy.deepcopy(manifest), "status": {"phase": "Pending"}}
            self.workflow_pods[pod["metadata"]["name"]] = pod
            self._tell("pods", "ADDED", pod)
            self._move(pod)

    def make_queues(self, queues: Sequence[Json]) -> bool:
        if self.queues is None:
            return False
        self.queues |= {queue["metadata"]["name"]: queue for queue in queues if queue["metadata"]["name"] not in self.queues}
        return True

    def create_pod_group(self, manifest: Json) -> None:
        self.pod_groups[manifest["metadata"]["name"]] = manifest

    def delete_pod_group(self, name: str) -> None:
        self.pod_groups.pop(name, None)

    def gpu_runtime_class(self) -> str:
        return self.runtime_class

    def delete_pod(self, name: str) -> None:
        with self._lock:
            pod = self.workflow_pods.pop(name, None)
            if pod:
                self._tell("pods", "DELETED", pod)

    def finish_pod(self, name: str, status: Json) -> None:
        with self._lock:
            if name in self.workflow_pods:
                self.workflow_pods[name]["status"] |= status

    def move_all(self) -> None:
        """Lets pods that were held back go on."""
        with self._lock:
            for pod in list(self.workflow_pods.values()):
                self._move(pod)

    def watch(self, kind: str, stop: threading.Event) -> Iterator[Json]:
        told: queue.SimpleQueue[Json] = queue.SimpleQueue()
        with self._lock:
            self._watchers[kind].append(told)
            items = copy.deepcopy(list(self.workflow_pods.values())) if kind == "pods" else []
        yield {"type": "SYNC", "items": items}
        while not stop.is_set():
            try:
                yield told.get(timeout=0.5)
            except queue.Empty:
                continue

    def _move(self, pod: Json) -> None:
        name = pod["metadata"]["name"]
        if not self.schedules:
            pod["status"]["conditions"] = [{"type": "PodScheduled", "status": "False", "message": UNSCHEDULABLE}]
            self._tell("pods", "MODIFIED", pod)
            self._event(name, "FailedScheduling", UNSCHEDULABLE)
            return
        pod["spec"]["nodeName"] = self.node_list[0]["metadata"]["name"]
        pod["status"]["conditions"] = [{"type": "PodScheduled", "status": "True"}]
        self._event(name, "Scheduled", f"Successfully assigned osmo-workflows/{name} to {pod['spec']['nodeName']}")
        if self.waiting_reason:
            pod["status"]["containerStatuses"] = [{"name": "user", "state": {"waiting": {"reason": self.waiting_reason}}}]
        elif self.starts:
            pod["status"] |= {"phase": "Running", "podIP": "10.0.0.5"}
        self._tell("pods", "MODIFIED", pod)

    def _event(self, pod: str, reason: str, message: str) -> None:
        self._tell("events", "ADDED", {"involvedObject": {"kind": "Pod", "name": pod}, "reason": reason, "message": message})

    def _tell(self, kind: str, change: str, item: Json) -> None:
        for watcher in self._watchers[kind]:
            watcher.put({"type": change, "object": copy.deepcopy(item)})


class FakeFaults(dict[str, Json]):
    """Switches that a test sets."""


@dataclass
class Osmo:
    """The service under test, reached as the core is reached directly: no identity beyond what the client sends."""

    cluster: FakeCluster
    faults: FakeFaults
    client: TestClient
    runner: Any

    def call(self, method: str, path: str, user: str = "testuser", **more: Any) -> Any:
        return self.client.request(method, path, headers={"x-osmo-user": user, **more.pop("headers", {})}, **more)

    def done(self, method: str, path: str, **more: Any) -> Any:
        """The answer's content, of a call that must succeed."""
        answer = self.call(method, path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def connect(self) -> None:
        """Brings up the operator with a token that this service minted."""
        self.cluster.apps |= {"osmo-operator/osmo-operator-osmo-backend-listener", "osmo-operator/osmo-operator-osmo-backend-worker"}
        self.done("POST", "/api/auth/user", json={"id": "backend-operator", "roles": ["osmo-backend"]})
        soon = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86400 * 60))
        path = "/api/auth/user/backend-operator/access_token/backend-token"
        token = self.done("POST", path, params={"expires_at": soon, "roles": "osmo-backend"})
        self.cluster.secrets["osmo-operator/osmo-operator-token"] = {"token": token + "\n"}

    def submit(self, text: str, **more: Any) -> str:
        return str(self.done("POST", "/api/pool/default/workflow", json={"file": text, **more.pop("body", {})}, **more)["name"])

    def workflow(self, name: str) -> Json:
        found: Json = self.done("GET", f"/api/workflow/{name}")
        return found

    def until(self, name: str, holds: Callable[[Json], bool]) -> Json:
        """The workflow, once the condition holds."""
        deadline = time.monotonic() + 10
        while not holds(found := self.workflow(name)):
            assert time.monotonic() < deadline, found
            time.sleep(0.02)
        return found

    def until_status(self, name: str, status: str) -> Json:
        return self.until(name, lambda found: found["status"] == status)

    def until_task(self, name: str, status: str) -> Json:
        return self.until(name, lambda found: found["groups"][0]["tasks"][0]["status"] == status)


@contextmanager
def _running() -> Iterator[Osmo]:
    cluster, faults = FakeCluster(), FakeFaults()
    app = build_app(cluster, faults, Store())
    headers = {"x-osmo-roles": "", "x-osmo-allowed-pools": ""}
    with pytest.MonkeyPatch.context() as patch, TestClient(app, headers=headers, raise_server_exceptions=False) as client:
        patch.setattr(progress, "RUN_SECONDS", 0.02)
        app.state.runner.start()
        found = Osmo(cluster, faults, client, app.state.runner)
        found.connect()
        yield found
        app.state.runner.stop()


@pytest.fixture(scope="session")
def new_osmo() -> Callable[[], AbstractContextManager[Osmo]]:
    """Makes a connected service whose runner runs, with tasks that are done at once."""
    return _running


@pytest.fixture
def osmo() -> Iterator[Osmo]:
    """A service of the test's own."""
    with _running() as found:
        yield found


@pytest.fixture(scope="session")
def hello() -> str:
    """The spec of the smoke workflow."""
    return (Path(__file__).parents[2] / "data" / "osmo-specs" / "verify-hello.yaml").read_text()
