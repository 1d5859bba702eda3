"""The stand-in charts create the real charts' objects, and refer to what the real ones refer to."""

from __future__ import annotations

import pytest

PROGRAMS = {"osmo-service", "osmo-router", "osmo-worker", "osmo-agent", "osmo-logger", "osmo-delayed-job-monitor"}
READERS = {"osmo-service", "osmo-agent", "osmo-logger", "osmo-worker"}
SCALED = {"osmo-service", "osmo-router", "osmo-worker", "osmo-agent", "osmo-logger", "osmo-gateway-envoy"}
STORES = {"postgres", "redis"}
HEADLESS = {"osmo-router-headless", "osmo-logger-headless"}
ALWAYS = {
    "Deployment": PROGRAMS | {"osmo-ui", "osmo-gateway-envoy"},
    "Service": {"osmo-gateway", "osmo-service", "osmo-router", "osmo-agent", "osmo-logger", "osmo-ui"} | HEADLESS,
    "HorizontalPodAutoscaler": SCALED,
    "ConfigMap": {"osmo-service-configs", "osmo-gateway-envoy-config"},
    "ServiceAccount": {"osmo"},
    "Role": {"osmo-service-configmap-events"},
    "RoleBinding": {"osmo-service-configmap-events"},
}
GATEWAY_PODS = {
    "app.kubernetes.io/name": "osmo-gateway",
    "app.kubernetes.io/instance": "osmo-minimal",
    "app.kubernetes.io/component": "envoy",
}


@pytest.mark.parametrize("variant", ["in-cluster", "in-cluster 6.4"])
def test_the_service_with_its_own_stores_has_exactly_the_33_objects_of_the_real_chart(helm, variant):
    found = helm.render(variant)
    wanted = ALWAYS | {
        "Deployment": ALWAYS["Deployment"] | STORES,
        "Service": ALWAYS["Service"] | STORES,
        "PersistentVolumeClaim": {"postgres-volume", "redis-volume"},
    }
    assert (len(found.objects), found.inventory()) == (33, wanted)


@pytest.mark.parametrize("variant", ["external", "external 6.4"])
def test_the_service_with_external_stores_has_exactly_the_27_objects_of_the_real_chart(helm, variant):
    found = helm.render(variant)
    assert (len(found.objects), found.inventory()) == (27, ALWAYS)


@pytest.mark.parametrize("variant", ["operator", "operator 6.4"])
def test_the_operator_has_exactly_the_16_objects_of_the_real_chart(helm, variant):
    found = helm.render(variant)
    accounts = {"osmo-operator-listener", "osmo-operator-worker"}
    wanted = dict.fromkeys(("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"), accounts) | {
        "PriorityClass": {"osmo-high", "osmo-normal", "osmo-low"},
        "Deployment": {"osmo-operator-osmo-backend-listener", "osmo-operator-osmo-backend-worker"},
        "ConfigMap": {"osmo-operator-osmo-backend-test-runner"},
    }
    assert (len(found.objects), found.inventory()) == (16, wanted)


def test_the_operators_roles_live_where_workflows_run_and_all_else_where_it_runs(helm):
    placed = [item for item in helm.render("operator").objects if "namespace" in item["metadata"]]
    where = {(item["kind"] in {"Role", "RoleBinding"}, item["metadata"]["namespace"]) for item in placed}
    assert where == {(True, "osmo-workflows"), (False, "osmo-operator")}


def test_operator_pods_are_labelled_like_their_deployment(helm):
    for deployment in helm.render("operator").of("Deployment"):
        assert deployment["spec"]["template"]["metadata"]["labels"] == {"app": deployment["metadata"]["name"]}


def test_priority_classes_carry_the_real_values(helm):
    values = {item["metadata"]["name"]: item["value"] for item in helm.render("operator").of("PriorityClass")}
    assert values == {"osmo-high": 125, "osmo-normal": 100, "osmo-low": 50}


