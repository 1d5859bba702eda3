"""A pod's way from the pull of its image to its readiness, with a clock of its own."""

from __future__ import annotations

import base64
import json
import math

import pytest

from rehearsal.api import CLAIMS, NODES, SECRETS, VOLUMES
from rehearsal.faults import Faults
from rehearsal.kubelet import Delay, Hold, Warm
from rehearsal.nims import rendering
from rehearsal.nims.programs import Programs
from rehearsal.nims.store import Store, holds
from rehearsal.podstatus import Crash
from tests.unit.nims.making import Memory, downloaded, pod, service

SPACE, KEY = "osmo-nims", "nvapi-key"


class Logs:
    def __init__(self):
        self.lines = []

    def append(self, _namespace, _pod, _container, lines):
        self.lines += lines


class Node:
    """One node with a clock that is set by hand."""

    def __init__(self, key=KEY, size="600Gi"):
        volume = {"metadata": {"name": "volume"}, "spec": {"capacity": {"storage": size}}}
        claims = [(CLAIMS, {"metadata": {"name": f"{name}-pvc", "namespace": SPACE}, "spec": {"volumeName": "volume"}}) for name in NAMES]
        node = {"metadata": {"name": "gpu-0", "labels": {"nvidia.com/gpu.memory": "96256"}}}
        self.api = Memory((VOLUMES, volume), (NODES, node), (SECRETS, pull_secret(key)), (SECRETS, api_key()), *claims)
        self.faults, self.logs, self.time = Faults(), Logs(), 0.0
        self.programs = Programs(self.api, self.faults, self.logs, 1.0, lambda: self.time)

    def said(self, item, minutes=0.0):
        """What becomes of the pod so many minutes later."""
        self.time += minutes * 60
        return self.programs.ending(item)

    def ready(self, item):
        """Lets the pod have all the time that it asks for; its last word."""
        for _ in range(20):
            said = self.said(item)
            if not isinstance(said, Warm | Delay):
                return said
            self.time += said.seconds
        raise AssertionError("it never ends")


NAMES = ("qwen25-14b", "qwen3-vl", "qwen-image-edit", "cosmos-reason", "cosmos-transfer", "qwen-image-edit-2511")


def pull_secret(key, server="nvcr.io", user="$oauthtoken"):
    content = json.dumps({"auths": {server: {"username": user, "password": key}}})
    return named("nvcr-pull-secret", {".dockerconfigjson": content})


def api_key():
    return named("ngc-api-secret", {"NGC_API_KEY": KEY})


def named(name, data):
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"metadata": {"name": name, "namespace": SPACE}, "data": encoded}


def download(model="Qwen/Qwen2.5-14B-Instruct", restarts=0, claim="qwen25-14b-pvc", uid="d1"):
    container = {
        "name": "hf-download",
        "image": "python:3.11-slim",
        "command": ["bash", "-c", f"hf download {model}"],
        "env": [{"name": "HF_HOME", "value": "/model-store/huggingface"}],
        "volumeMounts": [{"name": "store", "mountPath": "/model-store"}],
    }
    owner = {"kind": "Job", "name": "qwen25-14b-hf-download", "uid": "job"}
    metadata = {"name": f"qwen25-14b-hf-download-{uid}", "namespace": SPACE, "uid": uid, "ownerReferences": [owner]}
    volumes = [{"name": "store", "persistentVolumeClaim": {"claimName": claim}}]
    status = {"containerStatuses": [{"restartCount": restarts}]}
    return {"metadata": metadata, "spec": {"nodeName": "gpu-0", "containers": [container], "volumes": volumes}, "status": status}


def test_a_nim_pulls_then_fetches_then_loads_and_then_is_ready():
    node, item = Node(), pod(service("cosmos-reason"))
    assert node.said(item) == Delay(6 * 60)
    assert node.said(item, 6) == Warm(5 * 60)
    assert node.said(item, 5) == Warm(3 * 60)
    assert node.said(item, 3) is None
    assert "ngc" in Store(node.api).folders(SPACE, "cosmos-reason-pvc")


