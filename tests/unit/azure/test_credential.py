"""Finding a login to Azure."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from azure.identity import ChainedTokenCredential

from rehearsal.azure.account import CLIENT, OBJECT, SUBSCRIPTION, TENANT
from sdg.azure import questions
from sdg.azure.account import Account
from sdg.azure.arm import Arm
from sdg.azure.credential import CLI, MANAGED, SERVICE_PRINCIPAL, Login, remedy
from sdg.azure.errors import LoginError
from tests.unit.azure.conftest import Scripted, Simulated, jwt
from tests.unit.azure.logins import ACCOUNT, az, claims, nobody

__all__ = ["az", "nobody"]  # the fixtures


def test_a_managed_identity_is_found_where_the_host_has_one(azure: Simulated) -> None:
    login = Login(azure.account, azure.environ)
    assert claims(login) | {"oid": OBJECT, "tid": TENANT, "appid": CLIENT} == claims(login)


def test_the_login_opens_arm(azure: Simulated) -> None:
    question = questions.SUBSCRIPTION
    assert azure.arm().get(question.at(SUBSCRIPTION), question.api_version)["state"] == "Enabled"


def test_whoever_is_logged_in_with_az_is_found(az: Path, nobody: dict[str, str]) -> None:
    (az / "logged-in").touch()
    login = Login(ACCOUNT, nobody)
    assert claims(login)["upn"] == "ada@example.com"
    asked = (az / "asked").read_text()
    assert f"--tenant {TENANT}" in asked
    assert "--subscription" not in asked


def test_az_is_asked_for_the_subscription_where_nobody_knows_the_tenant(az: Path, nobody: dict[str, str]) -> None:
    (az / "logged-in").touch()
    Login(Account(SUBSCRIPTION, None, "test"), nobody).get_token()
    assert f"--subscription {SUBSCRIPTION}" in (az / "asked").read_text()


def test_without_a_login_every_way_is_named_and_what_to_run(az: Path, nobody: dict[str, str]) -> None:
    began = time.monotonic()
    with pytest.raises(LoginError) as caught:
        Login(ACCOUNT, nobody).get_token()
    assert time.monotonic() - began < 10
    assert [way.partition(":")[0] for way in caught.value.tried] == [SERVICE_PRINCIPAL, "workload identity", MANAGED, CLI]
    login = f"az login --tenant {TENANT}"
    person = f"Run `{login}`; on a host without a browser `{login} --use-device-code`"
    assert caught.value.remedy == f"{person}; on a machine with a managed identity, set ARM_USE_MSI=true."
    assert str(caught.value).startswith("Nobody is logged in to Azure. Tried: service principal: not configured;")


def test_no_machine_is_asked_for_an_identity_that_no_variable_speaks_of(
    az: Path, nobody: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    (az / "logged-in").touch()
    login = Login(ACCOUNT, nobody)
    began = time.monotonic()
    assert claims(login)["upn"] == "ada@example.com"
    assert time.monotonic() - began < 1
    with pytest.raises(LoginError, match="managed identity: ARM_USE_MSI is not true"):
        Login(Account(SUBSCRIPTION, "not a tenant", "test"), nobody).get_token()


def test_a_machine_whose_identity_does_not_answer_is_passed_over(az: Path, nobody: dict[str, str]) -> None:
    (az / "logged-in").touch()
    login = Login(ACCOUNT, {**nobody, "ARM_USE_MSI": "true"})
    assert claims(login)["upn"] == "ada@example.com"


@pytest.mark.parametrize("given", ["ARM_OIDC_TOKEN", "ARM_OIDC_TOKEN_FILE_PATH", "ACTIONS_ID_TOKEN_REQUEST", "ARM_OIDC_REQUEST"])
def test_a_token_of_a_ci_system_is_found_wherever_it_gives_it(tmp_path: Path, scripted: Scripted, given: str) -> None:
    from sdg.azure.credential import _assertion  # noqa: PLC0415

    (tmp_path / "token").write_text("vouched\n")
    scripted.say({"value": "vouched"})
    environ = {
        "ARM_OIDC_TOKEN": {given: "vouched"},
        "ARM_OIDC_TOKEN_FILE_PATH": {given: str(tmp_path / "token")},
    }.get(given, {f"{given}_URL": f"{scripted.url}/?x=1", f"{given}_TOKEN": "runner"})
    assert _assertion(environ) == "vouched"
    for asked in scripted.asked:
        assert asked.query == {"x": ["1"], "audience": ["api://AzureADTokenExchange"]}
        assert asked.headers["Authorization"] == "Bearer runner"


def test_az_that_is_missing_is_said(nobody: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(LoginError, match="az: Azure CLI not found on path"):
        Login(ACCOUNT, nobody).get_token()


def test_ci_is_told_of_service_principals(az: Path, nobody: dict[str, str]) -> None:
    with pytest.raises(LoginError, match="Give the job a service principal: ARM_CLIENT_ID"):
        Login(ACCOUNT, {**nobody, "CI": "true"}).get_token()


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"CI": "true"}, "Give the job a service principal: ARM_CLIENT_ID"),
        ({"CI": "true", "ARM_CLIENT_ID": "c"}, "Check the service principal: ARM_CLIENT_ID"),
        ({"AZURE_CLIENT_ID": "c"}, "unset ARM_CLIENT_ID and AZURE_CLIENT_ID"),
        ({"ARM_USE_MSI": "true", "ARM_CLIENT_ID": "c"}, "Check the managed identity that ARM_USE_MSI=true chooses"),
    ],
)
def test_what_to_do_is_of_the_login_that_is_chosen(environ: dict[str, str], words: str) -> None:
    said = remedy(None, environ)
    assert words in said
    assert not said.startswith("Run az login")
    assert ("az login" in said) is ("CI" not in environ), "nobody is there in CI who could"


def test_a_service_principal_that_cannot_be_read_ends_the_search(az: Path, nobody: dict[str, str]) -> None:
    (az / "logged-in").touch()
    environ = {**nobody, "ARM_CLIENT_ID": CLIENT, "ARM_TENANT_ID": TENANT, "ARM_CLIENT_CERTIFICATE_PATH": str(az / "absent.pem")}
    with pytest.raises(LoginError, match=r"The login to Azure by service principal fails.*No such file"):
        Login(ACCOUNT, environ).get_token()
    assert not (az / "asked").exists()


def test_a_service_principal_goes_before_all_else(az: Path, nobody: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    (az / "logged-in").touch()
    seen: list[tuple[str, ...]] = []

    class Principal:
        def __init__(self, *arguments: str, **_options: object) -> None:
            seen.append(arguments)

        def get_token(self, *_scopes: str, **_options: object) -> Any:
            return type("Token", (), {"token": jwt(oid="sp", tid=TENANT), "expires_on": int(time.time()) + 3600})()

    monkeypatch.setattr("sdg.azure.credential.ClientSecretCredential", Principal)
    environ = {**nobody, "AZURE_CLIENT_ID": "other", "ARM_CLIENT_ID": CLIENT, "ARM_CLIENT_SECRET": "s"}
    login = Login(ACCOUNT, environ)
    assert (claims(login)["oid"], seen) == ("sp", [(TENANT, CLIENT, "s")])


def test_no_secret_is_part_of_an_error(nobody: dict[str, str]) -> None:
    environ = {
        **nobody,
        "ARM_CLIENT_ID": CLIENT,
        "ARM_TENANT_ID": TENANT,
        "ARM_CLIENT_SECRET": "s3cr3t-never-shown",
        "AZURE_AUTHORITY_HOST": "x",
    }
    with pytest.raises(LoginError) as caught:
        Login(ACCOUNT, environ).get_token()
    assert "s3cr3t-never-shown" not in str(caught.value)


def test_threads_share_one_token(az: Path, nobody: dict[str, str]) -> None:
    (az / "logged-in").touch()
    login = Login(ACCOUNT, nobody)
    threads = [threading.Thread(target=login.get_token) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len((az / "asked").read_text().splitlines()) == 1


@contextmanager
def switched(simulated: Simulated, **fields: str) -> Iterator[None]:
    simulated.faults.set("azure.login", fields)
    yield
    simulated.faults.clear("azure.login")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("none", "Nobody is logged in"),
        ("expired", "refuses the login: ExpiredAuthenticationToken"),
        ("otherTenant", "refuses the login: InvalidAuthenticationTokenTenant"),
    ],
)
def test_every_way_of_a_login_that_fails_is_said(azure: Simulated, state: str, words: str) -> None:
    question = questions.SUBSCRIPTION
    with switched(azure, state=state), pytest.raises(LoginError, match=words):
        azure.arm().get(question.at(SUBSCRIPTION), question.api_version)


def test_arm_takes_no_other_token(azure: Simulated, scripted: Scripted) -> None:
    class Forged:
        def get_token(self, *_scopes: str, **_options: object) -> Any:
            token = jwt(aud="https://management.azure.com", exp=int(time.time()) + 3600, oid=OBJECT, tid=TENANT)
            return type("Token", (), {"token": token, "expires_on": int(time.time()) + 3600})()

    question = questions.SUBSCRIPTION
    with pytest.raises(LoginError, match="InvalidAuthenticationToken"):
        Arm(azure.url, Forged()).get(question.at(SUBSCRIPTION), question.api_version)


def test_the_ways_are_those_of_the_librarys_default() -> None:
    chain = Login(ACCOUNT, {})._chain
    assert isinstance(chain, ChainedTokenCredential)
    assert [way.name for way in chain.credentials] == [SERVICE_PRINCIPAL, "workload identity", MANAGED, CLI]  # type: ignore[union-attr]
