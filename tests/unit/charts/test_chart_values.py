"""What values do to the stand-in charts: merging, nulls, switches, and the refusal of what the real charts would not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

PROGRAMS = {"osmo-service", "osmo-router", "osmo-worker", "osmo-agent", "osmo-logger", "osmo-delayed-job-monitor"}
OPERATOR_PROGRAMS = {"osmo-operator-osmo-backend-listener", "osmo-operator-osmo-backend-worker"}


@pytest.mark.parametrize("variant", ["in-cluster", "external", "operator"])
def test_helm_lints_the_chart(helm, variant):
    found = helm.lint(variant)
    assert found.returncode == 0, found.stdout


def test_the_gateway_is_a_load_balancer_unless_told_otherwise(helm):
    spec = helm.render("in-cluster", without=["gateway.envoy.service"]).one("Service", "osmo-gateway")["spec"]
    assert spec["type"] == "LoadBalancer"


def test_the_gateway_can_be_a_node_port_with_one_port(helm):
    service = {"type": "NodePort", "nodePort": 30080, "httpsPort": None}
    spec = helm.render("in-cluster", {"gateway": {"envoy": {"service": service}}}).one("Service", "osmo-gateway")["spec"]
    assert (spec["type"], [(port["port"], port["nodePort"]) for port in spec["ports"]]) == ("NodePort", [(80, 30080)])


@pytest.mark.parametrize(("store", "port"), [("postgres", 30033), ("redis", 30034)])
def test_an_in_cluster_store_is_open_on_every_node_unless_switched_off(helm, store, port):
    opened = helm.render("in-cluster", without=[f"services.{store}.enableNodePort"]).one("Service", store)["spec"]
    assert (opened["type"], opened["ports"][0]["nodePort"]) == ("NodePort", port)
    closed = helm.render("in-cluster").one("Service", store)["spec"]
    assert (closed["type"], "nodePort" in closed["ports"][0]) == ("ClusterIP", False)


@pytest.mark.parametrize(("given", "rendered"), [("fast", "fast"), ("", ""), (None, None)])
def test_an_empty_storage_class_is_written_as_such_and_null_means_the_default(helm, given, rendered):
    found = helm.render("in-cluster", {"services": {"postgres": {"storageClassName": given}}})
    assert found.one("PersistentVolumeClaim", "postgres-volume")["spec"]["storageClassName"] == rendered


def test_a_storage_class_that_is_not_mentioned_is_written_empty(helm):
    found = helm.render("in-cluster", without=["services.postgres.storageClassName"])
    assert found.one("PersistentVolumeClaim", "postgres-volume")["spec"]["storageClassName"] == ""


def test_a_password_of_digits_becomes_a_number(helm):
    found = helm.render("in-cluster", {"services": {"postgres": {"password": "12345678"}}})
    assert found.environment("postgres")["POSTGRES_PASSWORD"]["value"] == 12345678
    assert found.environment("osmo-service")["OSMO_POSTGRES_PASSWORD"]["value"] == 12345678


def test_the_names_of_the_password_secrets_are_fixed(helm):
    other = {"passwordSecretName": "other"}
    assert helm.render("external", {"services": {"postgres": other, "redis": other}}).who_needs("Secret", "other") == set()


def test_without_the_config_file_switch_neither_mek_nor_passwords_are_passed(helm):
    found = helm.render("external", {"services": {"configFile": {"enabled": False}}})
    assert found.who_needs("ConfigMap", "mek-config") | found.who_needs("Secret", "db-secret") == set()


def test_the_services_file_holds_the_real_sections(helm):
    sections = "service workflow dataset resource_validations pod_templates group_templates backends backend_tests pools roles"
    assert set(helm.render("in-cluster").config()) == set(sections.split())


def test_values_are_merged_over_the_default_pool_and_templates(helm):
    found = helm.render("in-cluster").config()
    assert found["pools"]["default"]["default_platform"] == "default"
    assert found["pools"]["default"]["platforms"] == {"default": {}, "gpu": {"override_pod_template": ["gpu_toleration"]}}
    assert set(found["pod_templates"]) == {"default_ctrl", "default_user", "gpu_toleration"}
    assert found["backends"]["default"]["scheduler_settings"]["scheduler_name"] == "kai-scheduler"


def test_a_nulled_section_loses_the_charts_defaults(helm):
    assert "workflow" not in helm.render("in-cluster", {"services": {"configs": {"workflow": None}}}).config()


def test_a_list_replaces_the_list_below_it(helm):
    found = helm.render("in-cluster", {"services": {"configs": {"pools": {"default": {"common_pod_template": ["default_user"]}}}}})
    assert found.config()["pools"]["default"]["common_pod_template"] == ["default_user"]


@pytest.mark.parametrize("variant", ["external", "operator"])
def test_images_and_pull_secret_follow_the_global_values(helm, variant):
    moved = {"osmoImageLocation": "registry.example/osmo", "osmoImageTag": "6.3.0", "imagePullSecret": "nvcr-secret"}
    found = helm.render(variant, {"global": moved})
    images = {found.container(name)["image"] for name in found.pods()} - {"envoyproxy/envoy:v1.38.1"}
    assert {image.rpartition("/")[0] for image in images} == {"registry.example/osmo"}
    assert {image.rpartition(":")[2] for image in images} == {"6.3.0"}
    assert all(pod["imagePullSecrets"] == [{"name": "nvcr-secret"}] for pod in found.pods().values())


def test_images_have_the_real_paths(helm):
    found = [helm.render(variant) for variant in ("in-cluster", "operator")]
    programs = "service router worker agent logger delayed-job-monitor web-ui backend-listener backend-worker"
    assert {release.container(name)["image"] for release in found for name in release.pods()} == {
        *(f"nvcr.io/nvidia/osmo/{program}:6.3.1" for program in programs.split()),
        "envoyproxy/envoy:v1.38.1",
        "postgres:15.1",
        "redis:7.0",
    }


def test_workload_identity_reaches_the_account_and_the_pods(helm):
    label = {"azure.workload.identity/use": "true"}
    annotations = {"azure.workload.identity/client-id": "id"}
    sections = ("worker", "agent", "logger", "service", "delayedJobMonitor")
    services = {name: {"extraPodLabels": label} for name in sections}
    found = helm.render("external", {"serviceAccount": {"create": True, "annotations": annotations}, "services": services})
    assert found.one("ServiceAccount", "osmo")["metadata"]["annotations"] == annotations
    labels = {item["metadata"]["name"]: item["spec"]["template"]["metadata"]["labels"] for item in found.of("Deployment")}
    assert {name for name, found_labels in labels.items() if label.items() <= found_labels.items()} == PROGRAMS - {"osmo-router"}


@pytest.mark.parametrize(("variant", "programs"), [("in-cluster", PROGRAMS), ("operator", OPERATOR_PROGRAMS)])
def test_every_program_that_reads_secrets_takes_annotations_for_its_pods(helm, variant, programs):
    sections = ("service", "router", "agent", "worker", "logger", "delayedJobMonitor")
    sections = sections if variant == "in-cluster" else ("backendListener", "backendWorker")
    found = helm.render(variant, {"services": {name: {"extraPodAnnotations": {"sdg/secrets": "one"}} for name in sections}})
    annotations = {item["metadata"]["name"]: item["spec"]["template"]["metadata"].get("annotations", {}) for item in found.of("Deployment")}
    assert {name for name, given in annotations.items() if given.get("sdg/secrets") == "one"} == programs


def test_the_gateways_pods_roll_when_its_configuration_changes(helm):
    def checksum(more: Mapping[str, Any]) -> str:
        template = helm.render("in-cluster", more).one("Deployment", "osmo-gateway-envoy")["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    assert checksum({}) != checksum({"gateway": {"envoy": {"defaultIdentity": {"user": "someone"}}}})


def test_pod_monitors_have_the_real_names(helm):
    found = helm.render("in-cluster", {"podMonitor": {"enabled": True}})
    assert found.names("PodMonitor") == {"otel-monitor", "gateway-envoy-monitor"}


def _at(path: str, value: object) -> dict[str, Any]:
    """`a.b.c` and a value as nested values."""
    key, _, rest = path.partition(".")
    return {key: _at(rest, value) if rest else value}


def _unknown(path: str) -> tuple[dict[str, Any], str]:
    above, _, key = path.rpartition(".")
    pointer = "".join(f"/{part}" for part in above.split(".") if part)
    return _at(path, {}), f"at '{pointer}': additional properties '{key}' not allowed"


def _refused(path: str, value: object, sentence: str) -> tuple[dict[str, Any], str]:
    return _at(path, value), f"at '/{path.replace('.', '/')}'{sentence}"


SERVICE_REFUSALS = [
    _unknown("servises"),
    _unknown("global.osmoImageTagg"),
    _unknown("gateway.envoy.service.kind"),
    _unknown("services.backendApiTokens"),  # the real 1.3.1 ignores what came with 1.4.0, and the operator cannot log in
    _unknown("services.agent.scaling.minReplica"),
    _unknown("services.postgres.pasword"),
    _unknown("services.configs.pool"),
    _unknown("services.configs.pools.default.platforms.gpu.override_pod_templates"),
    _unknown("services.configs.workflow.workflow_data.credential.secret_key"),
    _refused("services.configs.workflow.workflow_log.credential.endpoint", "az://c@a", ": 'az://c@a' does not match pattern"),
    _refused("services.postgres.user", "osmo", ": value must be 'postgres'"),
    _refused("services.redis.tlsEnabled", True, ": value must be false"),
    _refused("gateway.authz.enabled", True, ": value must be false"),
    _refused("gateway.envoy.service.type", "ClusterIp", ": value must be one of"),
]
OPERATOR_REFUSALS = [
    _unknown("gateway"),
    _unknown("global.serviceURL"),
    _unknown("services.backendListner"),
    _unknown("services.backendWorker.resources.request"),
    _refused("global.serviceUrl", "osmo-gateway", ": 'osmo-gateway' does not match pattern"),
    _refused("global.loginMethod", "password", ": value must be 'token'"),
    (_at("global.accountTokenSecret", None), "at '/global': missing property 'accountTokenSecret'"),
]


@pytest.mark.parametrize("sentence", [sentence for _, sentence in SERVICE_REFUSALS])
def test_a_value_that_the_service_chart_does_not_know_is_refused_with_its_path(helm, sentence):
    assert sentence in helm.refusal("in-cluster", *(values for values, _ in SERVICE_REFUSALS))


@pytest.mark.parametrize("sentence", [sentence for _, sentence in OPERATOR_REFUSALS])
def test_a_value_that_the_operator_chart_does_not_know_is_refused_with_its_path(helm, sentence):
    assert sentence in helm.refusal("operator", *(values for values, _ in OPERATOR_REFUSALS))


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (
            "secretRefs",
            [{"secretName": "osmo-workflow-data-cred"}],
            'workflow.workflow_log.credential.secretName: Secret "osmo-workflow-log-cred" is not in',
        ),
        ("pools.default.backend", "edge", 'pools.default.backend: there is no backend "edge"'),
        ("pools.default.default_platform", "tpu", 'pools.default.default_platform: there is no platform of this pool "tpu"'),
        (
            "pools.default.platforms.gpu.override_pod_template",
            ["gone"],
            'pools.default.platforms.gpu.override_pod_template: there is no pod template "gone"',
        ),
    ],
)
def test_a_broken_reference_that_would_stop_the_service_is_refused(helm, path, value, sentence):
    assert f"services.configs.{sentence}" in helm.refusal("in-cluster", _at(f"services.configs.{path}", value))