def test_an_image_that_the_node_has_is_not_pulled_again_nor_a_model_fetched_twice():
    node, item = Node(), pod(service("cosmos-reason"))
    assert node.ready(item) is None
    item["status"] = {"phase": "Running"}
    node.programs.on_pod("MODIFIED", item)
    second = pod(service("cosmos-reason"))
    second["metadata"]["uid"] = "u2"
    assert node.said(second) == Warm(3 * 60)


def test_a_node_that_comes_anew_has_no_images():
    node, item = Node(), pod(service("cosmos-reason"))
    item["status"] = {"phase": "Running"}
    node.programs.on_pod("ADDED", item)
    node.programs.on_node("DELETED", {"metadata": {"name": "gpu-0"}})
    assert node.said(pod(service("cosmos-reason"))) == Delay(6 * 60)


def test_a_download_puts_the_model_where_its_nim_looks():
    node, nim = Node(), pod(service("qwen25-14b"))
    assert isinstance(node.ready(nim), Crash)
    assert node.said(download()) == Warm(6 * 60)
    assert node.said(download(), 6) is None
    assert node.ready(nim) is None


def test_a_model_that_is_there_is_not_downloaded_again():
    node = Node()
    node.ready(download())
    assert node.said(download(uid="d2")) is None


def test_two_models_share_a_volume():
    node = Node()
    node.ready(download())
    node.ready(download("Qwen/Qwen3-VL-30B-A3B-Instruct", uid="d2"))
    assert len(holds(node.api.get(VOLUMES, "volume"))) == 2


def test_a_download_that_does_not_fit_ends():
    assert "No space left" in Node(size="20Gi").ready(download()).message


def test_a_refused_download_ends_as_often_as_the_switch_says():
    node = Node()
    node.faults.set("nim.download", {"name": "qwen25-14b", "status": 429, "times": 2})
    assert "429" in node.said(download()).message
    assert "429" in node.said(download(restarts=1)).message
    assert isinstance(node.said(download(restarts=2)), Warm)


def test_pods_that_their_job_made_before_count_as_tries():
    node, failed = Node(), download(uid="d0")
    failed["status"] = {"phase": "Failed"}
    node.programs.on_pod("MODIFIED", failed)
    node.faults.set("nim.download", {"status": 403, "times": 1})
    assert isinstance(node.said(download()), Warm)


@pytest.mark.parametrize(("name", "more"), [("nim.download", {}), ("nim.never", {}), ("nim.slow", {"seconds": 1e6})])
def test_a_switch_for_another_nim_does_nothing(name, more):
    node, item = Node(), pod(service("qwen-image-edit-2511"))
    node.faults.set(name, {"name": "qwen-image-edit", **more})
    assert node.ready(item) is None


