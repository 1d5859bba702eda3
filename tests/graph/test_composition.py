"""What the program registers, and in which order."""

import itertools

import pytest

RELEASE = "kubernetes:helm.sh/v3:Release"
RECORD = "pulumi-python:dynamic/gate:Record"
VERDICT = "pulumi-python:dynamic/gate:Verdict"


@pytest.fixture
def graph(run_program):
    return run_program(cluster={"gpus": 2})


STAGES = ["cluster-gate/verdict", "osmo-service-gate/verdict", "osmo-operator-token", "osmo-operator-gate/verdict", "smoke-gate/verdict"]


@pytest.mark.parametrize(("earlier", "later"), list(itertools.pairwise(STAGES)))
def test_stages_follow_one_another_by_verdicts(graph, earlier, later):
    assert earlier in graph.waits_for(later)


@pytest.mark.parametrize(
    "name",
    [
        "osmo-admin",
        "osmo-mek-config",
        "osmo-osmo-workflow-data-cred",
        "osmo-osmo-workflow-log-cred",
        "osmo-osmo-workflow-app-cred",
        "osmo-osmo-minimal",
    ],
)
def test_what_the_services_pods_mount_exists_before_its_release(graph, name):
    assert name in graph.waits_for("osmo-service-release")


def test_the_operator_finds_its_token_and_both_namespaces(graph):
    assert {"osmo-operator-token-secret", "osmo-osmo-operator", "osmo-osmo-workflows"} <= graph.waits_for("osmo-operator-release")


def test_the_store_is_not_waited_for_before_the_service_is_installed(graph):
    assert "object-store-server" not in graph.waits_for("osmo-service-release")


def test_releases_have_fixed_names_pinned_versions_and_leave_the_waiting_to_gates(graph):
    releases = {graph.inputs[name]["name"]: graph.inputs[name] for name in graph.of_type(RELEASE)}
    assert {name: release["version"] for name, release in releases.items()} == {
        "kai-scheduler": "0.14.0",
        "osmo-minimal": "1.3.1",
        "osmo-operator": "1.3.1",
    }
    assert all(release["skipAwait"] and not release.get("atomic") for release in releases.values())


def test_every_gate_has_a_verdict_and_its_connection_is_secret(graph):
    assert len(graph.of_type(RECORD)) == len(graph.of_type(VERDICT)) == 5
    for name in graph.of_type(RECORD):
        assert "connection" in graph.requests[name].additionalSecretOutputs


def test_credentials_may_rotate_without_replacing_the_provider(graph):
    (provider,) = graph.of_type("pulumi:providers:kubernetes")
    assert graph.inputs[provider]["clusterIdentifier"] == "lab"


def test_the_gateway_stays_inside_the_cluster(graph):
    values = graph.inputs["osmo-service-release"]["values"]
    assert values["gateway"]["envoy"]["service"]["type"] == "ClusterIP"
    assert values["services"]["postgres"]["enableNodePort"] is False
    assert values["services"]["redis"]["enableNodePort"] is False


def test_a_gpu_platform_exists_beside_the_default_one_when_gpus_are_planned(graph):
    pool = graph.inputs["osmo-service-release"]["values"]["services"]["configs"]["pools"]["default"]
    assert "gpu" in pool["platforms"]
    assert pool["default_platform"] == "default"


def test_a_cluster_without_gpus_gets_no_gpu_platform_and_no_gpu_workflow(run_program):
    graph = run_program(cluster={"gpus": 0})
    assert "pools" not in graph.inputs["osmo-service-release"]["values"]["services"]["configs"]
    assert [workflow["name"] for workflow in graph.inputs["smoke-gate"]["workflows"]] == ["verify-hello"]


def test_planned_gpus_are_proved_by_a_workflow(graph):
    assert [workflow["name"] for workflow in graph.inputs["smoke-gate"]["workflows"]] == ["verify-hello", "verify-gpu"]


def test_no_forward_where_nobody_sits(run_program):
    assert run_program(forward={"enabled": False}).of_type("pulumi-python:dynamic/forward:Forward") == []


