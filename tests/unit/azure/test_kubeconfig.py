"""AKS' kubeconfigs: what is kept of them, and how whoever runs the update logs in."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess

import pytest
import yaml

from sdg.azure.account import Account
from sdg.azure.deployer import deployer_of
from sdg.azure.kubeconfig import AksKubeconfigError, Login, login_of, with_certificate, with_login

CLUSTER = {"server": "https://aks.hcp.eastus2.azmk8s.io:443", "certificate-authority-data": "Y2E="}
CERTIFICATE = {"client-certificate-data": "Y2VydA==", "client-key-data": "planted-key", "token": "planted-token"}
# as AKS writes it, format `exec`
EXEC = {
    "apiVersion": "client.authentication.k8s.io/v1beta1",
    "command": "kubelogin",
    "args": [
        "get-token",
        "--environment",
        "AzurePublicCloud",
        "--server-id",
        "6dae42f8-4368-4678-94ff-3960e28e3630",
        "--client-id",
        "80faf920-1908-4b52-b5ef-a8e7bedfc67a",
        "--tenant-id",
        "a-tenant",
        "--login",
        "devicecode",
    ],
    "env": None,
    "provideClusterInfo": False,
}
KEPT = ["get-token", "--environment", "AzurePublicCloud", "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630", "--tenant-id", "a-tenant"]


def encoded(user, current="theirs"):
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "theirs", "cluster": CLUSTER}],
        "contexts": [{"name": "theirs", "context": {"cluster": "theirs", "user": "clusterUser"}}],
        "users": [{"name": "clusterUser", "user": user}],
        "current-context": current,
    }
    return base64.b64encode(yaml.safe_dump(document).encode()).decode()


def written(text):
    document = yaml.safe_load(text)
    (context,), (cluster,), (user,) = document["contexts"], document["clusters"], document["users"]
    assert {document["current-context"], context["name"], cluster["name"], user["name"]} == {"ours"}
    assert context["context"] == {"cluster": "ours", "user": "ours"}
    assert cluster["cluster"] == CLUSTER
    return user["user"]


def test_the_administrators_certificate_comes_under_the_clusters_name():
    assert written(with_certificate(encoded(CERTIFICATE), "ours")) == CERTIFICATE


@pytest.mark.parametrize(
    ("login", "added"),
    [
        (Login("azurecli"), ["--login", "azurecli"]),
        (Login("msi"), ["--login", "msi"]),
        (Login("msi", "an-identity"), ["--login", "msi", "--client-id", "an-identity"]),
        (
            Login("workloadidentity", "an-application", "/run/token"),
            ["--login", "workloadidentity", "--client-id", "an-application", "--federated-token-file", "/run/token"],
        ),
    ],
)
def test_the_login_is_that_of_whoever_runs_the_update(login, added):
    found = written(with_login(encoded({"exec": EXEC}), "ours", login))["exec"]
    assert (found["command"], found["args"]) == ("kubelogin", [*KEPT, *added])
    assert found["apiVersion"] == EXEC["apiVersion"]


def test_what_aks_says_of_the_login_is_replaced_however_it_is_written():
    given = {**EXEC, "args": ["get-token", "--login=devicecode", "-l", "interactive", "--client-id=theirs", "--tenant-id", "a-tenant"]}
    found = written(with_login(encoded({"exec": given}), "ours", Login("azurecli")))["exec"]
    assert found["args"] == ["get-token", "--tenant-id", "a-tenant", "--login", "azurecli"]


@pytest.mark.parametrize(
    ("environ", "secret"),
    [
        ({"ARM_CLIENT_SECRET": "planted-arm"}, "planted-arm"),
        ({"AZURE_CLIENT_SECRET": "planted-azure"}, "planted-azure"),
        ({"ARM_CLIENT_SECRET": "planted-arm", "AZURE_CLIENT_SECRET": "planted-azure"}, "planted-azure"),
    ],
)
def test_a_service_principals_secret_is_found_where_it_is_kept_and_not_written(tmp_path, environ, secret):
    text = with_login(encoded({"exec": EXEC}), "ours", Login("spn", "an-application"))
    assert "planted" not in text
    found = written(text)["exec"]
    stand_in = tmp_path / "kubelogin"
    stand_in.write_text('#!/bin/sh\necho "$AZURE_CLIENT_SECRET"\nprintf "%s\\n" "$@"\n')
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        [found["command"], *found["args"]], env={"PATH": path, **environ}, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert ran == [secret, *KEPT, "--login", "spn", "--client-id", "an-application"]


@pytest.mark.parametrize(
    ("read", "given"),
    [
        (lambda text: with_certificate(text, "ours"), encoded({"exec": EXEC})),
        (lambda text: with_login(text, "ours", Login("azurecli")), encoded(CERTIFICATE)),
        (lambda text: with_login(text, "ours", Login("azurecli")), encoded({"exec": {**EXEC, "command": "gke"}})),
        (lambda text: with_certificate(text, "ours"), encoded(CERTIFICATE, current="another")),
        (lambda text: with_certificate(text, "ours"), "planted-no-base64!"),
        (lambda text: with_certificate(text, "ours"), base64.b64encode(b"planted: [").decode()),
        (lambda text: with_certificate(text, "ours"), base64.b64encode(b"\xff\xfe").decode()),
        (lambda text: with_certificate(text, "ours"), base64.b64encode(b"- planted").decode()),
    ],
)
def test_what_is_no_such_kubeconfig_is_refused_without_showing_it(read, given):
    with pytest.raises(AksKubeconfigError) as refused:
        read(given)
    assert "planted" not in str(refused.value)
    assert str(refused.value).startswith("AKS gave ")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, Login("azurecli")),
        ({"ARM_CLIENT_ID": "app"}, Login("azurecli")),
        ({"ARM_CLIENT_ID": "app", "ARM_CLIENT_SECRET": "s"}, Login("spn", "app")),
        ({"AZURE_CLIENT_ID": "app", "AZURE_CLIENT_CERTIFICATE_PATH": "/c.pfx"}, Login("spn", "app")),
        ({"ARM_CLIENT_ID": "arm", "AZURE_CLIENT_ID": "azure", "ARM_CLIENT_SECRET": "s"}, Login("spn", "arm")),
        ({"ARM_CLIENT_ID": "app", "ARM_USE_OIDC": "true"}, Login("workloadidentity", "app")),
        ({"AZURE_CLIENT_ID": "app", "AZURE_FEDERATED_TOKEN_FILE": "/t"}, Login("workloadidentity", "app", "/t")),
        ({"ARM_USE_MSI": "true"}, Login("msi")),
        ({"ARM_USE_MSI": "false"}, Login("azurecli")),
        ({"IDENTITY_ENDPOINT": "http://127.0.0.1:1", "AZURE_CLIENT_ID": "app"}, Login("msi", "app")),
    ],
)
def test_the_login_is_known_by_the_environment(environ, expected):
    assert login_of(environ) == expected


@pytest.mark.parametrize(
    ("environ", "user", "expected"),
    [
        ({}, "user", "User"),
        ({}, "servicePrincipal", "ServicePrincipal"),
        ({}, None, "User"),
        ({"ARM_CLIENT_ID": "app", "ARM_CLIENT_SECRET": "s"}, "user", "ServicePrincipal"),
        ({"ARM_USE_MSI": "true"}, "user", "ServicePrincipal"),
    ],
)
def test_whoever_deploys_is_a_person_only_as_az_knows_them(tmp_path, environ, user, expected):
    subscription = "11111111-2222-3333-4444-555555555555"
    entry = {"id": subscription.upper(), "user": {"name": "somebody", "type": user}}
    (tmp_path / "azureProfile.json").write_text(json.dumps({"subscriptions": [entry] if user else []}))
    account = Account(subscription, None, "a test")
    assert deployer_of(account, {**environ, "AZURE_CONFIG_DIR": str(tmp_path)}).principal_type == expected
