"""Logging in to Azure by a code that somebody enters at another host: with az, and without it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest

from rehearsal.azure.account import TENANT
from sdg.azure.credential import Login
from sdg.azure.errors import LoginError
from sdg.azure.login import by_device_code, log_in
from tests.unit.azure.conftest import jwt
from tests.unit.azure.logins import ACCOUNT, az, claims, nobody

__all__ = ["az", "nobody"]  # the fixtures


def test_a_code_is_shown_and_the_program_goes_on_when_it_was_entered(az: Path, nobody: dict[str, str]) -> None:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        (az / "code-entered").write_text("yes")  # by somebody at another host, who read it

    credential = log_in(ACCOUNT, nobody, say)
    assert any("ABC123" in line for line in said)
    assert claims(Login(ACCOUNT, nobody, given=credential))["upn"] == "ada@example.com"
    assert claims(Login(ACCOUNT, nobody))["upn"] == "ada@example.com"  # and so an update finds it


def test_a_code_that_is_refused_is_said(az: Path, nobody: dict[str, str]) -> None:
    with pytest.raises(LoginError, match="az login did not complete: AADSTS70016"):
        log_in(ACCOUNT, nobody, lambda _line: (az / "code-entered").write_text("no"))  # type: ignore[arg-type, return-value]


def test_nobody_waits_longer_for_a_code_than_it_lives(az: Path, nobody: dict[str, str]) -> None:
    began = time.monotonic()
    with pytest.raises(LoginError, match="did not complete"):
        log_in(ACCOUNT, nobody, lambda _line: None, timeout=1)
    assert time.monotonic() - began < 5


def test_ci_is_never_asked_to_type_a_code(az: Path, nobody: dict[str, str]) -> None:
    with pytest.raises(LoginError, match="CI is set"):
        log_in(ACCOUNT, {**nobody, "CI": "1"}, lambda _line: None)
    assert not (az / "asked").exists()


class Entra(HttpTransport[Any, Any]):
    """The login service: gives a code, and a token once the code was entered."""

    def __init__(self, *, patience: int, interval: int = 0) -> None:
        self.polls, self.patience, self.interval = 0, patience, interval

    def send(self, request: Any, **_options: Any) -> Any:
        return Reply(request, *self._answer(str(request.url)))

    def _answer(self, url: str) -> tuple[int, Mapping[str, Any]]:
        host = f"https://login.microsoftonline.com/{TENANT}"
        if "openid-configuration" in url:
            paths = {"authorization_endpoint": "authorize", "token_endpoint": "token", "device_authorization_endpoint": "devicecode"}
            return 200, {"issuer": f"{host}/v2.0", **{name: f"{host}/oauth2/v2.0/{path}" for name, path in paths.items()}}
        if "devicecode" in url:
            code = {"user_code": "XYZ789", "device_code": "d", "verification_uri": "https://microsoft.com/devicelogin"}
            return 200, {**code, "expires_in": 900, "interval": self.interval, "message": ""}
        if "instance" in url:
            return 200, {"tenant_discovery_endpoint": f"{host}/v2.0/.well-known/openid-configuration", "metadata": []}
        self.polls += 1
        if self.polls <= self.patience:
            return 400, {"error": "authorization_pending", "error_description": "not yet"}
        claims = {"aud": "x", "iss": f"{host}/v2.0", "sub": "s", "oid": "o", "tid": TENANT, "exp": int(time.time()) + 3600}
        claims["preferred_username"] = claims["upn"] = "ada@example.com"
        granted = {"token_type": "Bearer", "expires_in": 3600, "scope": "https://management.azure.com/.default"}
        info = jwt_part({"uid": "o", "utid": TENANT})
        return 200, {
            **granted,
            "access_token": jwt(oid="o", tid=TENANT, upn="ada@example.com"),
            "id_token": jwt(**claims),
            "client_info": info,
        }

    def open(self) -> None: ...

    def close(self) -> None: ...

    def __exit__(self, *_details: object) -> None: ...

    def __enter__(self) -> Entra:
        return self


def jwt_part(content: Mapping[str, Any]) -> str:
    return jwt(**content).split(".")[1]


class Reply:
    """An answer as the library's pipeline reads it."""

    content_type = "application/json"
    reason = ""

    def __init__(self, request: HttpRequest, status: int, body: Mapping[str, Any]) -> None:
        self.request, self.status_code, self._text = request, status, json.dumps(body)
        self.headers = {"Content-Type": self.content_type}

    def text(self, encoding: str | None = None) -> str:
        return self._text

    def body(self) -> bytes:
        return self._text.encode()

    def raise_for_status(self) -> None: ...


def test_without_az_the_login_is_the_commands_own(nobody: dict[str, str]) -> None:
    said: list[str] = []
    entra = Entra(patience=2)
    credential = by_device_code(ACCOUNT, said.append, transport=entra, disable_instance_discovery=True)
    assert said == ["Open https://microsoft.com/devicelogin in any browser and enter the code XYZ789."]
    assert entra.polls == 3
    login = Login(ACCOUNT, nobody, given=credential)
    assert claims(login)["upn"] == "ada@example.com"


def test_a_code_that_nobody_enters_in_time_is_an_error(nobody: dict[str, str]) -> None:
    with pytest.raises(LoginError, match="did not complete: Timed out"):
        by_device_code(ACCOUNT, lambda _line: None, timeout=1, transport=Entra(patience=100, interval=1), disable_instance_discovery=True)
