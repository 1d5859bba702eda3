"""The login of a rehearsal: its `az` and `kubelogin`, what its environment says, and credentials for the Kubernetes plugin."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.identity import AzureCliCredential

from rehearsal.azure import login
from rehearsal.azure.account import SUBSCRIPTION, TENANT
from rehearsal.azure.programs import SERVER_APP
from rehearsal.host.fence import HOST_VARIABLE
from rehearsal.pki import Pki
from rehearsal.plugins.kubernetes import credentials
from rehearsal.plugins.provider import ProviderError
from rehearsal.state import StateDir


class Identity(BaseHTTPRequestHandler):
    """The identity endpoint: gives a token for what it is asked for."""

    def do_GET(self):
        asked = parse_qs(urlsplit(self.path).query)
        allowed = self.headers["X-IDENTITY-HEADER"] == "header"
        body = json.dumps({"access_token": f"token for {asked['resource'][0]}", "expires_on": "1900000000"}).encode()
        self.send_response(200 if allowed else 401)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def state(tmp_path):
    server = HTTPServer(("127.0.0.1", 0), Identity)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = StateDir(tmp_path / "state")
    found.prepare()
    found.bin.mkdir()
    Pki(found.pki).ensure()
    login.install(found, f"http://127.0.0.1:{server.server_port}/msi/token", "header")
    yield found
    server.shutdown()
    server.server_close()


def run(state, program, *arguments):
    return subprocess.run([state.bin / program, *arguments], capture_output=True, text=True, check=False)


def test_az_knows_the_subscription_that_a_rehearsal_works_on(state):
    shown = json.loads(run(state, "az", "account", "show").stdout)
    assert (shown["id"], shown["tenantId"], shown["isDefault"]) == (SUBSCRIPTION, TENANT, True)
    assert json.loads(run(state, "az", "account", "list", "--output", "json").stdout) == [shown]
    assert run(state, "az", "account", "show", "--query", "id", "-o", "tsv").stdout == f"{SUBSCRIPTION}\n"


def test_az_gives_a_token_of_the_simulated_azure(state):
    given = json.loads(run(state, "az", "account", "get-access-token", "--resource", "https://x", "--tenant", TENANT).stdout)
    assert given["accessToken"] == "token for https://x"
    assert given["expires_on"] == 1900000000


def test_the_real_library_gets_its_token_from_this_az(state, monkeypatch):
    monkeypatch.setenv("PATH", f"{state.bin}{os.pathsep}{os.environ['PATH']}")
    assert (
        AzureCliCredential(tenant_id=TENANT).get_token("https://management.azure.com/.default").token
        == "token for https://management.azure.com"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("aks", "list"), "'aks' is misspelled or not recognized by the system."),
        (("account", "set", "-s", "x"), "'set' is misspelled or not recognized by the system."),
        (("account", "show", "--subscription", "another"), "The subscription of 'another' doesn't exist"),
        (("account", "show", "--frobnicate"), "unrecognized arguments: --frobnicate"),
        (("login",), "'login' is misspelled or not recognized by the system."),
    ],
)
def test_az_refuses_everything_else(state, words, said):
    done = run(state, "az", *words)
    assert done.returncode != 0
    assert said in done.stderr
    assert done.stdout == ""


KUBELOGIN = ("get-token", "--login", "msi", "--server-id", SERVER_APP)


def test_kubelogin_gives_the_entra_users_token_and_not_the_administrators(state):
    found = json.loads(run(state, "kubelogin", *KUBELOGIN).stdout)
    pki = Pki(state.pki)
    assert found["status"]["token"] == pki.entra_token() != pki.token()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("convert-kubeconfig",), "get-token alone"),
        (("get-token", "--login", "msi", "--server-id", "other"), "opens no AKS cluster"),
        (("get-token", "--server-id", SERVER_APP), "nobody is there to log in by devicecode"),
    ],
)
def test_kubelogin_refuses_what_would_need_somebody_or_something_real(state, words, said):
    done = run(state, "kubelogin", *words)
    assert done.returncode != 0
    assert said in done.stderr


def test_the_environment_names_the_rehearsals_login_and_takes_the_users_away(state):
    assert login.variables(state)["ARM_SUBSCRIPTION_ID"] == SUBSCRIPTION
    assert login.variables(state)["AZURE_CONFIG_DIR"] == str(state.azure)
    mine = ["ARM_CLIENT_SECRET", "AZURE_CLIENT_ID", "AZURE_CONFIG_DIR", "IDENTITY_ENDPOINT", "HOME", "ARMOUR"]
    assert login.foreign(mine) == ["ARM_CLIENT_SECRET", "AZURE_CLIENT_ID", "AZURE_CONFIG_DIR", "IDENTITY_ENDPOINT"]


def environment(state, path):
    return {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}", HOST_VARIABLE: str(state.host)}


def test_the_kubernetes_plugin_asks_the_rehearsals_kubelogin(state):
    asked = {"command": "kubelogin", "args": list(KUBELOGIN), "apiVersion": "client.authentication.k8s.io/v1beta1"}
    assert credentials.ask(asked, environment(state, state.bin)) == {"token": Pki(state.pki).entra_token()}


def test_the_kubernetes_plugin_runs_no_program_of_somebody_elses(state, tmp_path):
    theirs = tmp_path / "kubelogin"
    theirs.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    theirs.chmod(0o700)
    with pytest.raises(ProviderError, match="not the rehearsal's"):
        credentials.ask({"command": "kubelogin"}, environment(state, tmp_path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("prints", "said"),
    [
        ("exit 3", "exit code 3"),
        ("echo nonsense", "no ExecCredential"),
        ('echo \'{"apiVersion": "v1", "status": {}}\'', "neither a token nor a certificate"),
        ('echo \'{"apiVersion": "v2", "status": {}}\'', "version v2"),
    ],
)
def test_a_program_that_gives_no_credentials_is_named(state, prints, said):
    broken = state.bin / "broken"
    broken.write_text(f"#!/bin/sh\n{prints}\n")
    broken.chmod(0o700)
    with pytest.raises(ProviderError, match=said):
        credentials.ask({"command": "broken", "apiVersion": "v1"}, environment(state, state.bin))
