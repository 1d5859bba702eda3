"""GPU operator, KAI scheduler and RuntimeClass: what is registered, and what waits for it."""

import pytest

from sdg.catalog.gpu_driver import AKS_RUNTIME

RELEASE = "kubernetes:helm.sh/v3:Release"
OPERATOR = {"gpuOperator": {"install": True}}


def release(graph, name):
    return graph.inputs[f"{name}-release"]


def test_kai_is_installed_from_a_file_of_the_mirror_and_gives_no_pod_a_runtime_class(run_program):
    graph = run_program(mirror={"downloads": {"https://github.com": "https://mirror.test/github"}})
    kai = release(graph, "kai-scheduler")
    file = "NVIDIA/KAI-Scheduler/releases/download/v0.14.0/kai-scheduler-v0.14.0.tgz"
    assert kai["chart"] == f"https://mirror.test/github/{file}"
    assert (kai["name"], kai["namespace"], kai["version"]) == ("kai-scheduler", "kai-scheduler", "0.14.0")
    assert kai["values"] == {"admission": {"gpuPodRuntimeClassName": ""}}


def test_osmos_operator_waits_for_the_scheduler_and_its_service_does_not(run_program):
    graph = run_program()
    assert "kai-gate/verdict" in graph.waits_for("osmo-operator-release")
    assert not {"kai-gate", "kai-scheduler-release"} & graph.waits_for("osmo-service-release")


def test_a_scheduler_that_is_there_already_is_only_looked_at(run_program):
    graph = run_program(platform={"kaiScheduler": {"install": False}})
    assert "kai-scheduler-release" not in graph.types
    gate = graph.inputs["kai-gate"]
    assert (gate["installed"], gate["workloads"]) == (False, [])
    assert gate["definitions"] == ["podgroups.scheduling.run.ai", "queues.scheduling.run.ai"]
    assert "kai-gate/verdict" in graph.waits_for("osmo-operator-release")


def test_the_schedulers_gate_names_everything_that_must_run_and_how_to_repair_it(run_program):
    gate = run_program().inputs["kai-gate"]
    assert {workload["name"] for workload in gate["workloads"]} >= {"kai-operator", "admission", "kai-scheduler-default"}
    assert "kai-scheduler-release" in gate["repair"]


@pytest.mark.parametrize("cluster", [{"gpus": 0}, {"gpus": 2}])
def test_a_cluster_that_exists_has_its_own_gpu_operator_unless_told_otherwise(run_program, cluster):
    graph = run_program(cluster=cluster)
    assert "gpu-operator-release" not in graph.types
    assert graph.inputs["gpu-operator"]["install"] is False


@pytest.mark.parametrize(("driver", "enabled"), [(None, True), ("operator", True), ("host", False)])
def test_a_gpu_operator_comes_before_gpus_are_counted(run_program, driver, enabled):
    chosen = {"install": True} | ({"driver": driver} if driver else {})
    graph = run_program(cluster={"gpus": 2}, platform={"gpuOperator": chosen})
    installed = release(graph, "gpu-operator")
    assert (installed["name"], installed["namespace"], installed["version"]) == ("gpu-operator", "gpu-operator", "v25.10.1")
    assert installed["values"]["driver"] == {"enabled": enabled}
    assert ("validator" in installed["values"]) is not enabled
    assert "gpu-operator-release" in graph.waits_for("cluster-gate")


@pytest.mark.parametrize(("gpus", "wanted"), [(0, True), (2, False)])
def test_the_name_of_the_runtime_class_is_settled_before_anything_may_need_it(run_program, gpus, wanted):
    graph = run_program(cluster={"gpus": gpus}, platform=OPERATOR if gpus else {})
    assert graph.inputs["runtime-class"]["wanted"] is wanted
    assert "connection" in graph.requests["runtime-class"].additionalSecretOutputs
    assert "runtime-class" in graph.waits_for("cluster-gate")
    if gpus:  # nobody can change a handler: ours has to be gone before the operator brings its own
        assert "runtime-class" in graph.waits_for("gpu-operator-release")


