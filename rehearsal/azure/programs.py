"""`az` and `kubelogin` of a rehearsal: what a login needs of them, and nothing that would reach Azure.

Started for every call, so the standard library alone. Words and exit codes of `az` are those of the Azure CLI 2.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

ARM = "https://management.core.windows.net/"
SERVER_APP = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""Azure's own application that tokens for AKS are for."""
NAME = "Rehearsal"
API_VERSION = "2019-08-01"
HELD_ALONE = "A rehearsal's az knows 'account show', 'account list' and 'account get-access-token' alone: it never reaches Azure."
USAGE, FAILED = 2, 1
LIFETIME = timedelta(hours=1)
NON_INTERACTIVE = ("azurecli", "azd", "msi", "spn", "workloadidentity", "azurepipelines")


class _Parser(argparse.ArgumentParser):
    """Refuses as `az` does."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"ERROR: {message}\n{HELD_ALONE}\n")
        raise SystemExit(USAGE)


def az(state: Path, arguments: list[str]) -> int:
    """What `az` prints."""
    group, verb, *rest = [*arguments, "", ""][: max(2, len(arguments))]
    verbs = {"show": _account, "list": lambda state, asked: [_account(state, asked)], "get-access-token": _token}
    if group in {"version", "--version"}:
        return _print({"azure-cli": "2.70.0", "azure-cli-core": "2.70.0", "extensions": {}}, "json", "")
    if group != "account":
        return _refuse(f"'{group}' is misspelled or not recognized by the system.")
    if verb not in verbs:
        return _refuse(f"'{verb}' is misspelled or not recognized by the system.")
    asked = _asked(rest)
    known = _login(state)
    for given, own in ((asked.subscription, known["subscription"]), (asked.tenant, known["tenant"])):
        if given and given.lower() not in {own, NAME.lower()}:
            sys.stderr.write(f"ERROR: The subscription of '{given}' doesn't exist in cloud 'AzureCloud'.\n")
            return FAILED
    try:
        return _print(verbs[verb](state, asked), asked.output, asked.query)
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"ERROR: Please run 'az login' to setup account. (The rehearsal's simulated Azure does not answer: {error}.)\n")
        return FAILED


def _asked(rest: list[str]) -> argparse.Namespace:
    parser = _Parser(prog="az account", add_help=False, allow_abbrev=False)
    parser.add_argument("--output", "-o", default="json", choices=("json", "jsonc", "tsv", "none"))
    parser.add_argument("--query", default="")
    for name in ("--subscription", "--tenant", "--resource", "--scope", "--resource-type"):
        parser.add_argument(name, *(("-s",) if name == "--subscription" else ()), default="")
    for flag in ("--all", "--refresh", "--only-show-errors", "--verbose"):
        parser.add_argument(flag, action="store_true")
    return parser.parse_args(rest)


def _login(state: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads((state / "azure" / "login.json").read_text(encoding="utf-8"))
    return known


def _account(state: Path, _asked: argparse.Namespace) -> dict[str, Any]:
    known = _login(state)
    return {
        "environmentName": "AzureCloud",
        "homeTenantId": known["tenant"],
        "id": known["subscription"],
        "isDefault": True,
        "managedByTenants": [],
        "name": NAME,
        "state": "Enabled",
        "tenantId": known["tenant"],
        "user": {"name": known["client"], "type": "servicePrincipal"},
    }


def _token(state: Path, asked: argparse.Namespace) -> dict[str, Any]:
    known = _login(state)
    resource = asked.resource or asked.scope.removesuffix("/.default") or ARM
    query = urllib.parse.urlencode({"api-version": API_VERSION, "resource": resource})
    request = urllib.request.Request(f"{known['endpoint']}?{query}", headers={"X-IDENTITY-HEADER": known["header"]})  # noqa: S310 -- ours
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        given = json.load(answer)
    until = int(given["expires_on"])
    return {
        "accessToken": given["access_token"],
        "expiresOn": datetime.fromtimestamp(until).strftime("%Y-%m-%d %H:%M:%S.%f"),  # noqa: DTZ006 -- local, as az has it
        "expires_on": until,
        "subscription": known["subscription"],
        "tenant": known["tenant"],
        "tokenType": "Bearer",
    }


def _print(found: Any, output: str, query: str) -> int:  # noqa: ANN401 -- whatever is asked for
    for name in filter(None, query.strip("'\"").split(".")):
        if not isinstance(found, dict):
            return _refuse("argument --query: a rehearsal's az takes names with dots between them, such as user.name")
        found = found.get(name)
    if output == "none":
        return 0
    if output == "tsv" and not isinstance(found, dict | list):
        print("" if found is None else found)
    else:
        print(json.dumps(found, indent=2))
    return 0


def _refuse(words: str) -> int:
    sys.stderr.write(f"ERROR: {words}\n\n{HELD_ALONE}\n")
    return USAGE


def kubelogin(state: Path, arguments: list[str]) -> int:
    """Prints an ExecCredential with the token of the rehearsal's one Entra user."""
    if arguments[:1] != ["get-token"]:
        sys.stderr.write(f'Error: unknown command "{" ".join(arguments[:1])}" for "kubelogin"; a rehearsal\'s knows get-token alone\n')
        return FAILED
    parser = argparse.ArgumentParser(prog="kubelogin get-token", add_help=False)
    parser.add_argument("--login", "-l", default="devicecode")
    parser.add_argument("--server-id", default="")
    asked, _ = parser.parse_known_args(arguments[1:])
    if asked.server_id != SERVER_APP:
        sys.stderr.write(f"Error: a token for {asked.server_id or 'nothing'} opens no AKS cluster; --server-id must be {SERVER_APP}\n")
        return FAILED
    if asked.login not in NON_INTERACTIVE:
        sys.stderr.write(f"Error: nobody is there to log in by {asked.login}; use one of {', '.join(NON_INTERACTIVE)}\n")
        return FAILED
    with (state / "pki" / "tokens.csv").open(encoding="utf-8") as file:
        token = list(csv.reader(file))[1][0]
    until = (datetime.now(UTC) + LIFETIME).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"expirationTimestamp": until, "token": token}
    print(json.dumps({"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1beta1", "spec": {}, "status": status}))
    return 0


PROGRAMS = {"az": az, "kubelogin": kubelogin}

if __name__ == "__main__":
    raise SystemExit(PROGRAMS[sys.argv[2]](Path(sys.argv[1]), sys.argv[3:]))
