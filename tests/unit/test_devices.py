"""GPUs of virtual nodes: they come with the device plugin's pod, and go with it."""

from __future__ import annotations

import pytest

from rehearsal.devices import DISCOVERY, OPERATOR, PLUGIN, Devices
from rehearsal.nodes import AKS_RUNTIME, GPU, NodeGroup, node

GPU_NODE = node(NodeGroup("gpu", "local-2x-rtx-6000-ada", plugged=False), "gpu-0", 1)


class FakeApi:
    def __init__(self):
        self.patches = []

    def patch(self, _resource, name, body, subresource=""):
        self.patches.append((name, subresource, body))


@pytest.fixture
def devices():
    found = Devices(FakeApi())
    found.on_node("ADDED", GPU_NODE)
    found.on_pod("ADDED", pod(DISCOVERY))
    return found


def pod(app, name="gpu-0", ready="True"):
    metadata = {"namespace": "gpu-operator-resources", "name": app, "labels": {"app": app}}
    return {"metadata": metadata, "spec": {"nodeName": name}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def patched(devices, found=GPU_NODE):
    """What the node is made to be."""
    devices.api.patches.clear()
    devices.on_node("MODIFIED", found)
    devices._look(("", "gpu-0"))
    return {subresource: body for _, subresource, body in devices.api.patches}


def test_a_node_whose_gpus_nobody_offers_has_none():
    assert GPU not in GPU_NODE["status"]["allocatable"]
    assert f"{GPU}.present" not in GPU_NODE["metadata"]["labels"]


def test_a_node_whose_image_brings_the_runtime_keeps_it_and_gets_no_other(devices):
    own = [{"name": ""}, {"name": "runc"}, {"name": AKS_RUNTIME}]
    devices.on_pod("ADDED", pod(PLUGIN))
    found = patched(devices, {**GPU_NODE, "status": {**GPU_NODE["status"], "runtimeHandlers": own}})
    assert found["status"]["status"]["runtimeHandlers"] == own


def test_without_an_operator_nothing_changes(devices):
    assert patched(devices) == {}


def test_the_operator_marks_nodes_with_gpus(devices):
    devices.on_pod("ADDED", pod(OPERATOR))
    assert patched(devices) == {"": {"metadata": {"labels": {f"{GPU}.present": "true"}}}}


def test_the_device_plugins_pod_brings_the_gpus(devices):
    devices.on_pod("ADDED", pod(PLUGIN))
    found = patched(devices)
    assert found["status"]["status"]["allocatable"] == {GPU: "2"}
    assert {"name": "nvidia"} in found["status"]["status"]["runtimeHandlers"]
    assert found[""]["metadata"]["labels"][f"{GPU}.count"] == "2"


@pytest.mark.parametrize("other", [pod(PLUGIN, ready="False"), pod(PLUGIN, "elsewhere")])
def test_a_plugin_that_is_not_ready_on_this_node_brings_none(devices, other):
    devices.on_pod("ADDED", other)
    assert "status" not in patched(devices)


def test_the_gpus_go_with_the_pod(devices):
    devices.on_pod("ADDED", pod(PLUGIN))
    devices.on_pod("DELETED", pod(PLUGIN))
    offering = {**GPU_NODE, "status": {**GPU_NODE["status"], "allocatable": {GPU: "2"}}}
    assert patched(devices, offering)["status"]["status"]["allocatable"] == {GPU: "0"}


def test_nodes_that_know_their_gpus_are_left_alone():
    devices = Devices(FakeApi())
    known = node(NodeGroup("gpu", "local-rtx-6000-ada"), "gpu-0", 1)
    devices.on_pod("ADDED", pod(OPERATOR))
    assert patched(devices, known) == {}


def test_a_node_that_feature_discovery_does_not_reach_has_no_gpus_for_the_operator(devices):
    devices.on_pod("DELETED", pod(DISCOVERY))
    devices.on_pod("ADDED", pod(OPERATOR))
    devices.on_pod("ADDED", pod(PLUGIN))
    assert patched(devices) == {}
