"""A host on which nobody is logged in to Azure, a stand-in for az, and whose token a login gives."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from rehearsal.azure.account import SUBSCRIPTION, TENANT
from sdg.azure.account import Account
from sdg.azure.credential import Login
from tests.unit.azure.conftest import OTHER_LOGINS, jwt

ACCOUNT = Account(SUBSCRIPTION, TENANT, "test")
AZ = """#!/bin/sh
echo "$*" >> "{folder}/asked"
case "$1" in
  account)
    [ -e "{folder}/logged-in" ] || {{ echo "Please run 'az login' to setup account." >&2; exit 1; }}
    echo '{{"accessToken": "{token}", "expires_on": {expires}}}' ;;
  login)
    echo "To sign in, open https://microsoft.com/devicelogin and enter the code ABC123." >&2
    while [ ! -e "{folder}/code-entered" ]; do sleep 0.05; done
    [ "$(cat "{folder}/code-entered")" = yes ] || {{ echo "AADSTS70016: the code is wrong" >&2; exit 1; }}
    touch "{folder}/logged-in" ;;
esac
"""


def claims(login: Login) -> dict[str, Any]:
    """Whose token a login gives."""
    payload = login.get_token().token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a host without any login, where nothing answers for a managed identity."""
    for name in (*OTHER_LOGINS, "IDENTITY_HEADER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/token")
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return environ


@pytest.fixture
def az(tmp_path: Path, nobody: dict[str, str]) -> Path:
    """A stand-in for az on PATH; its folder shows whether somebody is logged in."""
    token = jwt(oid="o", tid=TENANT, upn="ada@example.com")
    program = tmp_path / "az"
    program.write_text(AZ.format(folder=tmp_path, token=token, expires=int(time.time()) + 3600))
    program.chmod(0o755)
    nobody["PATH"] = f"{tmp_path}:/usr/bin:/bin"
    return tmp_path