@pytest.mark.parametrize(
    ("name", "selector", "ports"),
    [
        ("osmo-service", {"app": "osmo-service"}, [("http", 80, 8000)]),
        ("osmo-router", {"app": "osmo-router"}, [("http", 80, 8000)]),
        ("osmo-router-headless", {"app": "osmo-router"}, [("http", 80, 8000)]),
        ("osmo-agent", {"app": "osmo-agent"}, [("http", 80, 8000)]),
        ("osmo-logger", {"app": "osmo-logger"}, [("http", 80, 8000)]),
        ("osmo-logger-headless", {"app": "osmo-logger"}, [("http", 80, 8000)]),
        ("osmo-ui", {"app": "osmo-ui"}, [("http", 80, 8000)]),
        ("postgres", {"app": "postgres"}, [("http", 5432, "postgres")]),
        ("redis", {"app": "redis"}, [("http", 6379, "redis")]),
        ("osmo-gateway", GATEWAY_PODS, [("http", 80, "envoy-http"), ("https", 443, "envoy-http")]),
    ],
)
def test_a_service_has_the_real_selector_and_ports(helm, name, selector, ports):
    spec = helm.render("in-cluster").one("Service", name)["spec"]
    assert spec["selector"] == selector
    assert [(port["name"], port["port"], port["targetPort"]) for port in spec["ports"]] == ports


@pytest.mark.parametrize("service", sorted(ALWAYS["Service"] | STORES))
def test_a_service_selects_the_pods_of_one_deployment_that_opens_its_port(helm, service):
    found = helm.render("in-cluster")
    spec = found.one("Service", service)["spec"]
    templates = [deployment["spec"]["template"] for deployment in found.of("Deployment")]
    (chosen,) = [template for template in templates if spec["selector"].items() <= template["metadata"]["labels"].items()]
    opened = {value for port in chosen["spec"]["containers"][0]["ports"] for value in (port["name"], port["containerPort"])}
    assert {port["targetPort"] for port in spec["ports"]} <= opened


def test_the_gateway_answers_at_port_8080_of_its_pods(helm):
    ports = {port["name"]: port["containerPort"] for port in helm.render("in-cluster").container("osmo-gateway-envoy")["ports"]}
    assert ports == {"envoy-http": 8080, "envoy-admin": 9901}


def test_headless_services_have_no_address(helm):
    services = helm.render("in-cluster").of("Service")
    assert {item["metadata"]["name"] for item in services if item["spec"].get("clusterIP") == "None"} == HEADLESS


def _cpu(quantity: str) -> int:
    return int(quantity[:-1]) if quantity.endswith("m") else int(quantity) * 1000


def _memory(quantity: str) -> int:
    return int(quantity[:-2]) * {"Mi": 1, "Gi": 1024}[quantity[-2:]]


@pytest.mark.parametrize(
    ("variant", "without", "cpu", "memory"),
    [
        ("in-cluster", (), 1950, 3188),
        ("external", (), 1700, 1652),
        ("operator", (), 250, 256),
        ("operator", ("services",), 2000, 3072),
        ("in-cluster 6.4", (), 1950, 3188),
        ("external 6.4", (), 1700, 1652),
        ("operator 6.4", (), 250, 256),
    ],
)
def test_requests_add_up_to_what_the_real_chart_asks_for(helm, variant, without, cpu, memory):
    found = helm.render(variant, without=without)
    requests = [found.container(name).get("resources", {}).get("requests", {}) for name in found.pods()]
    assert sum(_cpu(request.get("cpu", "0")) for request in requests) == cpu
    assert sum(_memory(request.get("memory", "0Mi")) for request in requests) == memory


@pytest.mark.parametrize(
    ("variant", "kind", "name", "deployments"),
    [
        ("in-cluster", "ConfigMap", "mek-config", PROGRAMS),
        ("in-cluster", "Secret", "osmo-workflow-data-cred", READERS),
        ("in-cluster", "Secret", "osmo-workflow-log-cred", READERS),
        ("in-cluster", "Secret", "osmo-workflow-app-cred", READERS),
        ("in-cluster", "Secret", "default-admin-secret", {"osmo-service"}),
        ("in-cluster", "Secret", "db-secret", set()),
        ("in-cluster", "Secret", "redis-secret", set()),
        ("external", "Secret", "db-secret", PROGRAMS),
        ("external", "Secret", "redis-secret", PROGRAMS - {"osmo-router"}),
        ("external", "Secret", "osmo-operator-token", set()),
        ("external 6.4", "Secret", "osmo-operator-token", {"osmo-service"}),
        ("external 6.4", "Secret", "db-secret", PROGRAMS),
        ("in-cluster 6.4", "ConfigMap", "mek-config", PROGRAMS),
        (
            "operator",
            "Secret",
            "osmo-operator-token",
            {"osmo-operator-osmo-backend-listener", "osmo-operator-osmo-backend-worker"},
        ),
    ],
)
def test_what_must_exist_before_a_release_is_referred_to_by_the_same_deployments(helm, variant, kind, name, deployments):
    assert helm.render(variant).who_needs(kind, name) == deployments


