"""The user's forwards on the virtual cluster: within 5 seconds of whatever was in their way being gone, they answer again."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from rehearsal.api import DEPLOYMENTS, PODS, Api, Resource
from rehearsal.cluster import VirtualCluster
from rehearsal.processes import ProcessTable
from rehearsal.state import StateDir
from rehearsal.tools import Tools
from sdg import forward
from sdg.forward import control
from sdg.forward.model import target_of
from sdg.forward.watchdog import PAUSES
from sdg.kube.connection import Connection
from sdg.osmo import layout
from tests.ports import free_port

BOUND = 5.0  # seconds
PORT_FORWARDS = Resource("kwok.x-k8s.io/v1alpha1", "portforwards")
# the Services that people reach, as OSMO's chart makes them: labels of their pods, and port there
SERVED = {
    layout.GATEWAY_SERVICE: ({"app.kubernetes.io/name": "osmo-gateway"}, 8080),
    layout.UI_SERVICE: ({"app": "osmo-ui"}, 8000),
}


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    directory = StateDir(tmp_path_factory.mktemp("cluster") / "state")
    cluster = VirtualCluster(directory, Tools.locate())
    cluster.start()
    yield directory
    cluster.stop(purge=True)


@pytest.fixture(scope="module")
def api(state):
    """The API of a cluster on which both Services have a pod that answers."""
    made = Api.of_kubeconfig(state.kubeconfig, state.pki / "ca.crt")
    made.create(Resource("v1", "namespaces"), {"metadata": {"name": layout.SERVICE_NAMESPACE}})
    for name, (labels, port) in SERVED.items():
        metadata = {"name": name, "namespace": layout.SERVICE_NAMESPACE}
        containers = [{"name": "main", "image": "example.com/main:1", "ports": [{"containerPort": port}]}]
        template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
        made.create(DEPLOYMENTS, {"metadata": metadata, "spec": {"selector": {"matchLabels": labels}, "template": template}})
        ports = [{"port": 80, "targetPort": port}]
        made.create(Resource("v1", "services"), {"metadata": metadata, "spec": {"selector": labels, "ports": ports}})
    return made


@pytest.fixture
def forwards(state, api, user_systemd, tmp_path, monkeypatch):
    """Both forwards, kept by a systemd that is a script; they answer."""
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{Tools.locate().path('kubectl').parent}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    eventually(lambda: all(ready(api, service) for service in SERVED), 20)
    connection = Connection(state.kubeconfig.read_text())
    specs = [
        forward.ForwardSpec(connection, target_of(endpoint), "lab", port)
        for endpoint, port in ((layout.GATEWAY, free_port()), (layout.UI, free_port()))
    ]
    try:
        for spec in specs:
            assert forward.start(spec).unit
        yield specs
    finally:
        for spec in specs:
            control.stop_port(spec.port)


def eventually(condition, seconds=30.0):
    """Seconds until the condition held."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"condition did not hold within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began


def ready(api, service):
    """A pod of the Service that is ready and, as this cluster does it, answers; its id."""
    labels, _ = SERVED[service]
    for pod in api.list(PODS, layout.SERVICE_NAMESPACE)["items"]:
        conditions = {entry["type"]: entry["status"] for entry in pod["status"].get("conditions") or []}
        matches = labels.items() <= pod["metadata"]["labels"].items() and not pod["metadata"].get("deletionTimestamp")
        if matches and conditions.get("Ready") == "True" and api.get(PORT_FORWARDS, pod["metadata"]["name"], layout.SERVICE_NAMESPACE):
            return pod["metadata"]["uid"]
    return None


def watchdog(spec):
    return forward.status(spec).pid


def kubectl(spec):
    """Process id of the kubectl that forwards now."""
    try:
        children = psutil.Process(watchdog(spec)).children()
    except (AttributeError, psutil.NoSuchProcess):
        return None
    return children[0].pid if children else None


def answering(specs):
    return all(control.answers(spec.port, spec.health, timeout=1.0) for spec in specs)


def recovered(specs, what):
    """From now on, when the cause has just gone: they answer within the bound."""
    took = eventually(lambda: answering(specs), BOUND)
    print(f"{what}: answered again after {took:.1f} s")


def scale(api, service, replicas):
    api.patch(DEPLOYMENTS, service, {"spec": {"replicas": replicas}}, layout.SERVICE_NAMESPACE)


def test_after_its_kubectl_was_killed(forwards):
    before = {spec.port: kubectl(spec) for spec in forwards}
    for pid in before.values():
        psutil.Process(pid).kill()
    took = eventually(lambda: all(kubectl(spec) not in (None, before[spec.port]) for spec in forwards) and answering(forwards), BOUND)
    print(f"kubectl killed: answered again after {took:.1f} s")


def test_after_its_watchdog_was_killed(forwards):
    before = {spec.port: watchdog(spec) for spec in forwards}
    for pid in before.values():
        psutil.Process(pid).kill()
    took = eventually(
        lambda: all((now := forward.status(spec)) and now.pid != before[spec.port] for spec in forwards) and answering(forwards), BOUND
    )
    print(f"watchdog killed: answered again after {took:.1f} s")


def test_after_its_pod_was_deleted(forwards, api):
    before = {service: ready(api, service) for service in SERVED}
    for pod in api.list(PODS, layout.SERVICE_NAMESPACE)["items"]:
        api.delete(PODS, pod["metadata"]["name"], layout.SERVICE_NAMESPACE)
    eventually(lambda: all(ready(api, service) not in (None, before[service]) for service in SERVED))
    recovered(forwards, "pod deleted")


def test_after_there_was_no_pod_at_all_for_a_while(forwards, api):
    for service in SERVED:
        scale(api, service, 0)
    eventually(lambda: not any(control.answers(spec.port, spec.health) for spec in forwards))
    tried = {spec.port: set() for spec in forwards}
    # kubectl was started in vain more than once: the pause between two starts is the longest
    eventually(lambda: all(len(seen(tried[spec.port], kubectl(spec))) > len(PAUSES) for spec in forwards))
    for service in SERVED:
        scale(api, service, 1)
    eventually(lambda: all(ready(api, service) for service in SERVED))
    recovered(forwards, "pod back")


def test_after_the_api_server_was_down_for_a_while(forwards, api, state):
    ProcessTable(state).end(["kube-apiserver"])
    eventually(lambda: not any(control.answers(spec.port, spec.health) for spec in forwards))
    tried = {spec.port: set() for spec in forwards}
    eventually(lambda: all(len(seen(tried[spec.port], kubectl(spec))) > len(PAUSES) for spec in forwards))
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(VirtualCluster(state, Tools.locate()).start)
        eventually(api.is_ready)
        recovered(forwards, "API server back")
        starting.result()


def seen(pids, pid):
    """Adds what was found to what was found before."""
    if pid is not None:
        pids.add(pid)
    return pids
