"""`sdg preflight` for a stack in Azure: one table, the plan, other regions, and a login for whoever sits at the terminal."""

from __future__ import annotations

import io
import json
import os
import re
import time

import pytest
from rich.console import Console

from cli import preflight as command
from cli.pulumi import Engine
from rehearsal.azure.account import SUBSCRIPTION, TENANT
from rehearsal.services.arm.rest import login
from tests.unit.preflight.simulated_azure import OWNER, azure

__all__ = ["azure"]  # the fixture

H100 = "Standard_NC40ads_H100_v5"
TEAM = {"preset": "team"}


@pytest.fixture
def run(azure, monkeypatch, tmp_path):
    """`sdg preflight` for the stack `lab`; its exit code and what it printed."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(command, "ROOT", tmp_path)

    def preflight(call=command.preflight, cluster=None, terminal=False, **sections):
        entries = {f"sdg:{key}": {"value": json.dumps(value), "secret": False} for key, value in azure.config(cluster, **sections).items()}
        monkeypatch.setattr(command.Engine, "of", lambda stack: Engine(stack, azure.environ))
        monkeypatch.setattr(command.Engine, "ask", lambda *_: json.dumps(entries))
        out = io.StringIO()
        return call(OWNER.partition("/")[2], Console(file=out, width=220, force_terminal=terminal)), out.getvalue()

    return preflight


def test_all_failures_stand_in_one_table_with_remedies_and_nothing_is_made(azure, run):
    azure.fault("azure.subscription", state="Disabled")
    azure.fault("azure.provider", namespaces=["Microsoft.Cache"])
    azure.fault("azure.roles", roles=["Contributor"])
    azure.fault("azure.quota", family="cores", limit=100)
    azure.fault("azure.sku", size=H100, zones=["1"])
    azure.fault("azure.kubernetes", without=["1.35"])
    azure.fault("azure.postgresql")
    azure.fault("azure.redis", location="swedencentral")
    azure.fault("azure.address", addresses=["203.0.113.9"])
    names = azure.names(TEAM)
    azure.fault("azure.name", taken=[names.storage_account], deleted=[names.key_vault])
    azure.environ["ARM_SUBSCRIPTION_ID"] = "5d600000-0000-4000-8000-0000000000ee"
    cluster = {
        **TEAM,
        "subscription": "5d600000-0000-4000-8000-000000000001",
        "gpuPools": [{"zones": ["1"], "max": 1}],
        "apiServer": {"localAccounts": False},
    }
    code, printed = run(cluster=cluster, osmo={"profil": "6.3"})
    assert code == 1
    assert printed.count("what to do") == 1
    expected = [
        "settings",
        "azure-subscription",
        "azure-active-subscription",
        "azure-providers",
        "azure-roles",
        "azure-names",
        "azure-deleted-names",
        "azure-services",
        "azure-sizes",
        "azure-quota",
        "azure-kubernetes",
        "azure-database",
        "azure-kubelogin",
        "azure-caller",
    ]
    assert [name for name in expected if f" {name} " not in printed] == []
    assert "Nothing was created." in printed
    assert azure.world.resources() == []
    first_lines = [
        [cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if line.startswith(("│ error", "│ warning"))
    ]
    assert len(first_lines) >= len(expected)
    assert [cells for cells in first_lines if not cells[3]] == [], "something is to be done, and nobody says what"
    lines = printed.splitlines()
    register = f'az provider register --subscription {cluster["subscription"]} --namespace "$each" --wait'
    assert f"for each in Microsoft.Cache; do {register}; done" in lines, "whole and alone in its line, below the table"
    assert "pulumi config set --path 'sdg:cluster.allowedRanges[1]' 203.0.113.9/32" in lines
    assert "az aks install-cli" in lines


def test_what_was_accepted_is_a_note_and_no_warning(run):
    code, printed = run()
    assert code == 0
    [line] = [line for line in printed.splitlines() if " unvalidated " in line]
    assert line.startswith("│ note")
    assert " warning " not in printed


def test_a_stack_that_nothing_stands_in_the_way_of_gets_a_plan(run):
    code, printed = run()
    assert code == 0
    for words in (
        "rg-sdg-dev in swedencentral",
        "AKS 1.35, tier Free",
        "0 to 1 nodes of Standard_NC40ads_H100_v5",
        "PostgreSQL 16",
        "together",
    ):
        assert words in printed


def test_regions_are_proposed_with_what_fails_in_the_others(azure, run):
    code, printed = run(lambda *given: command.find_region(*given, regions=["uksouth", "North Europe"]), {"location": "westus3"})
    assert code == 0
    rows = {match[1]: match[2] for match in re.finditer(r"│ (\w+)[^│]*│ (fits|does not) ", printed)}
    assert rows == {
        "uksouth": "fits",
        "swedencentral": "fits",
        "southcentralus": "fits",
        "eastus2": "fits",
        "northeurope": "does not",
        "westus3": "does not",
        "westeurope": "does not",
    }
    assert list(rows.values()) == sorted(rows.values(), reverse=True), "those that fit come first"
    assert "azure-quota: Quota StandardNCadsH100v5Family in westeurope" in printed
    assert "is not offered in westus3" in printed
    assert "pulumi config set --path sdg:cluster.location uksouth" in printed
    assert azure.world.resources() == []


def test_no_region_that_fits_is_an_exit_code_of_1(azure, run):
    azure.fault("azure.kubernetes", without=["1.35"])
    code, printed = run(command.find_region)
    assert code == 1
    assert "No region fits." in printed


def verdicts(printed):
    """By region, as the table has them."""
    return {match[1]: match[2] for match in re.finditer(r"│ (\w+)[^│]*│ (fits|does not|not known) ", printed)}


def test_a_region_that_nobody_could_judge_does_not_fit(azure, run):
    azure.fault("azure.provider", namespaces=["Microsoft.Compute"])
    azure.fault("azure.http", path="/Microsoft.Compute/", status=409)
    code, printed = run(command.find_region)
    assert code == 1
    assert set(verdicts(printed).values()) == {"not known"}
    assert "Not known: the list of VM sizes, the usage of vCPU quotas." in printed
    assert "Microsoft.Compute (NotRegistered)" in printed, "what stands in the way everywhere is said too"
    assert "No region fits." in printed


def test_a_region_that_one_answer_is_missing_of_is_not_known_and_what_is_known_to_fail_does_not_fit(azure, run):
    azure.fault("azure.http", path="/locations/swedencentral/usages", status=403)
    code, printed = run(command.find_region)
    assert code == 0, "others fit"
    found = verdicts(printed)
    assert (found["swedencentral"], found["eastus2"], found["westus3"]) == ("not known", "fits", "does not")


def test_a_subscription_in_which_nothing_can_be_made_is_an_exit_code_of_1_although_regions_would_fit(azure, run):
    azure.fault("azure.subscription", state="Disabled")
    code, printed = run(command.find_region)
    assert code == 1
    assert "azure-subscription" in printed
    assert "fits" in verdicts(printed).values()
    assert "What stands in the way in every region, above, comes first." in printed


def test_regions_are_not_looked_at_without_a_login(azure, run):
    azure.fault("azure.login", state="none")
    code, printed = run(command.find_region)
    assert code == 1
    assert "azure-login" in printed


def test_a_cluster_elsewhere_has_no_regions(azure, run, monkeypatch):
    monkeypatch.setattr(azure, "config", lambda *_args, **_sections: {"cluster": {"kind": "microk8s"}})
    code, printed = run(command.find_region)
    assert code == 1
    assert "has no cluster in Azure" in printed


@pytest.fixture
def fresh(azure, monkeypatch):
    """A host where nobody ever logged in, with an `az` that gives out a code: no variable and no file names a subscription."""
    for name in [name for name in azure.environ if name.startswith(("ARM_", "IDENTITY_"))]:
        del azure.environ[name]
        monkeypatch.delenv(name)
    token = login.token("https://management.azure.com", time.time())
    answer = json.dumps({"accessToken": token, "expires_on": int(time.time()) + 3600, "tokenType": "Bearer"})
    known = {"id": SUBSCRIPTION, "tenantId": TENANT, "isDefault": True, "environmentName": "AzureCloud", "user": {"type": "user"}}
    az = azure.project / "bin" / "az"
    az.write_text(FIRST_AZ.format(answer=answer, profile=json.dumps({"subscriptions": [known]}), asked=azure.project / "asked"))
    az.chmod(0o755)
    azure.environ["PATH"] += ":/usr/bin:/bin"
    monkeypatch.setenv("PATH", azure.environ["PATH"])
    return azure


FIRST_AZ = """#!/bin/sh
echo "$*" >> {asked}
case "$1" in
login) echo "To sign in, enter the code ABC123"; mkdir -p "$HOME/.azure"; echo '{profile}' > "$HOME/.azure/azureProfile.json" ;;
*) [ -e "$HOME/.azure/azureProfile.json" ] && echo '{answer}' ;;
esac
"""


def test_on_a_fresh_host_the_login_comes_first_and_names_the_subscription(fresh, run, monkeypatch):
    monkeypatch.setattr(command, "interactive", lambda _console: True)
    code, printed = run()
    assert "enter the code ABC123" in printed
    assert (fresh.project / "asked").read_text().splitlines()[0] == "login --use-device-code --output none"
    assert "azure-login" not in printed
    assert "azure-names" not in printed
    assert code == 0, printed
    assert ("GET", f"/subscriptions/{SUBSCRIPTION}") in fresh.asked


def test_regions_too_are_proposed_after_the_first_login(fresh, run, monkeypatch):
    monkeypatch.setattr(command, "interactive", lambda _console: True)
    code, printed = run(command.find_region)
    assert printed.count("enter the code ABC123") == 1
    assert code == 0, printed
    assert "fits" in printed


NOBODY_CAN = {"no terminal": (False, {}, "az login --use-device-code"), "CI": (True, {"CI": "true"}, "Give the job a service principal")}


@pytest.mark.parametrize("call", [command.preflight, command.find_region])
@pytest.mark.parametrize("where", NOBODY_CAN)
def test_on_a_fresh_host_nobody_is_asked_for_a_code_who_could_not_answer(fresh, run, monkeypatch, call, where):
    terminal, environ, words = NOBODY_CAN[where]
    fresh.environ.update(environ)
    monkeypatch.setattr(command, "interactive", lambda _console: terminal)
    code, printed = run(call)
    assert code == 1
    assert " azure-login " in printed
    assert words in printed
    assert "ARM_SUBSCRIPTION_ID" in printed
    assert not (fresh.project / "asked").exists()
    assert "no cluster in Azure" not in printed


def test_without_az_a_fresh_host_is_told_what_names_a_subscription(fresh, run, monkeypatch):
    (fresh.project / "bin" / "az").unlink()
    monkeypatch.setattr(command, "interactive", lambda _console: True)
    code, printed = run()
    assert code == 1
    assert "az is not on PATH" in printed
    assert " azure-login " in printed


def test_a_service_principal_without_a_subscription_is_asked_for_one_and_nobody_to_log_in(fresh, run, monkeypatch):
    fresh.environ |= {"ARM_CLIENT_ID": "c", "ARM_TENANT_ID": TENANT, "ARM_CLIENT_SECRET": "s"}
    monkeypatch.setattr(command, "interactive", lambda _console: True)
    code, printed = run()
    assert code == 1
    assert " azure-subscription " in printed
    assert "azure-login" not in printed
    assert not (fresh.project / "asked").exists()


def test_somebody_at_a_terminal_is_logged_in_with_a_code_and_the_preflight_goes_on(azure, run, monkeypatch):
    azure.fault("azure.login", state="none")
    monkeypatch.setattr(command, "interactive", lambda _console: True)
    token = login.token("https://management.azure.com", time.time())
    answer = json.dumps({"accessToken": token, "expires_on": int(time.time()) + 3600, "tokenType": "Bearer"})
    az = azure.project / "bin" / "az"
    az.write_text(AZ.format(answer=answer))
    az.chmod(0o755)
    code, printed = run()
    assert "enter the code ABC123" in printed
    assert "azure-login" not in printed
    assert "azure-names" not in printed
    assert code == 0, printed


AZ = """#!/bin/sh
case "$1" in
login) echo "To sign in, enter the code ABC123"; : > "$HOME/in" ;;
*) [ -e "$HOME/in" ] && echo '{answer}' ;;
esac
"""


def test_nobody_is_asked_for_a_code_where_nobody_can_answer(azure, run):
    azure.fault("azure.login", state="none")
    code, printed = run()
    assert code == 1
    assert "azure-login" in printed
    assert "enter the code" not in printed
