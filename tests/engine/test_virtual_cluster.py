"""The virtual cluster, with its real control plane: what it grants, what it refuses, and that nothing of it stays."""

from __future__ import annotations

import subprocess
import time
import uuid

import psutil
import pytest
import requests

from rehearsal.api import ACCOUNTS, CLAIMS, CONFIG_MAPS, EVENTS, NODES, PODS, SECRETS, Api, ApiError, Resource
from rehearsal.cluster import PROCESSES, VirtualCluster
from rehearsal.nodes import DEFAULT_PROFILE, NodeGroup
from rehearsal.processes import MARK
from rehearsal.state import StateDir
from rehearsal.tools import Tools

NAMESPACES = Resource("v1", "namespaces")
JOBS = Resource("batch/v1", "jobs")
RUNTIME_CLASSES = Resource("node.k8s.io/v1", "runtimeclasses")
TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    directory = StateDir(tmp_path_factory.mktemp("cluster") / "state")
    cluster = VirtualCluster(directory, Tools.locate())
    cluster.start()
    yield directory
    cluster.stop(purge=True)


@pytest.fixture(scope="module")
def api(state):
    return Api.of_kubeconfig(state.kubeconfig, state.pki / "ca.crt")


@pytest.fixture
def namespace(api):
    name = f"test-{uuid.uuid4().hex[:8]}"
    api.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    until(lambda: api.get(ACCOUNTS, "default", name), "the namespace's service account")
    yield name
    api.delete(NAMESPACES, name)


@pytest.fixture
def switch(state):
    """Sets a fault switch; all are taken back afterwards."""
    url = f"{state.service_urls()['control']}/faults"
    yield lambda name, **fields: requests.put(f"{url}/{name}", json=fields, timeout=5).raise_for_status()
    requests.delete(url, timeout=5).raise_for_status()


def until(look, what, seconds=30.0):  # beside other clusters, on two cores
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        time.sleep(0.02)
    return found


def pod(namespace, name="pod", labels=None, limits=None, **spec):
    container = {"name": "main", "image": "nvcr.io/example:1", "resources": {"limits": limits or {}}, **spec.pop("container", {})}
    metadata = {"name": name, "namespace": namespace, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container], **spec}}


def running(api, namespace, name="pod"):
    found = api.get(PODS, name, namespace)
    return found if found and found["status"].get("phase") == "Running" else None


def message(api, namespace, reason, name="pod"):
    events = api.list(EVENTS, namespace)["items"]
    return next((e["message"] for e in events if e["reason"] == reason and e["involvedObject"]["name"] == name), None)


def claim(namespace, mode="ReadWriteOnce"):
    spec = {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": namespace}, "spec": spec}


def secret(namespace, name, **data):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "stringData": data}


