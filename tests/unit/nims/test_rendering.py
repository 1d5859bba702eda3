"""The objects of a NIMService, as the real operator writes them."""

from __future__ import annotations

import pytest

from rehearsal.nims import rendering
from tests.unit.nims.making import item, pod, service

IMAGE = {"repository": "nvcr.io/nim/a/b", "tag": "1"}
SMALLEST = {"image": IMAGE, "authSecret": "keys"}


def smallest(**more):
    return item("a", {**SMALLEST, **more})


def container(of, **given):
    return pod(of, **given)["spec"]["containers"][0]


def values(of, **given):
    return {variable["name"]: variable.get("value") for variable in container(of, **given)["env"]}


def test_the_operators_variables_are_there_and_the_users_win():
    found = values(smallest(env=[{"name": "NIM_LOG_LEVEL", "value": "DEBUG"}, {"name": "MINE", "value": "1"}]))
    assert found == {
        "NIM_CACHE_PATH": "/model-store",
        "NGC_API_KEY": None,
        "OUTLINES_CACHE_DIR": "/tmp/outlines",
        "NIM_SERVER_PORT": "8000",
        "NIM_HTTP_API_PORT": "8000",
        "NIM_JSONL_LOGGING": "1",
        "NIM_LOG_LEVEL": "DEBUG",
        "MINE": "1",
    }


def test_a_model_of_the_hub_by_name_wants_a_token_in_place_of_the_key():
    env = container(smallest(env=[{"name": "NIM_MODEL_NAME", "value": "hf://a/b"}]))["env"]
    token = next(variable for variable in env if variable["name"] == "HF_TOKEN")
    assert token["valueFrom"]["secretKeyRef"] == {"name": "keys", "key": "HF_TOKEN"}
    assert "NGC_API_KEY" not in {variable["name"] for variable in env}


def test_its_users_are_the_operators_unless_said():
    assert pod(smallest())["spec"]["securityContext"] == {"runAsUser": 1000, "runAsGroup": 2000, "fsGroup": 2000}
    assert pod(smallest(userID=0, groupID=0))["spec"]["securityContext"]["runAsUser"] == 0


def test_probes_are_the_operators_where_none_are_said_and_gone_where_they_are_off():
    found = container(smallest(livenessProbe={"enabled": False}, startupProbe={"probe": {"tcpSocket": {"port": 1}}}))
    assert "livenessProbe" not in found
    assert found["startupProbe"] == {"tcpSocket": {"port": 1}}
    assert (found["readinessProbe"]["httpGet"], found["readinessProbe"]["failureThreshold"]) == (
        {"path": "/v1/health/ready", "port": "api"},
        3,
    )


def test_shared_memory_is_of_memory_and_bounded_as_said():
    assert pod(smallest())["spec"]["volumes"][0]["emptyDir"] == {"medium": "Memory"}
    limited = pod(smallest(storage={"sharedMemorySizeLimit": "32Gi"}))["spec"]["volumes"][0]["emptyDir"]
    assert limited == {"medium": "Memory", "sizeLimit": "32Gi"}


def test_placement_and_pull_secrets_reach_the_pod():
    toleration, affinity = {"key": "nvidia.com/gpu", "operator": "Exists"}, {"nodeAffinity": {}}
    pulled = {**IMAGE, "pullSecrets": ["pull"]}
    found = pod(smallest(image=pulled, tolerations=[toleration], nodeSelector={"a": "b"}, affinity=affinity, runtimeClassName="nvidia"))[
        "spec"
    ]
    assert (found["tolerations"], found["nodeSelector"], found["affinity"]) == ([toleration], {"a": "b"}, affinity)
    assert (found["imagePullSecrets"], found["runtimeClassName"]) == ([{"name": "pull"}], "nvidia")


def test_the_old_affinity_to_pods_is_taken_where_the_new_one_has_none():
    found = pod(smallest(podAffinity={"old": 1}, affinity={"nodeAffinity": {}}))["spec"]["affinity"]
    assert found == {"nodeAffinity": {}, "podAffinity": {"old": 1}}


def test_a_change_of_the_specification_changes_the_parents_hash_and_not_the_pods():
    one, other = (rendering.deployment(smallest(replicas=count), {"emptyDir": {}}, {}) for count in (1, 2))
    hashes = [body["metadata"]["annotations"][rendering.PARENT_HASH] for body in (one, other)]
    assert hashes[0] != hashes[1]
    assert one["spec"]["template"] == other["spec"]["template"]


@pytest.mark.parametrize(("pvc", "name"), [({}, "a-pvc"), ({"name": "mine"}, "mine")])
def test_a_claim_is_named_after_its_service_unless_said(pvc, name):
    assert rendering.claim_name(smallest(storage={"pvc": pvc})) == name


def test_a_claim_without_a_class_leaves_that_to_the_cluster():
    pvc = {"create": True, "size": "5Gi", "volumeAccessMode": "ReadWriteMany"}
    found = rendering.claim(smallest(storage={"pvc": pvc}))
    assert found["spec"] == {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "5Gi"}}}
    assert found["metadata"]["labels"]["app"] == "k8s-nim-operator"


def test_a_claim_of_no_size_cannot_be_made():
    with pytest.raises(rendering.Unusable, match="failed to parse size"):
        rendering.claim(smallest(storage={"pvc": {"create": True}}))


def test_a_command_of_the_catalog_replaces_the_images():
    found = container(service("qwen-image-edit-nvpcb-ovsl2sl"))
    assert (found["command"], found["args"][0]) == (["vllm", "serve"], "nvidia/Qwen-Image-Edit-NVPCB-OVSL2SL")
