from __future__ import annotations

import pytest
from pulumi import FileAsset, StringAsset

from policy.rules.no_key_in_plain_path import NO_KEY_IN_PLAIN_PATH as RULE

NGC = "nvapi-planted0123456789abcdef"
TOKEN = "planted-0123456789abcdefghijklmnopqrstuvwxy"
PASSWORD = "planted0123456789abcdef0123456789"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
RELEASE = "kubernetes:helm.sh/v3:Release"
MEK = "currentMek: key1\nmeks:\n  key1: eyJrIjogIjEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAifQ==\n"


def container(**more: object) -> dict[str, object]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "nvcr.io/x:1", **more}]}}}}


@pytest.mark.parametrize(
    ("resource_type", "properties", "path"),
    [
        (CONFIG_MAP, {"data": {"config.yaml": f"key: {NGC}"}}, "data.config.yaml"),
        (CONFIG_MAP, {"metadata": {"annotations": {"note": NGC}}}, "metadata.annotations.note"),
        (CONFIG_MAP, {"metadata": {"labels": {"key": "hf_planted0123456789"}}}, "metadata.labels.key"),
        (DEPLOYMENT, container(args=["serve", f"--api-key={NGC}"]), "containers.0.args.1"),
        (DEPLOYMENT, container(args=["--token", TOKEN]), "containers.0.args.1"),
        (DEPLOYMENT, container(command=["sh", "-c", f"login --token={TOKEN}"]), "containers.0.command.2"),
        (DEPLOYMENT, container(env=[{"name": "POSTGRES_PASSWORD", "value": PASSWORD}]), "containers.0.env.0.value"),
        (RELEASE, {"chart": "service", "values": {"global": {"apiToken": TOKEN}}}, "values.global.apiToken"),
        (
            RELEASE,
            {"chart": "backend-operator", "values": {"services": {"postgres": {"password": PASSWORD}}}},
            "services.postgres.password",
        ),
        (RELEASE, {"chart": "service", "valueYamlFiles": [StringAsset(f"key: {NGC}")]}, "valueYamlFiles.0.text"),
        ("command:local:Command", {"create": f"osmo login --token {TOKEN}"}, "create"),
        ("command:local:Command", {"create": "az storage --connection AccountKey=" + "A1b2" * 22}, "create"),
        ("pulumi-python:dynamic/gate:Record", {"checks": [{"observed": f"401 for {NGC}"}]}, "checks.0.observed"),
        ("sdg:osmo:Osmo", {"token": TOKEN}, "token"),
        (CONFIG_MAP, {"metadata": {"name": "other"}, "data": {"mek.yaml": MEK}}, "data.mek.yaml"),
    ],
)
def test_a_key_at_a_plain_path_is_refused_by_path_and_shape_and_never_shown(judge, resource_type, properties, path) -> None:
    (message,) = judge(RULE, resource_type, properties).violations
    assert path in message
    assert message.startswith(f"{resource_type} it: ")
    assert "put the credential into a Secret" in message
    assert "planted" not in message


@pytest.mark.parametrize(
    ("resource_type", "properties"),
    [
        ("kubernetes:core/v1:Secret", {"stringData": {"token": TOKEN, "key": NGC}}),
        ("kubernetes:core/v1:Secret", {"data": {"tls.key": "-----BEGIN PRIVATE KEY-----"}}),
        ("pulumi:providers:kubernetes", {"kubeconfig": "client-key-data: " + "A1b2" * 20}),
        ("pulumi-python:dynamic/secret:Generated", {"form": "password", "chosen": TOKEN}),
        ("pulumi-python:dynamic/gate:Record", {"connection": {"kubeconfig": "client-key-data: " + "A1b2" * 20}}),
        ("command:local:Command", {"environment": {"NGC_API_KEY": NGC}, "create": "osmo login --token-file /dev/stdin", "stdin": TOKEN}),
        (CONFIG_MAP, {"metadata": {"name": "mek-config"}, "data": {"mek.yaml": MEK}}),
        (RELEASE, {"chart": "service", "values": {"services": {"postgres": {"password": PASSWORD}}}}),
        (RELEASE, {"chart": "./charts/service-1.3.1.tgz", "values": {"services": {"postgres": {"password": PASSWORD}}}}),
        (RELEASE, {"chart": "oci://mirror.test/nvidia/osmo/service", "values": {"services": {"postgres": {"password": PASSWORD}}}}),
        (
            DEPLOYMENT,
            container(env=[{"name": "NGC_API_KEY", "valueFrom": {"secretKeyRef": {"name": "ngc-api-secret", "key": "NGC_API_KEY"}}}]),
        ),
        (DEPLOYMENT, container(image="quay.io/minio/minio@sha256:" + "0a1b" * 16, args=["--token-file", "/etc/osmo/token"])),
        (RELEASE, {"values": {"global": {"accountTokenSecret": "osmo-operator-token"}}, "chart": "backend-operator"}),
        (RELEASE, {"valueYamlFiles": [FileAsset("values.yaml")]}),
    ],
)
def test_a_key_where_it_belongs_or_no_key_at_all_passes(judge, resource_type, properties) -> None:
    assert judge(RULE, resource_type, properties).violations == ()


def test_the_mek_exception_covers_its_one_key_only(judge) -> None:
    found = judge(RULE, CONFIG_MAP, {"metadata": {"name": "mek-config"}, "data": {"mek.yaml": MEK, "other": NGC}})
    assert len(found.violations) == 1


def test_an_unknown_value_hides_no_known_one(judge, unknown) -> None:
    properties = {"data": {"first": unknown, "second": NGC, "third": [unknown, NGC]}, "metadata": unknown}
    found = judge(RULE, CONFIG_MAP, properties)
    assert len(found.violations) == 2
    assert found.unknown == ""


def test_unknown_values_alone_are_no_violation(judge, unknown) -> None:
    assert judge(RULE, CONFIG_MAP, {"data": unknown}).violations == ()


def test_an_exception_whose_condition_is_unknown_does_not_count(judge, unknown) -> None:
    assert judge(RULE, CONFIG_MAP, {"metadata": {"name": unknown}, "data": {"mek.yaml": MEK}}).violations


def test_a_key_that_is_itself_a_credential_is_refused_and_not_shown(judge) -> None:
    (message,) = judge(RULE, CONFIG_MAP, {"metadata": {"annotations": {NGC: "x"}}}).violations
    assert "planted" not in message


def test_a_resource_without_texts_is_nothing_to_judge(judge) -> None:
    assert judge(RULE, "sdg:osmo:Osmo", {"gpus": 2, "ready": True, "none": None}).violations == ()
