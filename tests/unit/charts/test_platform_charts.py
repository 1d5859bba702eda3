"""The stand-in charts of the platform: what they make, what they leave behind, and what they refuse."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from rehearsal.nims.kinds import KINDS, definition
from rehearsal.tools import Tools
from sdg.catalog.gpu_driver import AKS_RUNTIME, driver_values
from sdg.platform.taints import gpu_operator_values, on_gpu_nodes

CHARTS = Path(__file__).parents[3] / "rehearsal" / "charts"
KEPT = "helm.sh/resource-policy"
SPOT = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"
GPU = "nvidia.com/gpu"


@pytest.fixture
def template(tmp_path):
    """Asks helm for a chart with some values; gives the objects, or what helm says when it refuses."""

    def ask(chart, values):
        path = tmp_path / "values.json"
        path.write_text(json.dumps(values))
        command = [Tools.locate().path("helm"), "template", chart, CHARTS / chart, "-n", chart, "-f", path, "--include-crds"]
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return found.stderr if found.returncode else [item for item in yaml.safe_load_all(found.stdout) if item]

    return ask


def names(objects, kind):
    return {item["metadata"]["name"] for item in objects if item["kind"] == kind}


def one(objects, kind, name):
    (found,) = [item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name)]
    return found


@pytest.mark.parametrize("chart", ["kai-scheduler", "gpu-operator", "k8s-nim-operator"])
def test_helm_lints_the_chart(chart):
    command = [Tools.locate().path("helm"), "lint", "--strict", CHARTS / chart]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert found.returncode == 0, found.stdout


def test_kai_brings_its_definitions_and_its_programs(template):
    objects = template("kai-scheduler", {})
    assert names(objects, "CustomResourceDefinition") == {
        "configs.kai.scheduler",
        "schedulingshards.kai.scheduler",
        "topologies.kai.scheduler",
        "bindrequests.scheduling.run.ai",
        "podgroups.scheduling.run.ai",
        "queues.scheduling.run.ai",
    }
    programs = "kai-operator admission binder kai-scheduler-default pod-grouper podgroup-controller queue-controller"
    assert names(objects, "Deployment") == set(programs.split())


def test_kai_leaves_behind_what_the_real_one_does(template):
    kept = [item for item in template("kai-scheduler", {}) if item["metadata"].get("annotations", {}).get(KEPT) == "keep"]
    assert {(item["kind"], item["metadata"]["name"]) for item in kept} == {
        ("SchedulingShard", "default"),
        ("Namespace", "kai-resource-reservation"),
        ("Queue", "default-parent-queue"),
        ("Queue", "default-queue"),
    }


@pytest.mark.parametrize(("values", "name"), [({}, "nvidia"), ({"admission": {"gpuPodRuntimeClassName": ""}}, "")])
def test_kais_admission_is_told_which_runtime_class_pods_with_gpus_get(template, values, name):
    admission = one(template("kai-scheduler", values), "Deployment", "admission")
    arguments = admission["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[arguments.index("--gpu-pod-runtime-class-name") + 1] == name


def test_the_gpu_operator_makes_its_daemon_sets_on_gpu_nodes(template):
    objects = template("gpu-operator", {})
    assert names(objects, "Deployment") >= {"gpu-operator"}
    operands = {item["metadata"]["name"]: item["spec"]["template"]["spec"] for item in objects if item["kind"] == "DaemonSet"}
    assert {"nvidia-driver-daemonset", "nvidia-container-toolkit-daemonset", "nvidia-device-plugin-daemonset"} <= set(operands)
    assert operands["nvidia-device-plugin-daemonset"]["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert one(objects, "RuntimeClass", "nvidia")["handler"] == "nvidia"


def test_no_driver_is_installed_where_the_host_has_it(template):
    assert "nvidia-driver-daemonset" not in names(template("gpu-operator", {"driver": {"enabled": False}}), "DaemonSet")


@pytest.mark.parametrize("owner", ["operator", "host", "azure"])
def test_the_values_of_each_owner_of_the_driver_are_legal_and_followed(template, owner):
    objects = template("gpu-operator", driver_values(owner))
    sets, runtime = names(objects, "DaemonSet"), AKS_RUNTIME if owner == "azure" else "nvidia"
    assert ("nvidia-driver-daemonset" in sets) is (owner == "operator")
    assert ("nvidia-container-toolkit-daemonset" in sets) is (owner != "azure")
    assert one(objects, "RuntimeClass", runtime)["handler"] == runtime


def tolerated(objects):
    return {item["metadata"]["name"]: item["spec"]["template"]["spec"]["tolerations"] for item in objects if item["kind"] == "DaemonSet"}


def test_by_itself_the_gpu_operator_reaches_no_node_with_another_taint_than_that_of_gpus(template):
    for tolerations in tolerated(template("gpu-operator", {})).values():
        assert {"key": GPU, "operator": "Exists", "effect": "NoSchedule"} in tolerations
        assert {each["key"] for each in tolerations} <= {GPU, "node-role.kubernetes.io/master", "node-role.kubernetes.io/control-plane"}


def test_where_nodes_with_gpus_have_another_taint_every_daemon_set_tolerates_both(template):
    found = tolerated(template("gpu-operator", driver_values("operator") | gpu_operator_values([SPOT])))
    assert {"nvidia-device-plugin-daemonset", "gpu-operator-node-feature-discovery-worker"} <= set(found)
    assert all(tolerations == on_gpu_nodes([SPOT]) for tolerations in found.values())


@pytest.mark.parametrize("part", ["daemonsets", "node-feature-discovery"])
def test_one_list_of_tolerations_is_not_the_other(template, part):
    found = tolerated(template("gpu-operator", {part: gpu_operator_values([SPOT])[part]}))
    missing = {name for name, tolerations in found.items() if tolerations != on_gpu_nodes([SPOT])}
    assert missing
    assert ("gpu-operator-node-feature-discovery-worker" in missing) is (part == "daemonsets")


@pytest.mark.parametrize(
    ("chart", "values", "sentence"),
    [
        ("kai-scheduler", {"admision": {}}, "additional properties 'admision' not allowed"),
        ("kai-scheduler", {"admission": {"gpuPodRuntimeClass": ""}}, "additional properties 'gpuPodRuntimeClass' not allowed"),
        ("kai-scheduler", {"admission": {"gpuPodRuntimeClassName": "''"}}, "does not match pattern"),
        ("gpu-operator", {"drivers": {}}, "additional properties 'drivers' not allowed"),
        ("gpu-operator", {"driver": {"enabled": "false"}}, "got string, want boolean"),
        ("gpu-operator", {"validator": {"driver": {"env": [{"name": "A", "value": True}]}}}, "got boolean, want string"),
    ],
)
def test_values_that_the_real_chart_would_ignore_are_refused(template, chart, values, sentence):
    assert sentence in template(chart, values)


NIM = "k8s-nim-operator"


def test_the_nim_operator_brings_nine_definitions_and_one_program(template):
    objects = template(NIM, {})
    assert len(KINDS) == 9
    assert names(objects, "CustomResourceDefinition") == {definition(kind) for kind in KINDS}
    assert (names(objects, "Deployment"), names(objects, "ServiceAccount") - {"nim-operator-upgrade-crd-hook-sa"}) == ({NIM}, {NIM})


def test_the_nim_operators_own_image_comes_with_the_secrets_that_it_is_told(template):
    image = {"repository": "registry.internal/nim-operator", "tag": "v9", "pullSecrets": ["pull"]}
    (deployment,) = [item for item in template(NIM, {"operator": {"image": image}}) if item["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    assert (pod["containers"][0]["image"], pod["imagePullSecrets"]) == ("registry.internal/nim-operator:v9", [{"name": "pull"}])
    (own,) = [item for item in template(NIM, {}) if item["kind"] == "Deployment"]
    assert own["spec"]["template"]["spec"]["containers"][0]["image"] == "nvcr.io/nvidia/cloud-native/k8s-nim-operator:v3.1.0"


def test_the_nim_operators_webhook_needs_cert_manager_or_a_secret(template):
    webhook = {"enabled": True, "tls": {"mode": "secret"}}
    assert "secret.name is required" in template(NIM, {"operator": {"admissionController": webhook}})
    assert names(template(NIM, {"operator": {"admissionController": {"enabled": True}}}), "Certificate")
    assert not names(template(NIM, {}), "Certificate")


@pytest.mark.parametrize(
    "values", [{"operator": {"webhook": {}}}, {"operator": {"image": {"pullSecret": "a"}}}, {"dynamo": {"enabled": True}}]
)
def test_the_nim_operators_chart_takes_no_value_that_it_does_not_know(template, values):
    assert "values don't meet the specifications of the schema" in template(NIM, values)