AZURE = {"kind": "azure", "allowedRanges": ["198.51.100.7/32"], "acceptUnvalidated": True}


@pytest.mark.parametrize(
    ("driver", "on_nodes", "by_operator", "wanted", "handler"),
    [(None, "None", True, False, "runc"), ("operator", "None", True, False, "runc"), ("azure", "Install", False, True, AKS_RUNTIME)],
)
def test_one_setting_says_on_azure_who_owns_the_gpu_driver_and_everything_follows(  # noqa: PLR0917 -- all that follows
    run_program, driver, on_nodes, by_operator, wanted, handler
):
    graph = run_program(cluster=AZURE, platform={"gpuOperator": {"driver": driver}} if driver else {})
    values = release(graph, "gpu-operator")["values"]
    assert graph.inputs["pool-gpu"]["gpuProfile"] == {"driver": on_nodes}
    assert (values["driver"]["enabled"], values["toolkit"]["enabled"]) == (by_operator, by_operator)
    assert ("operator" in values) is not by_operator
    assert (graph.inputs["runtime-class"]["wanted"], graph.inputs["runtime-class"]["handler"]) == (wanted, handler)


def test_without_gpus_there_is_no_gpu_operator_on_azure_either(run_program):
    graph = run_program(cluster={**AZURE, "gpuPools": []})
    assert "gpu-operator-release" not in graph.inputs
    assert (graph.inputs["runtime-class"]["wanted"], graph.inputs["runtime-class"]["handler"]) == (True, "runc")


NAMESPACE = "kubernetes:core/v1:Namespace"


def test_every_namespace_bears_the_stacks_mark_and_comes_after_a_look_at_whose_it_is(run_program):
    graph = run_program(cluster={"gpus": 2}, platform=OPERATOR)
    found = {name: graph.inputs[name]["metadata"] for name in graph.of_type(NAMESPACE)}
    assert len(found) == 6
    looks = {
        namespace for name in graph.of_type("pulumi-python:dynamic/ownership:Ownership") for namespace in graph.inputs[name]["namespaces"]
    }
    assert {metadata["name"] for metadata in found.values()} == looks
    for name, metadata in found.items():
        assert metadata["annotations"]["sdg/stack"] == "sdg/test"
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "sdg"
        assert [before for before in graph.waits_for(name) if before.endswith("-ownership")], name


def test_the_object_stores_password_is_not_drawn_before_it_is_settled_whose_it_is(run_program):
    assert "object-store-ownership" in run_program().waits_for("object-store-root-password")


def test_an_adopted_installation_hands_its_namespaces_over(run_program):
    graph = run_program(osmo={"adopt": True})
    assert "osmo-ownership" not in graph.types
    assert graph.inputs["osmo-osmo-minimal"]["metadata"]["annotations"]["sdg/stack"] == "sdg/test"


@pytest.mark.parametrize(
    ("evidence", "chosen", "said"),
    [
        ({"nodes": 3.0, "gpuNodes": 1.0}, {}, True),
        ({"nodes": 3.0, "gpuNodes": 1.0}, {"dedicatedGpuNodes": False}, False),
        ({"nodes": 3.0, "gpuNodes": 1.0}, {"dedicatedGpuNodes": True, "minNodes": 2}, False),
        ({"nodes": 2.0, "gpuNodes": 2.0}, {}, False),
        ({"nodes": 2.0, "gpuNodes": 0.0}, {}, False),
    ],
)
def test_cpu_nodes_beside_gpu_nodes_are_a_hint_while_nobody_has_chosen(run_program, monkeypatch, evidence, chosen, said):
    record = {"status": "passed", "checks": [], "lastGreen": {}, "askedAt": "2026-01-01T00:00:00+00:00"}
    record["evidence"] = {"storageClass": "fast", "kubernetes": "v1.36.3", **evidence}
    told = []
    monkeypatch.setattr("pulumi.log.info", lambda message, *_: told.append(message))
    run_program(cluster={"gpus": 1, **chosen}, computed={"pulumi-python:dynamic/gate:Record": record})
    hints = [message for message in told if "sdg:cluster.dedicatedGpuNodes true" in message]
    assert bool(hints) is said