def test_the_keys_of_the_password_secrets_are_the_real_ones(helm):
    found = helm.render("external").environment("osmo-service")
    assert found["OSMO_POSTGRES_PASSWORD"]["valueFrom"]["secretKeyRef"] == {"name": "db-secret", "key": "db-password"}
    assert found["OSMO_REDIS_PASSWORD"]["valueFrom"]["secretKeyRef"] == {"name": "redis-secret", "key": "redis-password"}
    assert found["OSMO_DEFAULT_ADMIN_PASSWORD"]["valueFrom"]["secretKeyRef"] == {"name": "default-admin-secret", "key": "password"}


def test_with_a_plain_database_password_no_redis_password_is_passed(helm):
    assert "OSMO_REDIS_PASSWORD" not in helm.render("in-cluster").environment("osmo-service")


def test_the_in_cluster_database_gets_no_user_name(helm):
    assert "POSTGRES_USER" not in helm.render("in-cluster").environment("postgres")


def test_claims_survive_an_uninstall(helm):
    for claim in helm.render("in-cluster").of("PersistentVolumeClaim"):
        assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
        assert (claim["spec"]["accessModes"], claim["spec"]["resources"]["requests"]["storage"]) == (["ReadWriteOnce"], "20Gi")


def test_service_pods_tolerate_no_taint_and_operator_pods_only_ops(helm):
    assert not any("tolerations" in pod for pod in helm.render("in-cluster").pods().values())
    operator = [pod["tolerations"] for pod in helm.render("operator").pods().values()]
    assert operator == [[{"key": "ops", "operator": "Exists", "effect": "NoSchedule"}]] * 2


def test_the_workers_spread_counts_the_pods_of_the_service(helm):
    (spread,) = helm.render("in-cluster").pods()["osmo-worker"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == {"app": "osmo-service"}


def test_autoscalers_stay_at_one_except_the_gateways(helm):
    scalers = helm.render("in-cluster").of("HorizontalPodAutoscaler")
    bounds = {item["metadata"]["name"]: (item["spec"]["minReplicas"], item["spec"]["maxReplicas"]) for item in scalers}
    assert bounds == {name: (1, 6 if name == "osmo-gateway-envoy" else 1) for name in SCALED}


def test_startup_probes_take_the_given_threshold_and_the_real_period(helm):
    given = helm.render("in-cluster").container("osmo-router")["startupProbe"]
    assert (given["failureThreshold"], given["periodSeconds"], given["initialDelaySeconds"]) == (30, 5, 30)
    default = helm.render("in-cluster", without=["services.agent"]).container("osmo-agent")["startupProbe"]
    assert (default["failureThreshold"], default["periodSeconds"], "initialDelaySeconds" in default) == (24, 5, False)
    operator = helm.render("operator").container("osmo-operator-osmo-backend-worker")["startupProbe"]
    assert {name: operator[name] for name in ("failureThreshold", "periodSeconds", "timeoutSeconds", "initialDelaySeconds")} == {
        "failureThreshold": 30,
        "periodSeconds": 5,
        "timeoutSeconds": 60,
        "initialDelaySeconds": 10,
    }


def test_the_service_is_asked_for_readiness_every_45_seconds_over_tls(helm):
    probe = helm.render("in-cluster").container("osmo-service")["readinessProbe"]
    assert (probe["periodSeconds"], probe["httpGet"]["scheme"]) == (45, "HTTPS")
