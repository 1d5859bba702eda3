"""What destroy begins with and ends with, what it leaves, and where the keys are kept: all decided by what the program registers."""

from __future__ import annotations

import pytest

GATES = ("gate:Record", "gate:Verdict")
SECRET = "4dabf18193072939515e22adb298388d"
RETAINED = {
    "object-store-namespace": "minio-operator",
    "object-store-root": "minio-root",
    "object-store-volume": "minio-data",
    "osmo-osmo-minimal": "osmo-minimal",
    "osmo-admin": "default-admin-secret",
    "osmo-database": "db-secret",
    "osmo-mek-config": "mek-config",
}


@pytest.fixture(scope="module")
def graphs():
    """One graph per value of `data`, made once."""
    return {}


@pytest.fixture(params=["delete", "retain"])
def graph(request, run_program, graphs):
    if request.param not in graphs:
        graphs[request.param] = run_program(
            data=request.param, cluster={"gpus": 2}, osmo={"quota": {"cpu": 8}}, platform={"gpuOperator": {"install": True}}
        )
    graphs[request.param].data = request.param
    return graphs[request.param]


def in_cluster(graph):
    """Everything whose deletion takes something away."""
    found = {name for name, type_ in graph.types.items() if type_.startswith("kubernetes:")}
    dynamic = {name for name, type_ in graph.types.items() if type_.startswith("pulumi-python:dynamic") and not type_.endswith(GATES)}
    return found | dynamic - {"drain", "key-backup"}


def test_destroy_asks_for_the_keys_then_for_workflows_before_it_takes_anything_away(graph):
    assert in_cluster(graph) - graph.waits_for("drain") == set()
    assert "drain" in graph.waits_for("key-backup")


def test_a_smoke_test_that_failed_does_not_keep_workflows_from_being_asked_for(graph):
    assert "smoke-gate" in graph.waits_for("drain")
    assert "smoke-gate/verdict" not in graph.waits_for("drain") | graph.waits_for("key-backup")


def test_destroy_looks_for_remains_after_all_that_lives_in_the_cluster(graph):
    objects = {name for name, type_ in graph.types.items() if type_.startswith("kubernetes:")}
    # what the cluster's own gate needs comes before it, with remains of its own
    for name in objects:
        assert ("gpu-operator-remains" if name.startswith("gpu-operator") else "remains") in graph.waits_for(name), name
    assert "cluster-gate/verdict" in graph.waits_for("remains")


def test_exactly_what_is_promised_is_left_and_only_where_it_was_asked_for(graph):
    kept = {name for name, request in graph.requests.items() if request.retainOnDelete}
    assert kept == (set(RETAINED) if graph.data == "retain" else set())
    for name in kept:
        assert graph.inputs[name]["metadata"]["name"] == RETAINED[name]


def test_what_destroy_will_do_is_in_the_state(graph):
    assert graph.inputs["remains"]["data"] == graph.inputs["key-backup"]["data"] == graph.data
    assert graph.inputs["key-backup"]["database"] == "in-cluster"
    assert graph.inputs["drain"]["workflows"] == "cancel"
    assert graph.inputs["drain"]["timeout"] == 600
    assert graph.inputs["remains"]["kaiScheduler"] == {"install": True, "removeCrds": False}
    operators = graph.inputs["gpu-operator-remains"]
    assert (operators["data"], operators["namespaces"]) == ("delete", ["gpu-operator"])
    assert operators["gpuOperator"] == {"install": True, "removeCrds": False}


def test_the_keys_are_kept_for_their_backup_and_are_secret(graph):
    inputs = graph.inputs["key-backup"]
    assert set(inputs["lasting"]["value"]) == {
        "ConfigMap/osmo-minimal/mek-config",
        "Secret/minio-operator/minio-root",
        "Secret/osmo-minimal/db-secret",
        "Secret/osmo-minimal/default-admin-secret",
    }
    assert "Secret/osmo-operator/osmo-operator-token" in inputs["passing"]["value"]
    assert {"connection", "lasting", "passing"} <= set(graph.requests["key-backup"].additionalSecretOutputs)
    assert SECRET in inputs["lasting"]
    assert len(inputs["fingerprint"]) == 64
