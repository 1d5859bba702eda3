"""What OSMO's database, Redis, image credentials, quota and token generation make, and in which order."""

import base64
import json

import pytest

SECRET = "kubernetes:core/v1:Secret"
DATABASE = {"kind": "external", "host": "db.example.com", "port": 6432, "user": "admin"}
REDIS = {"kind": "external", "host": "redis.example.com", "port": 10000}
GENERATED = "pulumi-python:dynamic/secret:Generated"


def content(graph, name):
    return graph.inputs[name]["stringData"]["value"]


@pytest.fixture
def external(run_program, monkeypatch):
    monkeypatch.setenv("POSTGRES_PASSWORD", "planted-database-password")
    monkeypatch.setenv("REDIS_PASSWORD", "planted-redis-password")
    return run_program(osmo={"database": DATABASE, "redis": REDIS})


def waited_for(graph):
    return {workload["name"] for workload in graph.inputs["osmo-service-gate"]["workloads"] if workload["namespace"] == "osmo-minimal"}


def test_both_password_secrets_exist_with_the_in_cluster_stores_too(run_program):
    graph = run_program()
    assert content(graph, "osmo-database") == {"db-password": "generated-value"}
    assert content(graph, "osmo-redis") == {"redis-password": ""}
    assert {"osmo-database", "osmo-redis"} <= graph.waits_for("osmo-service-release")
    assert {"postgres", "redis"} <= waited_for(graph)
    assert "osmo-database-server" not in graph.types


def test_external_stores_are_used_with_the_passwords_that_were_given(external):
    assert content(external, "osmo-database") == {"db-password": "planted-database-password"}
    assert content(external, "osmo-redis") == {"redis-password": "planted-redis-password"}
    assert "osmo-database-password" not in external.types
    assert not {"postgres", "redis"} & waited_for(external)


def test_an_external_database_is_made_and_looked_into_before_a_key_is_made_for_it(external):
    assert external.inputs["osmo-database-server"]["server"] == {"host": "db.example.com", "port": 6432, "name": "osmo", "user": "admin"}
    assert "osmo-database" in external.waits_for("osmo-database-server")
    assert "osmo-database-server" in external.waits_for("osmo-mek")
    assert "osmo-mek" in external.waits_for("osmo-service-release")


@pytest.mark.parametrize(
    ("name", "holder"),
    [
        ("osmo-database-password", ("Secret", "osmo-minimal", "db-secret", "db-password")),
        ("osmo-admin-token", ("Secret", "osmo-minimal", "default-admin-secret", "password")),
        ("osmo-mek", ("ConfigMap", "osmo-minimal", "mek-config", "mek.yaml")),
        ("object-store-root-password", ("Secret", "minio-operator", "minio-root", "root-password")),
    ],
)
def test_every_key_is_looked_for_where_the_cluster_would_hold_it_once_that_is_ready(run_program, name, holder):
    graph = run_program()
    assert graph.inputs[name]["holder"] == dict(zip(("kind", "namespace", "name", "key"), holder, strict=True))
    assert "cluster-gate/verdict" in graph.waits_for(name)


def test_data_without_its_keys_stops_the_update(run_program):
    graph = run_program()
    for name in ("osmo-database-password", "osmo-mek"):
        guard = graph.inputs[name]["guard"]
        assert guard["claim"] == {"namespace": "osmo-minimal", "name": "postgres-volume"}
        assert "delete persistentvolumeclaim postgres-volume" in guard["remedy"]


def test_images_are_pulled_anonymously_unless_a_key_is_asked_for(run_program, monkeypatch):
    monkeypatch.setenv("NGC_API_KEY", "planted-key-planted-key-planted-key")
    graph = run_program()
    assert not [name for name in graph.types if "nvcr-secret" in name]
    assert "planted-key" not in str(graph.inputs)


def test_the_pull_secret_is_in_every_namespace_before_its_pods(run_program, monkeypatch):
    monkeypatch.setenv("NGC_API_KEY", "planted-key-planted-key-planted-key")
    graph = run_program(osmo={"images": {"credentials": "ngc"}})
    names = {f"osmo-nvcr-secret-{namespace}" for namespace in ("osmo-minimal", "osmo-operator", "osmo-workflows")}
    assert names <= set(graph.types)
    assert names <= graph.waits_for("osmo-operator-release")
    assert "osmo-nvcr-secret-osmo-minimal" in graph.waits_for("osmo-service-release")
    for name in names:
        assert graph.inputs[name]["type"] == "kubernetes.io/dockerconfigjson"
        (auth,) = json.loads(content(graph, name)[".dockerconfigjson"])["auths"].values()
        assert base64.b64decode(auth["auth"]).decode() == "$oauthtoken:planted-key-planted-key-planted-key"


def annotations(graph, release, *programs):
    services = graph.inputs[release]["values"]["services"]
    return {services[program]["extraPodAnnotations"]["sdg/secrets"] for program in programs}


def test_a_password_that_changed_outside_rolls_the_pods_that_read_it_when_they_start(run_program, monkeypatch):
    monkeypatch.setenv("POSTGRES_PASSWORD", "planted-database-password")
    programs = ("service", "router", "agent", "worker", "logger", "delayedJobMonitor")
    found = []
    for password in ("planted-one", "planted-two", "planted-two"):
        monkeypatch.setenv("REDIS_PASSWORD", password)
        graph = run_program(osmo={"database": DATABASE, "redis": REDIS})
        (one,) = annotations(graph, "osmo-service-release", *programs)
        assert len(one) == 64
        found.append(one)
    assert found[0] != found[1] == found[2]


