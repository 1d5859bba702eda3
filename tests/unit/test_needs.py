"""What keeps a pod from starting, in the kubelet's words."""

from __future__ import annotations

import pytest

from rehearsal.needs import missing
from rehearsal.references import References


def pod(containers=None, **spec):
    containers = containers or [{"name": "main", "image": "nvcr.io/nvidia/osmo/service:6.3.1"}]
    return {"metadata": {"namespace": "osmo", "name": "service-0"}, "spec": {"nodeName": "node-0", "containers": containers, **spec}}


def volume(**source):
    mounting = {"name": "main", "image": "image", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    return pod([mounting], volumes=[{"name": "data", **source}])


def container(**fields):
    return pod(containers=[{"name": "main", "image": "image", **fields}])


def variable(**source):
    return container(env=[{"name": "VARIABLE", "valueFrom": source}])


def sentences(item, known=None):
    return [(found.event, found.message) for found in missing(item, known or References())]


MOUNT = 'MountVolume.SetUp failed for volume "data" : '

NOTHING_EXISTS = {
    "secret volume": (volume(secret={"secretName": "db"}), "FailedMount", MOUNT + 'secret "db" not found'),
    "config map volume": (volume(configMap={"name": "mek"}), "FailedMount", MOUNT + 'configmap "mek" not found'),
    "claim": (volume(persistentVolumeClaim={"claimName": "pg"}), "FailedMount", MOUNT + 'persistentvolumeclaim "pg" not found'),
    "projected token": (
        volume(projected={"sources": [{"serviceAccountToken": {"path": "token"}}]}),
        "FailedMount",
        MOUNT + 'failed to fetch token: serviceaccounts "default" not found',
    ),
    "two projected sources": (
        volume(projected={"sources": [{"secret": {"name": "a"}}, {"configMap": {"name": "b"}}]}),
        "FailedMount",
        MOUNT + '[secret "a" not found, configmap "b" not found]',
    ),
    "file of the node": (
        volume(hostPath={"path": "/usr/share/nvidia/nvoptix.bin", "type": "File"}),
        "FailedMount",
        MOUNT + "hostPath type check failed: /usr/share/nvidia/nvoptix.bin is not a file",
    ),
    "runtime class": (
        pod(runtimeClassName="nvidia"),
        "FailedCreatePodSandBox",
        'Failed to create pod sandbox: failed to get sandbox runtime: runtimeclass.node.k8s.io "nvidia" not found',
    ),
    "pull secret": (
        pod(imagePullSecrets=[{"name": "ngc"}]),
        "FailedToRetrieveImagePullSecret",
        "Unable to retrieve some image pull secrets (ngc); attempting to pull the image may not succeed.",
    ),
    "key of a secret": (variable(secretKeyRef={"name": "db", "key": "password"}), "Failed", 'Error: secret "db" not found'),
    "key of a config map": (variable(configMapKeyRef={"name": "mek", "key": "mek.yaml"}), "Failed", 'Error: configmap "mek" not found'),
    "whole secret": (container(envFrom=[{"secretRef": {"name": "db"}}]), "Failed", 'Error: secret "db" not found'),
    "whole config map": (container(envFrom=[{"configMapRef": {"name": "env"}}]), "Failed", 'Error: configmap "env" not found'),
}


@pytest.mark.parametrize(("item", "event", "message"), NOTHING_EXISTS.values(), ids=NOTHING_EXISTS)
def test_what_does_not_exist_is_named_as_a_kubelet_names_it(item, event, message):
    assert sentences(item) == [(event, message)]


KEYS_ABSENT = {
    "secret item": (
        volume(secret={"secretName": "db", "items": [{"key": "k", "path": "p"}]}),
        MOUNT + "references non-existent secret key: k",
    ),
    "config map item": (
        volume(configMap={"name": "mek", "items": [{"key": "k", "path": "p"}]}),
        MOUNT + "configmap references non-existent config key: k",
    ),
    "secret key": (variable(secretKeyRef={"name": "db", "key": "k"}), "Error: couldn't find key k in Secret osmo/db"),
    "config map key": (variable(configMapKeyRef={"name": "mek", "key": "k"}), "Error: couldn't find key k in ConfigMap osmo/mek"),
}


@pytest.mark.parametrize(("item", "message"), KEYS_ABSENT.values(), ids=KEYS_ABSENT)
def test_an_object_without_the_key_is_not_enough(item, message):
    known = References(secrets={("osmo", "db"): frozenset({"other"})}, config_maps={("osmo", "mek"): frozenset({"other"})})
    assert [found.message for found in missing(item, known)] == [message]


@pytest.mark.parametrize(
    "item",
    [
        volume(secret={"secretName": "db", "optional": True}),
        volume(configMap={"name": "mek", "optional": True, "items": [{"key": "k", "path": "p"}]}),
        volume(projected={"sources": [{"secret": {"name": "a", "optional": True}}]}),
        volume(emptyDir={}),
        variable(secretKeyRef={"name": "db", "key": "k", "optional": True}),
        variable(fieldRef={"fieldPath": "metadata.name"}),
        container(envFrom=[{"secretRef": {"name": "db", "optional": True}}]),
        container(env=[{"name": "PLAIN", "value": "x"}]),
        pod(),
    ],
)
def test_what_is_optional_or_refers_to_nothing_starts(item):
    assert sentences(item) == []


def test_everything_that_exists_with_its_keys_lets_the_pod_start():
    item = pod(
        containers=[{"name": "main", "image": "i", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "k"}}}]}],
        volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "pg"}}],
        imagePullSecrets=[{"name": "ngc"}],
        runtimeClassName="nvidia",
    )
    known = References(
        secrets={("osmo", "db"): frozenset({"k"}), ("osmo", "ngc"): frozenset()},
        claims={("osmo", "pg"): "Bound"},
        runtime_classes={("", "nvidia"): "nvidia"},
        node_handlers={("", "node-0"): frozenset({"", "runc", "nvidia"})},
    )
    assert sentences(item, known) == []