def token():
    return [{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hf-token-secret", "key": "HF_TOKEN"}}}]


@pytest.mark.parametrize(("shown", "words"), [("hf_good", None), ("", None), ("nonsense", "401 Client Error")])
def test_the_hub_looks_at_a_token_that_is_shown(shown, words):
    node, item = Node(), download()
    node.api.create(SECRETS, named("hf-token-secret", {"HF_TOKEN": shown}))
    item["spec"]["containers"][0]["env"] += token()
    said = node.said(item)
    assert isinstance(said, Warm) if words is None else words in said.message


def test_what_the_preflight_is_refused_a_download_is_refused_too():
    node = Node()
    node.faults.set("huggingface.http", {"model": "Qwen/Qwen2.5-14B-Instruct", "status": 429})
    assert "429" in node.said(download()).message
    assert isinstance(node.said(download("Qwen/Qwen3-VL-30B-A3B-Instruct", uid="d2")), Warm)


def test_a_nim_whose_image_a_mirror_has_still_fetches_its_model_with_the_key():
    node = Node()
    mirrored = {**service("cosmos-reason")["spec"]["image"], "repository": "registry.example.com/nvcr/nim/nvidia/cosmos-reason2-8b"}
    item = pod(service("cosmos-reason", image=mirrored))
    node.faults.set("ngc.key", {"state": "expired"})
    node.said(item, 6)  # the image comes
    assert "401 Unauthorized" in node.said(item, 6).message


def test_a_slow_nim_takes_as_much_longer():
    node, item = Node(), pod(service("cosmos-reason"))
    node.faults.set("nim.slow", {"name": "cosmos-reason", "seconds": 100})
    assert node.ready(item) is None
    assert node.time == 14 * 60 + 100


def test_one_that_never_gets_ready_says_why_once():
    node, item = Node(), pod(service("cosmos-reason"))
    node.faults.set("nim.never", {"message": "the engine hangs"})
    node.said(item, 6)
    assert node.said(item, 6).seconds == math.inf
    assert node.said(item, 600).seconds == math.inf
    assert node.logs.lines == ["the engine hangs"]


def test_a_switch_that_names_none_means_every_nim():
    node, item = Node(), pod(service("cosmos-reason"))
    node.faults.set("nim.never")
    node.said(item, 6)
    assert node.said(item, 600) == Warm(math.inf)


def test_a_startup_probe_that_has_less_patience_than_the_load_takes_ends_it():
    patient = {"httpGet": {"path": "/v1/health/ready", "port": 8000}, "initialDelaySeconds": 0, "periodSeconds": 10, "failureThreshold": 60}
    item = pod(service("cosmos-transfer", startupProbe={"probe": patient}))
    assert "startup probe" in Node().ready(item).message
    assert Node().ready(pod(service("cosmos-transfer"))) is None


@pytest.mark.parametrize("probe", [{"path": "/v1/health/ready", "port": 9000}, {"path": "/healthz", "port": 8000}])
def test_a_probe_that_asks_elsewhere_never_finds_it_ready(probe):
    node, item = Node(), pod(service("cosmos-reason", readinessProbe={"probe": {"httpGet": probe}}))
    node.said(item, 6)  # the image comes
    node.said(item, 6)  # and the model
    assert node.said(item, 6) == Warm(math.inf)


def test_an_image_of_ngc_does_not_come_without_its_key():
    for key in ("", "not-a-key"):
        said = Node(key=key).said(pod(service("cosmos-reason")))
        assert isinstance(said, Hold)
        assert "401 Unauthorized" in said.found[0].message


@pytest.mark.parametrize(("changed", "status"), [({"server": "quay.io"}, "401"), ({"user": "me"}, "401")])
def test_a_pull_secret_of_another_shape_opens_nothing(changed, status):
    node = Node()
    node.api.create(SECRETS, pull_secret(KEY, **changed))
    assert status in node.said(pod(service("cosmos-reason"))).found[0].waiting


@pytest.mark.parametrize(("state", "words"), [("expired", "401 Unauthorized"), ("other-organisation", "403 Forbidden")])
def test_a_spoiled_key_stops_images_that_a_node_lacks_and_no_others(state, words):
    node, item = Node(), pod(service("cosmos-reason"))
    node.faults.set("ngc.key", {"state": state})
    assert words in node.said(item).found[0].waiting
    ran = {**item, "status": {"phase": "Running"}}
    node.programs.on_pod("ADDED", ran)
    assert not isinstance(node.said(item), Hold)
    always = pod(service("cosmos-reason", image={**service("cosmos-reason")["spec"]["image"], "pullPolicy": "Always"}))
    assert isinstance(node.said(always), Hold)


def test_an_image_of_another_registry_needs_no_key():
    node = Node(key="")
    assert not isinstance(node.said(pod(service("qwen-image-edit-2511"))), Hold)


def test_a_model_of_an_arguments_image_is_fetched_onto_its_volume():
    node, item = Node(), pod(service("qwen-image-edit-2511"))
    assert node.ready(item) is None
    assert downloaded(item).keys() <= Store(node.api).folders(SPACE, rendering.claim_name(service("qwen-image-edit-2511"))).keys()


def test_pods_that_are_no_nims_are_left_alone():
    spec = {"nodeName": "gpu-0", "containers": [{"name": "c", "image": "nginx"}]}
    plain = {"metadata": {"name": "p", "namespace": SPACE, "uid": "p"}, "spec": spec}
    assert Node().said(plain) is None