def test_another_token_rolls_the_operator_and_not_the_service(run_program):
    minted = "pulumi-python:dynamic/osmo:OperatorToken"
    graphs = [run_program(computed={minted: {"value": value, "expires": "2027-01-01"}}) for value in ("token-one", "token-two")]
    one, other = (annotations(graph, "osmo-operator-release", "backendListener", "backendWorker") for graph in graphs)
    assert (len(one), len(other)) == (1, 1)
    assert one != other
    one, other = (annotations(graph, "osmo-service-release", "service") for graph in graphs)
    assert one == other


def test_the_key_for_workflows_images_stands_in_a_secret_and_not_in_the_values(run_program, monkeypatch):
    monkeypatch.setenv("NGC_API_KEY", "planted-key-planted-key-planted-key")
    graph = run_program(osmo={"images": {"credentials": "ngc"}})
    assert content(graph, "osmo-images")["auth"] == "planted-key-planted-key-planted-key"
    assert graph.inputs["osmo-images"]["metadata"]["name"] == "osmo-image-cred"
    assert "osmo-images" in graph.waits_for("osmo-service-release")
    assert "planted-key" not in str(graph.inputs["osmo-service-release"])


def test_workflows_have_no_quota_unless_one_is_set(run_program):
    graph = run_program()
    assert graph.of_type("kubernetes:core/v1:ResourceQuota") == graph.of_type("kubernetes:core/v1:LimitRange") == []


def test_a_quota_bounds_requests_and_gives_a_small_one_to_containers_that_have_none(run_program):
    graph = run_program(osmo={"quota": {"cpu": 16, "gpus": 2, "pods": 50}})
    assert graph.inputs["osmo-workflow-quota"]["spec"] == {"hard": {"requests.cpu": "16", "requests.nvidia.com/gpu": "2", "pods": "50"}}
    assert graph.inputs["osmo-workflow-requests"]["spec"] == {"limits": [{"type": "Container", "defaultRequest": {"cpu": "10m"}}]}
    assert {"osmo-workflow-quota", "osmo-workflow-requests"} <= graph.waits_for("osmo-operator-release")


def test_6_3_mints_the_token_when_the_service_runs_and_the_gate_knows_its_end(run_program):
    graph = run_program()
    assert "osmo-service-gate/verdict" in graph.waits_for("osmo-operator-token")
    assert graph.inputs["osmo-operator-gate"]["tokenExpires"] == "2027-01-01"
    assert "osmo-token" not in graph.types


def test_6_4_has_one_token_in_both_namespaces_before_either_release(run_program):
    graph = run_program(osmo={"profile": "6.4"})
    assert graph.of_type("pulumi-python:dynamic/osmo:OperatorToken") == []
    secrets = {name: graph.inputs[name] for name in ("osmo-token", "osmo-operator-token-secret")}
    assert {secret["metadata"]["namespace"] for secret in secrets.values()} == {"osmo-minimal", "osmo-operator"}
    assert {secret["metadata"]["name"] for secret in secrets.values()} == {"osmo-operator-token"}
    for name in secrets:
        assert content(graph, name) == {"token": "backend-token", "previous-token": "token-before"}
    assert "osmo-token" in graph.waits_for("osmo-service-release")
    assert "osmo-service-gate/verdict" in graph.waits_for("osmo-operator-release")
    assert "osmo-operator-token-secret" in graph.waits_for("osmo-operator-release")
    assert graph.inputs["osmo-operator-gate"].get("tokenExpires") is None


def test_the_operators_secret_is_the_same_resource_in_both_generations(run_program):
    urns = {run_program(osmo={"profile": profile}).requests["osmo-operator-token-secret"].parent for profile in ("6.3", "6.4")}
    assert len(urns) == 1


def test_a_rotation_rolls_the_api_and_the_first_token_does_not(run_program):
    def nonce(rotation):
        graph = run_program(osmo={"profile": "6.4", "token": {"rotation": rotation}})
        assert graph.inputs["osmo-backend-token"]["rotation"] == rotation
        return graph.inputs["osmo-service-release"]["values"]["services"]["backendApiTokens"].get("rolloutNonce")

    assert (nonce(0), nonce(1), nonce(2)) == (None, "1", "2")


RELEASES = {"osmo-service-release": "osmo-minimal/osmo-minimal", "osmo-operator-release": "osmo-operator/osmo-operator"}


def test_nothing_is_imported_unless_an_installation_is_adopted(run_program):
    graph = run_program()
    assert "osmo-adopted" not in graph.types
    assert [graph.requests[name].importId for name in RELEASES] == ["", ""]


def test_an_adopted_installation_keeps_its_values_and_its_secrets(run_program):
    graph = run_program(osmo={"adopt": True})
    for name, live in RELEASES.items():
        assert graph.requests[name].importId == live
        assert graph.inputs[name]["values"] == {"by": "hand"}
    assert content(graph, "osmo-osmo-workflow-data-cred") == {"region": "kept"}
    assert content(graph, "osmo-redis") == {"redis-password": ""}  # there is none yet


def test_the_release_line_comes_before_everything_of_osmo(run_program):
    graph = run_program(osmo={"profile": "6.4"})
    line = {key: graph.inputs["osmo-release-line"][key] for key in ("profile", "chart", "tag", "migrate")}
    assert line == {"profile": "6.4", "chart": "1.4.0", "tag": "6.4.0", "migrate": False}
    for name in ("osmo-osmo-minimal", "osmo-mek", "osmo-backend-token", "osmo-service-release"):
        assert "osmo-release-line" in graph.waits_for(name)