def test_an_object_of_the_same_name_in_another_namespace_does_not_count():
    known = References(secrets={("default", "db"): frozenset()})
    assert len(sentences(volume(secret={"secretName": "db"}), known)) == 1


def test_a_claim_that_is_not_bound_is_not_enough():
    known = References(claims={("osmo", "pg"): "Pending"})
    assert sentences(volume(persistentVolumeClaim={"claimName": "pg"}), known) == [("FailedMount", MOUNT + "PVC osmo/pg is not bound")]


def test_a_runtime_class_whose_handler_the_node_lacks_is_not_enough():
    known = References(runtime_classes={("", "nvidia"): "nvidia"}, node_handlers={("", "node-0"): frozenset({"", "runc"})})
    ((event, message),) = sentences(pod(runtimeClassName="nvidia"), known)
    assert event == "FailedCreatePodSandBox"
    assert 'no runtime for "nvidia" is configured' in message


@pytest.mark.parametrize(("handler", "starts"), [("nvidia", False), ("nvidia-container-runtime", True)])
def test_the_gpu_operator_looks_at_a_driver_of_the_host_and_gets_ready_on_aks_alone(handler, starts):
    item = pod(initContainers=[{"name": "driver-validation", "image": "i"}])
    known = References(node_handlers={("", "node-0"): frozenset({"", "runc", handler})})
    assert (sentences(item, known) == []) is starts


def test_mounts_come_before_the_environment_as_the_kubelet_goes():
    item = volume(secret={"secretName": "db"})
    item["spec"]["containers"][0]["envFrom"] = [{"secretRef": {"name": "other"}}]
    assert [event for event, _ in sentences(item)] == ["FailedMount"]


def test_the_error_of_an_init_container_is_told_on_that_container():
    item = pod(initContainers=[{"name": "migrate", "image": "i", "envFrom": [{"secretRef": {"name": "db"}}]}])
    (found,) = missing(item, References())
    assert (found.container, found.reason, found.waiting) == ("migrate", "CreateContainerConfigError", 'secret "db" not found')


@pytest.mark.parametrize("image", ["mirror.example.com:port/osmo:6.4.0", "Nvcr.io/Nvidia/osmo:6", "osmo:", "a//b", "osmo:6.4.0@sha256:1"])
def test_an_image_name_that_no_runtime_can_parse_keeps_the_pod_from_starting(image):
    (found,) = missing(container(image=image), References())
    assert (found.reason, found.event) == ("InvalidImageName", "InspectFailed")
    assert found.waiting.endswith("invalid reference format")


@pytest.mark.parametrize(
    "image",
    [
        "alpine",
        "alpine:3.20",
        "library/alpine",
        "localhost:5000/x:y",
        "nvcr.io/nvidia/osmo/service:6.4.0",
        f"a.b/c@sha256:{'0' * 64}",
        "127.0.0.1:9/a_b/c-d",
    ],
)
def test_every_form_of_an_image_name_is_one(image):
    assert missing(container(image=image), References()) == []


def test_a_file_that_the_node_has_can_be_mounted_and_other_types_are_not_looked_for():
    known = References(node_files={("", "node-0"): frozenset({"/a"})})
    assert sentences(volume(hostPath={"path": "/a", "type": "File"}), known) == []
    assert sentences(volume(hostPath={"path": "/b", "type": "DirectoryOrCreate"}), known) == []
    assert sentences(volume(hostPath={"path": "/b", "type": "File"}), known) != []


def test_a_volume_that_no_container_mounts_is_left_out_as_the_kubelet_does():
    path = {"hostPath": {"path": "/usr/share/nvidia/nvoptix.bin", "type": "File"}}
    assert sentences(pod(volumes=[{"name": "data", **path}])) == []
