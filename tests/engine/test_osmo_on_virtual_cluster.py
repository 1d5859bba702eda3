"""The OSMO stand-in on a virtual cluster: the real scheduler decides where tasks run, and says why one cannot."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from rehearsal.cluster import VirtualCluster
from rehearsal.nodes import DEFAULT_PROFILE
from rehearsal.state import StateDir
from rehearsal.tools import Tools

pytestmark = pytest.mark.xdist_group("osmo-cluster")

Json = dict[str, Any]
SPEC = """workflow:
  name: {name}
  timeout: {{exec_timeout: 5m, queue_timeout: 5m}}
  resources:
    default: {{cpu: 1, gpu: {gpus}, memory: 1Gi, storage: 1Gi, platform: {platform}}}
  tasks:
  - name: hello
    image: alpine:3.20
    command: ["sh", "-c", "echo hello"]
"""
KAI_DEFINITIONS = Path(__file__).parents[2] / "rehearsal" / "charts" / "kai-scheduler" / "crds"
LISTENER, WORKER = "osmo-operator-osmo-backend-listener", "osmo-operator-osmo-backend-worker"
GPU_TEMPLATE = {
    "spec": {
        "nodeSelector": {"nvidia.com/gpu.present": "true"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    }
}


def configuration() -> Json:
    """`osmo-service-configs` with a platform for CPU nodes and one for GPU nodes; templates are laid over the common ones."""
    sidecar = {"name": "osmo-ctrl", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}
    needs = {"cpu": "{{USER_CPU}}", "memory": "{{USER_MEMORY}}", "nvidia.com/gpu": "{{USER_GPU}}"}
    user = {"name": "{{USER_CONTAINER_NAME}}", "resources": {"requests": needs, "limits": needs}}
    pool = {"backend": "default", "default_platform": "system", "common_pod_template": ["ctrl", "user"]}
    return {
        "workflow": {"backend_images": {"init": "osmo/init-container:6.3.1", "client": "osmo/client:6.3.1"}},
        "backends": {"default": {}},
        "pod_templates": {"ctrl": {"spec": {"containers": [sidecar]}}, "user": {"spec": {"containers": [user]}}, "gpu": GPU_TEMPLATE},
        "pools": {"default": {**pool, "platforms": {"system": {}, "gpu": {"override_pod_template": ["gpu"]}}}},
    }


def installation() -> list[Json]:
    """What the service looks for in its cluster, without the charts."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    classes = [
        _object("scheduling.k8s.io/v1", "PriorityClass", f"osmo-{name}", value=value) for name, value in (("high", 125), ("normal", 100))
    ]
    return [
        *(yaml.safe_load(path.read_text()) for path in sorted(KAI_DEFINITIONS.glob("*.yaml"))),
        *(_object("v1", "Namespace", name) for name in ("osmo-minimal", "osmo-operator", "osmo-workflows", "kai-scheduler")),
        *classes,
        _object("v1", "PersistentVolumeClaim", "postgres-volume", "osmo-minimal", spec=claim),
        _object("v1", "ConfigMap", "osmo-service-configs", "osmo-minimal", data={"config.yaml": json.dumps(configuration())}),
        *(
            _deployment(namespace, app)
            for namespace, app in (
                ("osmo-minimal", "osmo-service"),
                ("osmo-operator", LISTENER),
                ("osmo-operator", WORKER),
                ("kai-scheduler", "kai-scheduler-default"),
            )
        ),
    ]


def _object(version: str, kind: str, name: str, namespace: str | None = None, **content: Any) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **({"namespace": namespace} if namespace else {})}, **content}


def _deployment(namespace: str, app: str) -> Json:
    image = f"osmo/{app.removeprefix('osmo-')}:6.3.1"
    pod = {"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"name": app, "image": image}]}}
    return _object("apps/v1", "Deployment", app, namespace, spec={"selector": {"matchLabels": {"app": app}}, "template": pod})


@dataclass(frozen=True)
class Installation:
    """A virtual cluster with OSMO in it."""

    state: StateDir
    kubectl_path: Path

    def kubectl(self, *arguments: str, given: object = None) -> str:
        command = [self.kubectl_path, "--kubeconfig", self.state.kubeconfig, *arguments]
        return subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True, timeout=60).stdout

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return httpx.request(method, self.state.service_urls()["osmo"] + path, timeout=20, **more)

    def apply(self, *objects: Json) -> None:
        self.kubectl("apply", "--server-side", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": list(objects)})

    def submit(self, name: str, gpus: int = 0, platform: str = "system") -> str:
        answer = self.call("POST", "/api/pool/default/workflow", json={"file": SPEC.format(name=name, gpus=gpus, platform=platform)})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["name"])

    def workflow(self, name: str) -> Json:
        found: Json = self.call("GET", f"/api/workflow/{name}").json()
        return found

    def until_status(self, name: str, status: str) -> Json:
        until(lambda: self.workflow(name)["status"] == status)
        return self.workflow(name)

    def pool_status(self) -> str:
        return str(self.call("GET", "/api/pool").json()["pools"]["default"]["status"])

    def events(self, name: str) -> str:
        """What a live workflow's events hold: such an answer does not end by itself."""
        text = ""
        try:
            url = f"{self.state.service_urls()['osmo']}/api/workflow/{name}/events"
            with httpx.stream("GET", url, timeout=httpx.Timeout(10, read=0.7)) as answer:
                for part in answer.iter_text():
                    text += part
        except httpx.ReadTimeout:
            pass
        return text


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def osmo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    tools, state = Tools.locate(), StateDir(tmp_path_factory.mktemp("osmo") / "state")
    cluster = VirtualCluster(state, tools)
    try:
        cluster.start(DEFAULT_PROFILE)
        found = Installation(state, tools.path("kubectl"))
        found.apply(*installation())
        until(lambda: found.call("GET", "/api/version").status_code == 200)
        connect(found)
        yield found
    finally:
        cluster.stop(purge=True)


