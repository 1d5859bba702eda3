"""What the service sees of a cluster through the API."""

from __future__ import annotations

import threading

import pytest

from rehearsal.api import ApiError
from rehearsal.services.osmo.cluster import KubernetesCluster
from rehearsal.services.osmo.quantities import parse


class ScriptedApi:
    """Holds nodes and pods, and tells `changes` to whoever watches."""

    def __init__(self, nodes=(), pods=(), changes=()):
        self.nodes, self.pods, self.changes, self.asked = nodes, pods, changes, []

    def get(self, resource, name, namespace=""):
        assert name, "an empty name would be a list"
        return {"metadata": {"name": name}} if name in self.nodes else None

    def list(self, resource, namespace="", **query):
        self.asked.append((resource.plural, namespace, query))
        return {"metadata": {"resourceVersion": "7"}, "items": list(self.pods)}

    def watch(self, resource, version, namespace=""):
        self.asked.append((resource.plural, namespace, version))
        yield from self.changes

    def create(self, resource, body):
        raise ApiError(409, "AlreadyExists", "it exists")


def ready_pod(**spec):
    return {"metadata": {"name": "a"}, "spec": spec, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}


@pytest.mark.parametrize(("spec", "answers"), [({"nodeName": "n"}, True), ({"nodeName": "deleted"}, False), ({}, False)])
def test_a_pod_answers_only_while_its_node_exists(spec, answers):
    api = ScriptedApi(nodes={"n"}, pods=[ready_pod(**spec)])
    assert KubernetesCluster(api).ready("osmo-minimal", "osmo-service") is answers
    assert api.asked == [("pods", "osmo-minimal", {"resourceVersion": "0", "labelSelector": "app=osmo-service"})]


def test_what_there_is_comes_first_and_then_each_change_of_the_workflow_namespace():
    change = {"type": "ADDED", "object": ready_pod()}
    api = ScriptedApi(pods=[ready_pod()], changes=[change])
    assert list(KubernetesCluster(api).watch("pods", threading.Event())) == [{"type": "SYNC", "items": [ready_pod()]}, change]
    assert api.asked == [("pods", "osmo-workflows", {}), ("pods", "osmo-workflows", "7")]


def test_a_watch_ends_with_the_first_change_after_a_stop():
    stop = threading.Event()
    watched = KubernetesCluster(ScriptedApi(changes=[{"type": "ADDED", "object": ready_pod()}] * 2)).watch("events", stop)
    assert next(watched)["type"] == "SYNC"
    stop.set()
    assert list(watched) == []


def test_a_pod_that_exists_already_comes_from_an_attempt_whose_answer_was_lost():
    KubernetesCluster(ScriptedApi()).create_pod(ready_pod())


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("100m", "0.1"),
        ("4", "4"),
        ("1Gi", 2**30),
        ("1.5Ki", 1536),
        ("2k", 2000),
        ("2K", 2000),
        ("1e3", 1000),
        ("3E", 3 * 10**18),
        (0.5, "0.5"),
    ],
)
def test_a_quantity_is_an_exact_number(text, number):
    assert parse(text) == parse(number)


@pytest.mark.parametrize("text", ["", "Gi", "1ki", "1Zi", "one", None])
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(ValueError):
        parse(text)


def service_deployment(host="postgres", args=(), volumes=()):
    env = [{"name": f"OSMO_POSTGRES_{name}", "value": value} for name, value in (("HOST", host), ("PORT", "5432"), ("DATABASE", "osmo"))]
    container = {"name": "service", "image": "nvcr.io/nvidia/osmo/service:6.4.0", "env": env, "args": list(args)}
    return {"spec": {"template": {"spec": {"containers": [container], "volumes": list(volumes)}}}}


class ObjectsApi:
    """Has objects by kind and name."""

    def __init__(self, pods=(), **objects):
        self.pods, self.objects = pods, objects

    def list(self, resource, namespace="", **query):
        return {"items": list(self.pods)}

    def get(self, resource, name, namespace=""):
        return self.objects.get(resource.plural, {}).get(name)


CLAIM = {"postgres-volume": {"metadata": {"uid": "claim-uid"}}}


def database_of(host, **objects):
    deployments = {"osmo-service": service_deployment(host)}
    return KubernetesCluster(ObjectsApi(deployments=deployments, **objects)).database_uid()


def test_the_charts_own_database_lives_with_its_claim():
    assert database_of("postgres", services={"postgres": {}}, persistentvolumeclaims=CLAIM) == "claim-uid"
    assert database_of("postgres", services={"postgres": {}}) is None


def test_a_database_outside_is_the_same_whatever_becomes_of_the_namespace():
    first = database_of("db.example.com", persistentvolumeclaims=CLAIM)
    assert first == database_of("db.example.com")
    assert first.startswith("external-")
    assert first != database_of("other.example.com")


def test_a_short_name_that_is_no_service_is_a_server_outside():
    assert database_of("db").startswith("external-")


@pytest.mark.parametrize(
    ("args", "found"),
    [((), None), (("--backend_token_directory", "/etc/osmo/backend-tokens"), {"default": "osmo-operator-token"})],
)
def test_tokens_are_read_from_secrets_where_the_service_is_told_so(args, found):
    volumes = [{"name": "backend-token-default", "secret": {"secretName": "osmo-operator-token"}}, {"name": "mek", "configMap": {}}]
    deployments = {"osmo-service": service_deployment(args=args, volumes=volumes)}
    assert KubernetesCluster(ObjectsApi(deployments=deployments)).token_secrets() == found


def serving_pod(tag, created, *, ready=True):
    spec = {"nodeName": "n", "containers": [{"name": "service", "image": f"nvcr.io/nvidia/osmo/service:{tag}"}]}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {"metadata": {"creationTimestamp": created}, "spec": spec, "status": {"conditions": conditions}}


def test_while_a_new_pod_crashes_the_old_one_answers_with_its_version():
    pods = [serving_pod("6.3.1", "2026-01-01T00:00:00Z"), serving_pod("6.4.0", "2026-01-02T00:00:00Z", ready=False)]
    cluster = KubernetesCluster(ObjectsApi(pods, deployments={"osmo-service": service_deployment()}))
    assert cluster.service_image() == "nvcr.io/nvidia/osmo/service:6.3.1"


def test_a_new_pod_answers_as_soon_as_it_is_ready():
    pods = [serving_pod("6.3.1", "2026-01-01T00:00:00Z"), serving_pod("6.4.0", "2026-01-02T00:00:00Z")]
    assert KubernetesCluster(ObjectsApi(pods)).service_image() == "nvcr.io/nvidia/osmo/service:6.4.0"