def kubectl(state, *arguments):
    command = [str(Tools.locate().path("kubectl")), "--kubeconfig", str(state.kubeconfig), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_a_pod_that_misses_nothing_runs_in_well_under_half_a_second(api, namespace):
    api.create(PODS, pod(namespace, "warm"))
    until(lambda: running(api, namespace, "warm"), "first pod")
    took = []
    for index in range(5):
        started = time.monotonic()
        api.create(PODS, pod(namespace, f"pod-{index}"))
        until(lambda name=f"pod-{index}": running(api, namespace, name), "running pod")
        took.append(time.monotonic() - started)
    assert sorted(took)[2] < 0.5


def test_gpu_work_that_tolerates_the_taint_goes_to_the_gpu_node(api, namespace):
    selector = {"nvidia.com/gpu.present": "true"}
    api.create(PODS, pod(namespace, limits={"nvidia.com/gpu": "1"}, tolerations=[TOLERATION], nodeSelector=selector))
    assert until(lambda: running(api, namespace), "running pod")["spec"]["nodeName"] == "gpu-0"


def test_work_that_does_not_tolerate_the_taint_stays_off_the_gpu_node(api, namespace):
    api.create(PODS, pod(namespace))
    assert until(lambda: running(api, namespace), "running pod")["spec"]["nodeName"] == "system-0"


def test_gpus_that_no_node_has_are_named_by_the_real_scheduler(api, namespace):
    api.create(PODS, pod(namespace, limits={"nvidia.com/gpu": "3"}, tolerations=[TOLERATION]))
    words = until(lambda: message(api, namespace, "FailedScheduling"), "event of the scheduler")
    assert "0/2 nodes are available" in words
    assert "2 Insufficient nvidia.com/gpu" in words


def test_a_pod_waits_for_its_secret_and_says_which(api, namespace):
    mounted = {"volumeMounts": [{"name": "keys", "mountPath": "/keys"}]}
    api.create(PODS, pod(namespace, container=mounted, volumes=[{"name": "keys", "secret": {"secretName": "db-secret"}}]))
    words = until(lambda: message(api, namespace, "FailedMount"), "event")
    assert words == 'MountVolume.SetUp failed for volume "keys" : secret "db-secret" not found'
    assert api.get(PODS, "pod", namespace)["status"]["phase"] == "Pending"
    api.create(SECRETS, secret(namespace, "db-secret"))
    assert until(lambda: running(api, namespace), "running pod")


def test_a_pod_waits_for_a_key_of_its_config_map_and_shows_it_on_the_container(api, namespace):
    source = {"configMapKeyRef": {"name": "mek-config", "key": "mek.yaml"}}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mek-config", "namespace": namespace}, "data": {"a": "b"}}
    api.create(CONFIG_MAPS, config_map)
    api.create(PODS, pod(namespace, container={"env": [{"name": "MEK", "valueFrom": source}]}))
    words = f"couldn't find key mek.yaml in ConfigMap {namespace}/mek-config"
    assert until(lambda: message(api, namespace, "Failed"), "event") == f"Error: {words}"
    (container,) = until(lambda: api.get(PODS, "pod", namespace)["status"].get("containerStatuses"), "container status")
    assert container["state"]["waiting"] == {"reason": "CreateContainerConfigError", "message": words}
    api.patch(CONFIG_MAPS, "mek-config", {"data": {"mek.yaml": "key"}}, namespace)
    assert until(lambda: running(api, namespace), "running pod")


def test_a_pod_waits_for_its_pull_secret(api, namespace):
    api.create(PODS, pod(namespace, imagePullSecrets=[{"name": "nvcr-secret"}]))
    assert "(nvcr-secret)" in until(lambda: message(api, namespace, "FailedToRetrieveImagePullSecret"), "event")
    api.create(SECRETS, secret(namespace, "nvcr-secret"))
    assert until(lambda: running(api, namespace), "running pod")


def test_a_runtime_class_that_does_not_exist_is_refused_by_the_api_server(api, namespace):
    with pytest.raises(ApiError, match='RuntimeClass "absent" not found'):
        api.create(PODS, pod(namespace, runtimeClassName="absent"))


def test_a_runtime_class_needs_a_node_that_has_its_handler(api, namespace):
    api.create(RUNTIME_CLASSES, {"metadata": {"name": namespace}, "handler": "nvidia"})
    try:
        api.create(PODS, pod(namespace, "on-cpu", runtimeClassName=namespace))
        api.create(PODS, pod(namespace, "on-gpu", runtimeClassName=namespace, limits={"nvidia.com/gpu": "1"}, tolerations=[TOLERATION]))
        assert until(lambda: running(api, namespace, "on-gpu"), "running pod")
        assert 'no runtime for "nvidia"' in until(lambda: message(api, namespace, "FailedCreatePodSandBox", "on-cpu"), "event")
    finally:
        api.delete(RUNTIME_CLASSES, namespace)


def test_a_claim_gets_its_volume_and_the_volume_goes_with_the_claim(api, namespace):
    api.create(CLAIMS, claim(namespace))
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    api.create(PODS, pod(namespace, volumes=volumes))
    until(lambda: running(api, namespace), "running pod")
    found = api.get(CLAIMS, "data", namespace)
    assert (found["status"]["phase"], found["spec"]["storageClassName"]) == ("Bound", "rehearsal-block")
    api.delete(PODS, "pod", namespace)
    api.delete(CLAIMS, "data", namespace)
    name = found["spec"]["volumeName"]
    until(lambda: api.get(Resource("v1", "persistentvolumes"), name) is None, "end of the volume")


def test_many_writers_on_the_block_class_are_refused_with_an_event(api, namespace):
    api.create(CLAIMS, claim(namespace, "ReadWriteMany"))
    api.create(PODS, pod(namespace, volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]))
    assert "MULTI_NODE_MULTI_WRITER" in until(lambda: message(api, namespace, "ProvisioningFailed", "data"), "event")
    assert not running(api, namespace)


def test_a_job_completes(api, namespace):
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "i"}]}}
    api.create(JOBS, {"metadata": {"name": "job", "namespace": namespace}, "spec": {"template": template}})
    until(lambda: api.get(JOBS, "job", namespace)["status"].get("succeeded") == 1, "completed job")


