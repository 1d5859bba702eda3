"""What chart 1.4.0 does differently from 1.3.1, and nothing more."""

from __future__ import annotations

import pytest

TOKENS = {"enabled": True, "credentials": [{"name": "default", "existingSecret": {"name": "osmo-operator-token"}}]}
MIGRATION = {"services": {"migration": {"enabled": True}}}


def tokens(**changed):
    return {"services": {"backendApiTokens": TOKENS | changed}}


@pytest.mark.parametrize("variant", ["in-cluster 6.4", "external 6.4", "operator 6.4"])
def test_helm_lints_the_newer_charts(helm, variant):
    found = helm.lint(variant)
    assert found.returncode == 0, found.stdout


def test_both_versions_make_objects_of_the_same_names(helm):
    for variant in ("in-cluster", "external", "operator"):
        assert helm.render(variant).inventory() == helm.render(f"{variant} 6.4").inventory()


def test_the_api_reads_tokens_from_the_mounted_secret(helm):
    container = helm.render("in-cluster 6.4").container("osmo-service")
    assert container["args"] == ["--backend_token_directory", "/etc/osmo/backend-tokens"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts["backend-token-default"] == "/etc/osmo/backend-tokens/default"


def test_without_tokens_the_api_is_told_nothing_of_them(helm):
    container = helm.render("in-cluster 6.4", {"services": {"backendApiTokens": {"enabled": False}}}).container("osmo-service")
    assert "args" not in container


def test_the_older_way_to_name_a_tokens_secret_is_known(helm):
    old = tokens(credentials=[{"name": "default", "secretName": "osmo-operator-token"}])
    assert helm.render("in-cluster 6.4", old).who_needs("Secret", "osmo-operator-token") == {"osmo-service"}


def test_another_nonce_rolls_the_api_and_nothing_else(helm):
    def pods(nonce):
        found = helm.render("in-cluster 6.4", tokens(rolloutNonce=nonce)).of("Deployment")
        return {deployment["metadata"]["name"]: deployment["spec"]["template"] for deployment in found}

    before, after = pods("1"), pods("2")
    assert {name for name in before if before[name] != after[name]} == {"osmo-service"}


@pytest.mark.parametrize(("variant", "namespace"), [("in-cluster", None), ("in-cluster 6.4", "osmo-minimal")])
def test_only_the_newer_chart_fills_in_a_namespace_for_the_backends_pods(helm, variant, namespace):
    assert helm.render(variant).config()["backends"]["default"].get("k8s_namespace") == namespace


def test_a_namespace_that_is_given_stays(helm):
    given = {"services": {"configs": {"backends": {"default": {"k8s_namespace": "osmo-workflows"}}}}}
    assert helm.render("in-cluster 6.4", given).config()["backends"]["default"]["k8s_namespace"] == "osmo-workflows"


def test_only_the_older_chart_has_volumes_for_logs(helm):
    def logs(variant):
        return {name for name, pod in helm.render(variant).pods().items() if {"name": "logs", "emptyDir": {}} in pod.get("volumes", [])}

    assert ("osmo-service" in logs("in-cluster"), logs("in-cluster 6.4")) == (True, set())


def test_the_migration_is_a_job_with_the_databases_password(helm):
    found = helm.render("external 6.4", MIGRATION)
    (job,) = found.of("Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    password = next(variable for variable in container["env"] if variable["name"] == "OSMO_POSTGRES_PASSWORD")
    assert password["valueFrom"]["secretKeyRef"] == {"name": "db-secret", "key": "db-password"}


def test_the_migration_is_a_hook_where_annotations_say_so(helm):
    hook = {"helm.sh/hook": "pre-upgrade"}
    found = helm.render("external 6.4", {"services": {"migration": {"enabled": True, "extraAnnotations": hook}}})
    annotated = [item["metadata"].get("annotations") for item in (*found.of("Job"), found.one("ConfigMap", "pgroll-migration-files"))]
    assert annotated == [hook, hook]


@pytest.mark.parametrize(
    ("variant", "values", "sentence"),
    [
        # the real 1.3.1 ignores it, and then no operator can log in
        ("in-cluster", tokens(), "additional properties 'backendApiTokens' not allowed"),
        ("in-cluster", MIGRATION, "at '/services/migration/enabled': value must be false"),
        ("in-cluster 6.4", tokens(credentials=[]), "minItems"),
        ("in-cluster 6.4", tokens(credentials=[{"name": "default"}]), "oneOf"),
        ("in-cluster 6.4", tokens(credentials=[{"name": "x" * 50, "secretName": "a"}]), "maxLength"),
        ("in-cluster 6.4", tokens(credentials=TOKENS["credentials"] * 2), 'duplicate backend API token credential name "default"'),
        ("in-cluster 6.4", tokens(credentials=[{"name": "default", "managedSecret": {"name": "a"}}]), "managedSecret"),
    ],
)
def test_what_a_version_does_not_take_is_refused(helm, variant, values, sentence):
    assert sentence in helm.refusal(variant, values)


@pytest.mark.parametrize("program", ["service", "agent", "worker", "logger", "delayedJobMonitor"])
def test_more_variables_reach_a_programs_container(helm, program):
    extra = [{"name": "OSMO_REDIS_PASSWORD", "value": "x"}]
    found = helm.render("in-cluster", {"services": {program: {"extraEnv": extra}}})
    given = {name for name in found.pods() if "OSMO_REDIS_PASSWORD" in found.environment(name)}
    assert given == {{"delayedJobMonitor": "osmo-delayed-job-monitor"}.get(program, f"osmo-{program}")}
