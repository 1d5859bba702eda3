"""Port-forwards: which pods stand for a local service."""

from __future__ import annotations

import pytest

from rehearsal.forwards import forward

PORTS = {"osmo": 21000}


def pod(labels, ready="True"):
    return {
        "metadata": {"namespace": "osmo-minimal", "name": "p", "uid": "u1", "labels": labels},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


@pytest.mark.parametrize(("labels", "port"), [({"app.kubernetes.io/name": "osmo-gateway"}, 8080), ({"app": "osmo-ui"}, 8000)])
def test_a_ready_pod_of_a_served_kind_forwards_its_one_port_to_the_local_service(labels, port):
    made = forward(pod(labels), PORTS)
    assert made is not None
    assert made["metadata"]["name"] == "p"
    assert made["spec"]["forwards"] == [{"ports": [port], "target": {"address": "127.0.0.1", "port": 21000}}]


def test_the_forward_goes_with_its_pod():
    made = forward(pod({"app": "osmo-ui"}), PORTS)
    assert made is not None
    assert made["metadata"]["ownerReferences"][0]["uid"] == "u1"


@pytest.mark.parametrize("item", [pod({"app": "osmo-ui"}, ready="False"), pod({"app": "osmo-service"}), pod(None)])
def test_nothing_answers_behind_other_pods_or_pods_that_are_not_ready(item):
    assert forward(item, PORTS) is None


def test_a_pod_with_a_server_of_its_own_leads_there_as_well():
    made = forward(pod({"app": "qwen3-vl"}), PORTS, lambda _pod: {8000: 33000})
    assert made is not None
    assert made["spec"]["forwards"] == [{"ports": [8000], "target": {"address": "127.0.0.1", "port": 33000}}]