def test_the_api_and_the_user_interface_are_forwarded_to_ports_of_their_own_once_the_smoke_test_has_ended(graph):
    forwards = {name: graph.inputs[name] for name in graph.of_type("pulumi-python:dynamic/forward:Forward")}
    assert {name: (inputs["endpoint"]["service"], inputs["port"]) for name, inputs in forwards.items()} == {
        "forward": ("osmo-gateway", 9000),
        "forward-ui": ("osmo-ui", 3000),
    }
    assert all("smoke-gate" in graph.waits_for(name) for name in forwards)
    assert set(graph.outputs) >= {"osmoUrl", "osmoUiUrl"}


def test_charts_and_images_come_from_the_mirror(run_program):
    images = {"nvcr.io": "mirror.test/nvcr", "docker.io": "mirror.test/hub"}
    graph = run_program(mirror={"charts": {"https://helm.ngc.nvidia.com": "https://mirror.test/ngc"}, "images": images})
    for name in ("osmo-service-release", "osmo-operator-release"):
        assert graph.inputs[name]["repositoryOpts"]["repo"] == "https://mirror.test/ngc/nvidia/osmo"
        assert graph.inputs[name]["values"]["global"]["osmoImageLocation"] == "mirror.test/nvcr/nvidia/osmo"
    values = graph.inputs["osmo-service-release"]["values"]
    programs = (values["gateway"]["envoy"], values["services"]["postgres"], values["services"]["redis"])
    assert [program["image"].partition(":")[0] for program in programs] == [
        f"mirror.test/hub/{name}" for name in ("envoyproxy/envoy", "library/postgres", "library/redis")
    ]


def test_the_chosen_provider_and_cluster_are_registered_for_the_matrix_rule(graph):
    (inference,) = [name for name, type_ in graph.types.items() if type_.startswith("sdg:inference:")]
    assert graph.inputs[inference] == {"cluster": "existing", "provider": "none"}


def test_no_edge_runs_between_osmo_and_inference(graph):
    assert "inference" not in graph.waits_for("smoke-gate/verdict") | graph.waits_for("osmo-operator-gate/verdict")
    assert not {name for name in graph.waits_for("inference") if name.startswith("osmo")}


def test_components_register_the_plain_facts_that_policies_read(graph):
    assert graph.inputs["cluster"] == {"cluster": "existing", "identity": "lab", "gpus": 2}
    assert graph.inputs["osmo"] == {"cluster": "existing", "profile": "6.3", "gpus": 2}


def test_the_stack_says_which_versions_run_and_what_the_gates_found(graph):
    assert graph.outputs["gates"] == {"cluster": "passed", "kai": "passed", "osmoService": "passed", "osmo": "passed", "smoke": "passed"}
    assert graph.outputs["versions"] == {"kubernetes": "v1.36.3", "osmo": "6.3.1"}
    assert graph.outputs["osmoUrl"] == "http://localhost:9000"


PASSWORDS = {"osmo-database-password": "POSTGRES_PASSWORD", "object-store-root-password": "MINIO_ROOT_PASSWORD"}
SECRET = "4dabf18193072939515e22adb298388d"


@pytest.mark.parametrize("chosen", [None, "chosen-in-the-environment"])
def test_the_first_password_lives_in_the_state_whether_the_environment_names_one_or_not(run_program, monkeypatch, chosen):
    for variable in PASSWORDS.values():
        monkeypatch.setenv(variable, chosen or "")
    graph = run_program()
    for name in PASSWORDS:
        given = graph.inputs[name].get("chosen")
        assert given == (chosen and {SECRET: "1b47061264138c4ac30d75fd1eb44270", "value": chosen})
        assert {"chosen", "value"} <= set(graph.requests[name].additionalSecretOutputs)
    assert graph.inputs["object-store-root"]["stringData"]["value"]["root-password"] == "generated-value"
    assert graph.inputs["osmo-service-release"]["values"]["services"]["postgres"]["password"] == "generated-value"


def test_the_smoke_test_is_asked_again_when_values_or_secrets_of_either_release_changed(graph):
    triggers = {name: graph.inputs[f"osmo-{name}-gate"]["triggers"] for name in ("service", "operator")}
    assert triggers["service"]["values"] != triggers["operator"]["values"]
    assert graph.inputs["smoke-gate"]["triggers"] == {
        "service": "1",
        "serviceValues": triggers["service"]["values"],
        "operator": "1",
        "operatorValues": triggers["operator"]["values"],
    }
