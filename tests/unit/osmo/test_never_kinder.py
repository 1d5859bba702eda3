"""The service answers only like the cluster it is in would let it."""

from __future__ import annotations

import pytest

from rehearsal.api import ApiError

SERVICE = "osmo-minimal/osmo-service"
LISTENER = "osmo-operator/osmo-operator-osmo-backend-listener"
WORKER = "osmo-operator/osmo-operator-osmo-backend-worker"
TOKEN = "osmo-operator/osmo-operator-token"


def pool_status(osmo):
    return osmo.done("GET", "/api/pool")["pools"]["default"]["status"]


def nodes(osmo):
    return [node["hostname"] for node in osmo.done("GET", "/api/resources", params={"pools": "default"})["resources"]]


@pytest.mark.parametrize("path", ["/api/version", "/client/version", "/api/pool", "/health"])
def test_without_a_ready_service_pod_the_gateway_answers_503(osmo, path):
    osmo.cluster.apps.remove(SERVICE)
    answer = osmo.call("GET", path)
    assert (answer.status_code, answer.text) == (503, "no healthy upstream")


@pytest.mark.parametrize("lost", ["claim", "config"])
def test_without_its_volume_or_configuration_the_service_does_not_serve_pools(osmo, lost):
    osmo.done("GET", "/api/version")
    setattr(osmo.cluster, lost, None)
    if lost == "config":  # a service that once read a good file keeps it; one that never did does not start
        osmo.client.app.state.service._configurations.__init__()
    assert osmo.call("GET", "/api/pool").status_code == 503


def test_a_broken_configuration_is_ignored_once_a_good_one_was_read(osmo):
    assert pool_status(osmo) == "ONLINE"
    osmo.cluster.config["pools"]["default"]["common_pod_template"] = ["no-such-template"]
    assert pool_status(osmo) == "ONLINE"


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("nvcr.io/nvidia/osmo/service:6.3.1", ("6", "3", "1")),
        ("mirror:5000/osmo/service:6.2.8@sha256:" + "a" * 64, ("6", "2", "8")),
        ("nvcr.io/nvidia/osmo/service:latest", ("6", "3", "1")),
    ],
)
def test_the_version_is_the_image_tag(osmo, image, version):
    osmo.cluster.image = image
    found = osmo.done("GET", "/api/version")
    assert (found["major"], found["minor"], found["revision"]) == version


def test_a_pool_is_online_with_nodes_while_the_operator_is_connected(osmo):
    assert (pool_status(osmo), nodes(osmo)) == ("ONLINE", ["gpu-node-0"])


def test_without_a_ready_listener_the_pool_is_offline_and_empty(osmo):
    osmo.cluster.apps.remove(LISTENER)
    assert (pool_status(osmo), nodes(osmo)) == ("OFFLINE", [])


@pytest.mark.parametrize("token", ["x" * 43, ""])
def test_a_token_that_the_service_did_not_mint_does_not_connect(osmo, token):
    osmo.cluster.secrets[TOKEN] = {"token": token}
    assert pool_status(osmo) == "OFFLINE"


def test_a_revoked_token_disconnects(osmo):
    osmo.done("DELETE", "/api/auth/user/backend-operator/access_token/backend-token")
    assert pool_status(osmo) == "OFFLINE"


def test_a_token_without_the_backend_role_does_not_connect(osmo):
    osmo.done("POST", "/api/auth/user/backend-operator/roles", json={"role_name": "osmo-user"})
    osmo.done("DELETE", "/api/auth/user/backend-operator/roles/osmo-backend")
    assert pool_status(osmo) == "OFFLINE"


def test_a_new_database_volume_knows_no_token_user_or_workflow(osmo, hello):
    name = osmo.submit(hello)
    osmo.cluster.claim = "claim-2"
    assert pool_status(osmo) == "OFFLINE"
    assert osmo.call("GET", "/api/auth/user/backend-operator").status_code == 400
    assert osmo.call("GET", f"/api/workflow/{name}").json()["error_code"] == "DATABASE"


def test_a_node_that_is_not_ready_or_cordoned_is_no_resource(osmo):
    osmo.cluster.node_list[0]["spec"]["unschedulable"] = True
    assert nodes(osmo) == []


def test_a_taint_that_no_template_tolerates_keeps_a_node_out_of_the_platform(osmo):
    osmo.cluster.node_list[0]["spec"]["taints"] = [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    assert nodes(osmo) == []
    tolerant = {"spec": {"tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]}}
    templates = osmo.done("GET", "/api/configs/pod_template")
    osmo.cluster.config["pod_templates"] = {**templates, "tolerant": tolerant}
    osmo.cluster.config["pools"]["default"]["platforms"]["default"] = {"override_pod_template": ["tolerant"]}
    assert nodes(osmo) == ["gpu-node-0"]


def test_what_a_small_node_has_left_decides_on_admission(osmo, hello):
    """3 CPUs, less one for the service and one for the sidecar: one is left."""
    osmo.cluster.node_list[0]["status"]["allocatable"]["cpu"] = "3900m"
    osmo.submit(hello)
    refused = osmo.call("POST", "/api/pool/default/workflow", json={"file": hello.replace("cpu: 1", "cpu: 2")})
    assert refused.json()["error_code"] == "RESOURCE"
    assert "Value 2.0 too high for CPU" in refused.json()["message"]


def test_without_a_ready_worker_a_workflow_stays_pending(osmo, hello):
    osmo.cluster.apps.remove(WORKER)
    name = osmo.submit(hello)
    assert osmo.until_task(name, "PROCESSING")["status"] == "PENDING"
    osmo.cluster.apps.add(WORKER)
    osmo.until_status(name, "COMPLETED")


def test_a_pod_that_the_api_server_refuses_ends_the_workflow_with_its_sentence(osmo, hello):
    osmo.cluster.refusal = ApiError(422, "Invalid", 'Pod "x" is invalid: spec.initContainers[0].image: Required value')
    task = osmo.until_status(osmo.submit(hello), "FAILED_BACKEND_ERROR")["groups"][0]["tasks"][0]
    assert "spec.initContainers[0].image: Required value" in task["failure_message"]


def test_an_api_server_that_does_not_answer_is_503_and_ends_no_workflow(osmo, hello, monkeypatch):
    osmo.cluster.starts = False
    name = osmo.submit(hello)
    osmo.until_task(name, "INITIALIZING")

    def unreachable(*_: object) -> bool:
        raise ApiError(0, "Unreachable", "connection refused")

    with monkeypatch.context() as broken:
        broken.setattr(osmo.cluster, "ready", unreachable)
        assert osmo.call("GET", "/api/pool").status_code == 503
    assert osmo.workflow(name)["status"] == "PENDING"
