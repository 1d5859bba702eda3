"""The stand-in charts on a virtual cluster: both releases deploy with what must exist before, and fail as on a real one without."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from rehearsal.cluster import VirtualCluster
from rehearsal.nodes import DEFAULT_PROFILE
from rehearsal.state import StateDir
from rehearsal.tools import Tools
from sdg.catalog.versions import versions

ROOT = Path(__file__).parents[2]
VALUES = ROOT / "tests" / "data" / "charts"
CREDENTIALS = ("osmo-workflow-data-cred", "osmo-workflow-log-cred", "osmo-workflow-app-cred")

pytestmark = pytest.mark.xdist_group("charts-cluster")


@dataclass(frozen=True)
class Cluster:
    """A virtual cluster, spoken to with kubectl and helm as a user would."""

    tools: Tools
    state: StateDir

    def kubectl(self, *arguments: str, given: object = None) -> str:
        return self._run("kubectl", *arguments, given=given).stdout

    def helm(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self._run("helm", *map(str, arguments), check=False)

    def install(self, chart: str, namespace: str, values: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Release of a chart from the rehearsal's own repository, named like its namespace."""
        repository = f"{self.state.service_urls()['charts']}/nvidia/osmo"
        source = (chart, "--repo", repository, "--version", "1.3.1")
        return self.helm("upgrade", "--install", namespace, *source, "-n", namespace, "-f", VALUES / f"{values}.yaml", *more)

    def apply(self, *objects: dict[str, Any]) -> None:
        self.kubectl("apply", "--server-side", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": objects})

    def release_status(self, name: str) -> str:
        return str(json.loads(self.helm("status", name, "-n", name, "-o", "json").stdout)["info"]["status"])

    def events_of_pods(self, namespace: str, prefix: str) -> str:
        found = json.loads(self.kubectl("get", "events", "-n", namespace, "-o", "json"))["items"]
        return "\n".join(event["message"] for event in found if event["involvedObject"]["name"].startswith(prefix))

    def _run(self, tool: str, *arguments: str, given: object = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        homes = {f"HELM_{kind}_HOME": str(self.state.root / "helm-of-tests" / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        return subprocess.run(
            [self.tools.path(tool), *arguments],
            input=None if given is None else json.dumps(given),
            env=os.environ | homes | {"KUBECONFIG": str(self.state.kubeconfig)},
            capture_output=True,
            text=True,
            check=check,
            timeout=120,
        )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    tools, state = Tools.locate(), StateDir(tmp_path_factory.mktemp("cluster") / "state")
    virtual = VirtualCluster(state, tools)
    try:
        virtual.start(DEFAULT_PROFILE)
        yield Cluster(tools, state)
    finally:
        virtual.stop(purge=True)


def eventually(holds: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether the condition holds before the time is over."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def named(kind: str, namespace: str, name: str, **data: str) -> dict[str, Any]:
    body = {"stringData": data} if kind == "Secret" else {"data": data}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"namespace": namespace, "name": name}, **body}


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def prerequisites(of: str) -> list[dict[str, Any]]:
    """What must exist before the service's release, but for the administrator's password."""
    return [
        namespace(of),
        named("ConfigMap", of, "mek-config", **{"mek.yaml": "currentMek: key1\nmeks: {key1: placeholder}"}),
        *(named("Secret", of, name, access_key_id="a", access_key="b", endpoint="s3://osmo-workflows") for name in CREDENTIALS),
    ]


def test_the_service_deploys_with_what_must_exist_before(cluster):
    cluster.apply(*prerequisites("osmo-minimal"), named("Secret", "osmo-minimal", "default-admin-secret", password="x" * 43))
    found = cluster.install("service", "osmo-minimal", "service-in-cluster", "--wait", "--timeout", "90s")
    assert (found.returncode, cluster.release_status("osmo-minimal")) == (0, "deployed"), found.stderr


def test_the_operator_deploys_once_the_namespace_of_the_workflows_exists(cluster):
    cluster.apply(namespace("osmo-operator"), named("Secret", "osmo-operator", "osmo-operator-token", token="t"))
    too_early = cluster.install("backend-operator", "osmo-operator", "backend-operator")
    assert 'namespaces "osmo-workflows" not found' in too_early.stderr
    cluster.apply(namespace("osmo-workflows"))
    found = cluster.install("backend-operator", "osmo-operator", "backend-operator", "--wait", "--timeout", "60s")
    assert (found.returncode, cluster.release_status("osmo-operator")) == (0, "deployed"), found.stderr


def test_a_missing_secret_is_named_by_the_events_of_the_pods_that_need_it(cluster):
    cluster.apply(*prerequisites("no-admin"))
    assert cluster.install("service", "no-admin", "service-in-cluster").returncode == 0
    assert eventually(lambda: "default-admin-secret" in cluster.events_of_pods("no-admin", "osmo-service-"))
    assert "default-admin-secret" not in cluster.events_of_pods("no-admin", "osmo-agent-")


def test_a_release_that_lacks_a_secret_ends_in_helms_own_time_out(cluster):
    cluster.apply(*prerequisites("waits"))
    found = cluster.install("service", "waits", "service-in-cluster", "--wait", "--timeout", "2s")
    assert (found.returncode, "context deadline exceeded" in found.stderr) == (1, True), found.stderr


def test_an_all_digit_database_password_is_refused_by_the_api_server(cluster):
    cluster.apply(*prerequisites("digits"))
    found = cluster.install("service", "digits", "service-in-cluster", "--set-string", "services.postgres.password=12345678")
    assert "cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string" in found.stderr


def test_pod_monitors_without_their_definition_fail_before_anything_is_created(cluster):
    cluster.apply(namespace("monitored"))
    found = cluster.install("service", "monitored", "service-in-cluster", "--set", "podMonitor.enabled=true")
    assert all(name in found.stderr for name in ("otel-monitor", "gateway-envoy-monitor"))
    assert cluster.kubectl("get", "deployments", "-n", "monitored", "-o", "name") == ""


def test_a_gateway_load_balancer_never_becomes_ready(cluster):
    cluster.apply(*prerequisites("balanced"), named("Secret", "balanced", "default-admin-secret", password="x" * 43))
    more = ("--set", "gateway.envoy.service.type=LoadBalancer")
    assert cluster.install("service", "balanced", "service-in-cluster", *more).returncode == 0
    cluster.kubectl("wait", "deployment", "--all", "--for=condition=Available", "-n", "balanced", "--timeout=60s")
    found = cluster.install("service", "balanced", "service-in-cluster", *more, "--wait", "--timeout", "2s")
    assert "context deadline exceeded" in found.stderr


def test_a_null_storage_class_installs_once_and_can_never_be_upgraded(cluster):
    cluster.apply(*prerequisites("classless"))
    more = ("--set", "services.postgres.storageClassName=null", "--set", "services.redis.storageClassName=null")
    assert cluster.install("service", "classless", "service-in-cluster", *more).returncode == 0
    bound = "--for=jsonpath={.status.phase}=Bound"
    cluster.kubectl("wait", "pvc", "postgres-volume", bound, "-n", "classless", "--timeout=60s")
    found = cluster.install("service", "classless", "service-in-cluster", *more)
    assert 'cannot patch "postgres-volume"' in found.stderr


def platform_release(cluster, chart, source, *more):
    url = cluster.state.service_urls()["charts"]
    return cluster.helm("upgrade", "--install", chart, *source(url), "-n", chart, "--create-namespace", *more)


def gpu_operator(cluster, *more):
    return platform_release(cluster, "gpu-operator", lambda url: ("gpu-operator", "--repo", f"{url}/nvidia"), *more)


def runtime_class(handler):
    return {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "nvidia"}, "handler": handler}


def test_kai_deploys_from_its_file_and_leaves_definitions_shard_queues_and_a_namespace(cluster):
    path = urlsplit(versions().charts["kai-scheduler"].file_url).path
    found = platform_release(cluster, "kai-scheduler", lambda url: (f"{url}{path}",), "--wait", "--timeout", "60s")
    assert found.returncode == 0, found.stderr
    assert cluster.helm("uninstall", "kai-scheduler", "-n", "kai-scheduler", "--wait").returncode == 0
    left = cluster.kubectl("get", "namespaces,queues,schedulingshards,customresourcedefinitions", "-o", "name")
    assert "namespace/kai-resource-reservation" in left
    assert "schedulingshard.kai.scheduler/default" in left
    assert "queue.scheduling.run.ai/default-queue" in left
    assert "customresourcedefinition.apiextensions.k8s.io/podgroups.scheduling.run.ai" in left
    again = platform_release(cluster, "kai-scheduler", lambda url: (f"{url}{path}",), "--wait", "--timeout", "60s")
    assert again.returncode == 0, again.stderr


def test_an_object_that_kais_definitions_do_not_know_is_refused(cluster):
    group = {"apiVersion": "scheduling.run.ai/v2alpha2", "kind": "PodGroup", "metadata": {"name": "none", "namespace": "default"}}
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        cluster.apply(group | {"spec": {"queue": "default-queue", "minMember": 0}})
    assert "spec.minMember: Invalid value" in refusal.value.stderr


def test_the_gpu_operator_deploys_beside_a_runtime_class_that_is_right_and_not_beside_another(cluster):
    found = gpu_operator(cluster, "--wait", "--timeout", "60s")
    assert found.returncode == 0, found.stderr
    daemon_sets = json.loads(cluster.kubectl("get", "daemonsets", "-n", "gpu-operator", "-o", "json"))["items"]
    placed = {item["metadata"]["name"]: item["status"]["desiredNumberScheduled"] for item in daemon_sets}
    assert placed["nvidia-device-plugin-daemonset"] == 1  # the GPU node
    assert placed["gpu-operator-node-feature-discovery-worker"] == 2
    cluster.helm("uninstall", "gpu-operator", "-n", "gpu-operator", "--wait")
    cluster.kubectl("delete", "runtimeclass", "nvidia")
    cluster.apply(runtime_class("runc"))
    try:
        assert "field is immutable" in gpu_operator(cluster).stderr
    finally:
        cluster.kubectl("delete", "runtimeclass", "nvidia")
        cluster.apply(runtime_class("nvidia"))