def connect(osmo: Installation) -> None:
    """Mints the operator's token and hands it over."""
    osmo.call("POST", "/api/auth/user", json={"id": "backend-operator", "roles": ["osmo-backend"]}).raise_for_status()
    day = str(dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30))
    path = "/api/auth/user/backend-operator/access_token/backend-token"
    token = osmo.call("POST", path, params={"expires_at": day, "roles": "osmo-backend"}).json()
    osmo.apply(_object("v1", "Secret", "osmo-operator-token", "osmo-operator", stringData={"token": token}))
    until(lambda: osmo.pool_status() == "ONLINE")


def test_resources_are_the_nodes_of_the_cluster_by_platform(osmo):
    nodes = osmo.call("GET", "/api/resources", params={"pools": "default"}).json()["resources"]
    platforms = {node["hostname"]: node["exposed_fields"]["pool/platform"] for node in nodes}
    assert platforms == {"system-0": ["default/system"], "gpu-0": ["default/gpu"]}


def test_a_one_task_workflow_is_completed_in_a_moment(osmo):
    found = osmo.until_status(osmo.submit("verify-hello"), "COMPLETED")
    task = found["groups"][0]["tasks"][0]
    taken = dt.datetime.fromisoformat(found["end_time"]) - dt.datetime.fromisoformat(found["submit_time"])
    assert (task["node_name"], task["exit_code"]) == ("system-0", 0)
    assert taken < dt.timedelta(seconds=5)  # about half a second on an idle machine


def test_a_gpu_task_runs_on_a_gpu_node(osmo):
    found = osmo.until_status(osmo.submit("verify-gpu", 1, "gpu"), "COMPLETED")
    assert found["groups"][0]["tasks"][0]["node_name"] == "gpu-0"


def test_pods_of_finished_workflows_are_removed(osmo):
    osmo.until_status(osmo.submit("verify-hello"), "COMPLETED")
    until(lambda: json.loads(osmo.kubectl("get", "pods", "-n", "osmo-workflows", "-o", "json"))["items"] == [])


def test_a_workflow_that_fits_nowhere_waits_with_the_schedulers_sentence_until_a_node_comes(osmo):
    name = osmo.submit("verify-gpu", 8, "gpu")
    until(lambda: "Insufficient nvidia.com/gpu" in osmo.events(name))
    assert osmo.workflow(name)["status"] == "PENDING"
    node = json.loads(osmo.kubectl("get", "node", "gpu-0", "-o", "json"))
    capacity = {**node["status"]["capacity"], "nvidia.com/gpu": "8"}
    metadata = {"name": "gpu-large", "labels": node["metadata"]["labels"], "annotations": node["metadata"].get("annotations", {})}
    osmo.kubectl(
        "create",
        "-f",
        "-",
        given={**node, "metadata": metadata, "status": {**node["status"], "capacity": capacity, "allocatable": capacity}},
    )
    osmo.kubectl(
        "patch",
        "node",
        "gpu-large",
        "--subresource=status",
        "--type=merge",
        "-p",
        json.dumps({"status": {"allocatable": capacity, "capacity": capacity}}),
    )
    assert osmo.until_status(name, "COMPLETED")["groups"][0]["tasks"][0]["node_name"] == "gpu-large"
    osmo.kubectl("delete", "node", "gpu-large")


def test_without_its_listener_the_backend_is_offline_and_takes_no_work(osmo):
    osmo.kubectl("scale", "deployment", LISTENER, "-n", "osmo-operator", "--replicas=0")
    until(lambda: osmo.pool_status() == "OFFLINE")
    refused = osmo.call("POST", "/api/pool/default/workflow", json={"file": SPEC.format(name="x", gpus=0, platform="system")})
    osmo.kubectl("scale", "deployment", LISTENER, "-n", "osmo-operator", "--replicas=1")
    until(lambda: osmo.pool_status() == "ONLINE")
    assert (refused.status_code, refused.json()["error_code"]) == (400, "RESOURCE")


def test_a_switch_ends_a_named_workflow_and_its_absence_does_not(osmo):
    control = osmo.state.service_urls()["control"]
    switch = {"workflow": "verify-hello", "status": "FAILED_EXEC_TIMEOUT", "exitCode": 137, "log": ["planted line"]}
    httpx.put(f"{control}/faults/osmo.outcome", json=switch).raise_for_status()
    name = osmo.submit("verify-hello")
    task = osmo.until_status(name, "FAILED_EXEC_TIMEOUT")["groups"][0]["tasks"][0]
    httpx.delete(f"{control}/faults/osmo.outcome").raise_for_status()
    assert (task["exit_code"], osmo.call("GET", f"/api/workflow/{name}/logs").text[-13:]) == (137, "planted line\n")
    osmo.until_status(osmo.submit("verify-hello"), "COMPLETED")