def test_a_port_forward_to_the_gateway_reaches_the_local_service(api, state, namespace):
    api.create(PODS, pod(namespace, labels={"app.kubernetes.io/name": "osmo-gateway"}))
    until(lambda: api.get(Resource("kwok.x-k8s.io/v1alpha1", "portforwards"), "pod", namespace), "forward")
    command = [
        str(Tools.locate().path("kubectl")),
        "--kubeconfig",
        str(state.kubeconfig),
        "-n",
        namespace,
        "port-forward",
        "pod/pod",
        ":8080",
    ]
    forward = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert forward.stdout is not None
        line = forward.stdout.readline()
        port = line.split("127.0.0.1:")[1].split(" ")[0]
        # whatever the service says: the answer is the service's own
        direct = requests.get(f"{state.service_urls()['osmo']}/api/version", timeout=5)
        assert requests.get(f"http://127.0.0.1:{port}/api/version", timeout=5).status_code == direct.status_code
    finally:
        forward.terminate()
        forward.wait()


def test_a_crash_is_told_with_exit_code_and_log_and_ends_with_its_switch(api, state, namespace, switch):
    api.create(PODS, pod(namespace))
    until(lambda: running(api, namespace), "running pod")
    switch("pod.crash", namespace=namespace, exitCode=3, message="no database", log=["starting", "no database"])
    (container,) = until(
        lambda: [c for c in api.get(PODS, "pod", namespace)["status"]["containerStatuses"] if "waiting" in c["state"]], "crash"
    )
    assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert container["lastState"]["terminated"]["exitCode"] == 3
    until(lambda: kubectl(state, "-n", namespace, "logs", "pod").stdout == "starting\nno database\n", "log")
    requests.delete(f"{state.service_urls()['control']}/faults/pod.crash", timeout=5).raise_for_status()
    until(lambda: api.get(PODS, "pod", namespace)["status"]["containerStatuses"][0]["ready"], "recovery")


def test_a_pod_without_a_log_of_its_own_has_an_empty_one(api, state, namespace):
    api.create(PODS, pod(namespace))
    until(lambda: running(api, namespace), "running pod")
    printed = kubectl(state, "-n", namespace, "logs", "pod")
    assert (printed.returncode, printed.stdout) == (0, "")


def test_a_slow_pod_starts_when_its_time_has_passed(api, namespace, switch):
    switch("pod.slow", namespace=namespace, seconds=0.6)
    started = time.monotonic()
    api.create(PODS, pod(namespace))
    until(lambda: running(api, namespace), "running pod")
    assert time.monotonic() - started >= 0.6


def test_starting_again_is_quick_and_brings_a_lost_node_back(api, state):
    cluster = VirtualCluster(state, Tools.locate())
    before = cluster.status().processes
    api.delete(NODES, "gpu-0")
    started = time.monotonic()
    status = cluster.start([*DEFAULT_PROFILE, NodeGroup("extra", "local-cpu", count=2)])
    assert time.monotonic() - started < 5
    assert status.processes == before
    names = {item["metadata"]["name"] for item in api.list(NODES)["items"]}
    assert names == {"gpu-0", "system-0", "extra-0", "extra-1"}
    for name in ("extra-0", "extra-1"):
        api.delete(NODES, name)


def test_everything_listens_on_this_machine_alone(state):
    running_now = VirtualCluster(state, Tools.locate()).status().processes
    sockets = [c for pid in running_now.values() for c in psutil.Process(pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert sockets
    assert {c.laddr.ip for c in sockets} == {"127.0.0.1"}


def test_no_secret_is_in_a_process_list_or_a_file_that_others_can_read(state):
    token = (state.pki / "tokens.csv").read_text().split(",")[0]
    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not [line for line in lines if token in line]
    assert state.root.stat().st_mode & 0o077 == 0


def test_a_start_that_was_killed_half_way_is_repaired_and_a_stop_leaves_nothing(tmp_path):
    state = StateDir(tmp_path / "state")
    cluster = VirtualCluster(state, Tools.locate())
    first = cluster.start()
    # as if it had been killed before it could write down what it had started
    state.processes.unlink()
    psutil.Process(first.processes["kwok"]).kill()
    assert cluster.start().ready
    assert sorted(cluster.stop(purge=True)) == sorted(PROCESSES)
    assert not state.root.exists()
    assert not state.lock.exists()
    assert marked(state) == []


def marked(state):
    """Processes of any kind that carry the state directory's mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK, "").startswith(str(state.root)):
                found.append(process.cmdline())
        except psutil.Error:
            continue
    return found
