"""A stack in Azure against the simulated one, with the real client: each failure alone, all of them together, and what is none."""

from __future__ import annotations

import io
import json
import os
import re
import time

import psutil
import pytest
from rich.console import Console

from cli import preflight as command
from cli.pulumi import Engine
from rehearsal.services.arm.rest import login
from sdg.catalog.preflight import checks
from sdg.preflight import cache
from tests.unit.preflight.simulated_azure import GPU_FAMILY, OWNER, azure

__all__ = ["azure"]  # the fixture

H100 = "Standard_NC40ads_H100_v5"
TEAM = {"preset": "team"}
PRIVATE = {"apiServer": {"access": "private"}, "network": {"range": "172.29.0.0/16"}}
OTHERS = {"kind": "external", "host": "db.example.com", "user": "osmo"}
FOUNDRY = {"inference": {"provider": "foundry"}}


def everything(found):
    """But for what is said of this very combination of versions."""
    return {name: text for name, text in found.items() if name != "advice"}


def test_a_stack_whose_region_and_login_have_everything_passes_every_check(azure, caplog):
    assert everything(azure.found()) == {}
    assert everything(azure.found({"preset": "production", "apiServer": {"localAccounts": True}})) == {}
    assert caplog.records == [], "a library's warning would stand in the engine's output"


def other_subscription(azure):
    azure.environ["ARM_SUBSCRIPTION_ID"] = "5d600000-0000-4000-8000-0000000000ee"


def deployed_and_grown(azure):
    azure.has_group()
    azure.fault("azure.quota", family="standardDDSv5Family", limit=80)  # others use 24, and the pools need 64


FAILURES = [
    ("azure-login", lambda a: a.fault("azure.login", state="none"), {}, ["Nobody is logged in to Azure", "az login", "--use-device-code"]),
    ("azure-login", lambda a: a.fault("azure.login", state="otherTenant"), {}, ["InvalidAuthenticationTokenTenant", "az login"]),
    (
        "azure-subscription",
        lambda a: a.fault("azure.subscription", state="Disabled"),
        {},
        ["is Disabled; only Enabled works"],
    ),
    ("azure-subscription", lambda a: a.fault("azure.subscription", state="Deleted"), {}, ["sees no subscription", "SubscriptionNotFound"]),
    (
        "azure-active-subscription",
        other_subscription,
        {"cluster": {"subscription": "5d600000-0000-4000-8000-000000000001"}},
        ["ARM_SUBSCRIPTION_ID names 5d600000-0000-4000-8000-0000000000ee", "Nobody switches it for you"],
    ),
    ("azure-answers", lambda a: a.fault("azure.http", path="/usages", status=400), {}, ["about the usage of vCPU quotas", "HTTP 400"]),
    (
        "azure-providers",
        lambda a: a.fault("azure.provider", namespaces=["Microsoft.Cache", "Microsoft.DBforPostgreSQL"]),
        {},
        ["Microsoft.DBforPostgreSQL (NotRegistered)", "Microsoft.Cache (NotRegistered)", "az provider register"],
    ),
    ("azure-roles", lambda a: a.fault("azure.roles", roles=["Contributor"]), {}, ["roleAssignments/write", "Role Based Access Control"]),
    ("azure-roles", lambda a: a.fault("azure.roles", roles=["Reader"]), {}, ["more, which Contributor has", "Privileged Identity"]),
    (
        "azure-names",
        lambda a: a.fault("azure.name", taken=[a.names().storage_account]),
        {},
        ["of the storage account cannot be had", "is already taken", "sdg:cluster.suffix"],
    ),
    (
        "azure-deleted-names",
        lambda a: a.fault("azure.name", deleted=[a.names(TEAM).key_vault]),
        {"cluster": TEAM},
        ["held by a key vault that was deleted", "az keyvault recover", "az keyvault purge", "--location eastus2"],
    ),
    ("azure-region", lambda a: None, {"cluster": {"location": "swedensentral"}}, ["is no region of", "Did you mean swedencentral"]),
    (
        "azure-region",
        lambda a: a.fault("azure.redis", location="swedencentral"),
        {},
        ["does not offer Microsoft.Cache/redisEnterprise"],
    ),
    ("azure-sizes", lambda a: a.fault("azure.sku", size=H100, absent=True), {}, ["is not offered in swedencentral", "can be had there"]),
    ("azure-sizes", lambda a: a.fault("azure.sku", size=H100, reason="QuotaId"), {}, ["QuotaId", "this kind of subscription"]),
    (
        "azure-sizes",
        lambda a: a.fault("azure.sku", size=H100, zones=["2"]),
        {"cluster": {"gpuPools": [{"zones": ["1", "2"]}]}},
        ["in zones 1, 3 alone", "NotAvailableForSubscription"],
    ),
    (
        "azure-quota",
        lambda a: a.fault("azure.quota", family=GPU_FAMILY, limit=79),
        {},
        [
            f"Quota {GPU_FAMILY} in swedencentral: 0 of 79 vCPUs are used, 79 are left",
            "need up to 80".replace("need", "needs"),
            "1 are missing",
        ],
    ),
    (
        "azure-quota",
        lambda a: a.fault("azure.quota", family="cores", limit=143),
        {},
        ["Quota cores", "the pools system and gpu need up to 144"],
    ),
    (
        "azure-quota",
        lambda a: a.fault("azure.quota", family="lowPriorityCores", limit=39),
        {"cluster": {"gpuPools": [{"spot": True}]}},
        ["Quota lowPriorityCores", "needs up to 40"],
    ),
    (
        "azure-kubernetes",
        lambda a: a.fault("azure.kubernetes", without=["1.35"]),
        {},
        ["sdg:cluster.kubernetes: 1.35 is not offered", "1.34, 1.36"],
    ),
    (
        "azure-database",
        lambda a: a.fault("azure.postgresql", location="swedencentral"),
        {},
        ["closed to this subscription", "Provisioning is restricted"],
    ),
    (
        "azure-storage",
        lambda a: None,
        {"cluster": {"location": "westcentralus", "storage": {"redundancy": "ZRS"}}, "osmo": {"database": OTHERS}},  # no zones
        ["ZRS is not offered in westcentralus"],
    ),
    ("azure-redis-capacity", lambda a: None, {"cluster": {"location": "eastus2"}}, ["Balanced_B1 could not be had in eastus2"]),
    ("azure-kubelogin", lambda a: None, {"cluster": {"apiServer": {"localAccounts": False}}}, ["kubelogin is not on PATH"]),
    ("azure-private-api", lambda a: None, {"cluster": PRIVATE}, ["has an address in 172.29.16.0/20 alone", "behind a VPN"]),
    (
        "azure-caller",
        lambda a: a.fault("azure.address", addresses=["203.0.113.9"]),
        {},
        ["whose public address is 203.0.113.9", "pulumi config set --path 'sdg:cluster.allowedRanges[1]' 203.0.113.9/32"],
    ),
    (
        "azure-caller-unknown",
        lambda a: a.fault("azure.address", addresses=["203.0.113.9", "198.51.100.7"]),
        {},
        ["203.0.113.9", "198.51.100.7"],
    ),
    ("azure-models", lambda a: None, FOUNDRY, ["Meta-Llama-3.1-8B-Instruct has been retired since 2026-06-13"]),
]


@pytest.mark.parametrize(
    ("name", "breaks", "sections", "words"), FAILURES, ids=[f"{row[0]}-{number}" for number, row in enumerate(FAILURES)]
)
def test_each_failure_is_named_alone_with_what_was_seen_and_what_to_do(azure, name, breaks, sections, words):
    breaks(azure)
    found = everything(azure.found(**sections))
    assert set(found) == {name}
    assert all(word in found[name] for word in words), found[name]


def test_every_check_of_azure_has_a_failure_that_is_tested():
    known = {name for name, check in checks().items() if check.clusters == ("azure",) and name.startswith("azure-")}
    assert known - {row[0] for row in FAILURES} == {"azure-quota-in-use"}  # below


def test_without_a_login_nothing_else_is_said_of_azure_but_what_concerns_this_host(azure, caplog):
    azure.fault("azure.login", state="none")
    azure.fault("azure.quota", family="cores", limit=1)
    azure.fault("azure.address", addresses=["203.0.113.9"])
    assert set(everything(azure.found())) == {"azure-login", "azure-caller"}
    assert [path for _method, path in azure.asked if path.startswith("/subscriptions")] == []
    assert caplog.records == [], "a library's warning would stand in the engine's output"


def test_of_a_provider_that_nobody_registered_silence_is_no_news(azure):
    azure.fault("azure.provider", namespaces=["Microsoft.DBforPostgreSQL"])
    azure.fault("azure.http", path="Microsoft.DBforPostgreSQL/locations", status=409)
    assert set(everything(azure.found())) == {"azure-providers"}


def test_a_question_that_may_not_be_read_asks_for_a_reader(azure):
    azure.fault("azure.http", path="/Microsoft.Compute/skus", status=403)
    found = everything(azure.found())
    assert set(found) == {"azure-roles"}
    assert "may not read the list of VM sizes" in found["azure-roles"]


def test_an_answer_that_is_slow_to_come_is_waited_for(azure):
    azure.fault("azure.http", path="/usages", status=429, retryAfter=0, times=2)
    assert everything(azure.found()) == {}


def test_once_the_group_exists_own_nodes_and_names_are_not_in_the_way(azure):
    azure.fault("azure.name", taken=[azure.names().storage_account, azure.names().postgres])
    assert "storage account" in (found := azure.found()["azure-names"])
    assert "PostgreSQL server" in found
    azure.has_group()
    assert everything(azure.found()) == {}
    azure.fault("azure.quota", family="standardDDSv5Family", limit=64)
    found = everything(azure.found({"location": "southcentralus"}))
    assert "azure-quota-in-use" in found
    assert "24 of 64 vCPUs are used" in found["azure-quota-in-use"]
    azure.fault("azure.quota", family="standardDDSv5Family", limit=63)
    assert "azure-quota" in azure.found({"location": "southcentralus"})


def test_roles_on_the_stacks_own_group_are_enough_once_it_exists(azure):
    azure.fault("azure.roles", roles=["Reader"])
    azure.has_group()
    assert "azure-roles" in azure.found(), "the simulated Azure gives the same roles everywhere"
    assert any(path.lower().endswith("/rg-sdg-dev/providers/microsoft.authorization/permissions") for _method, path in azure.asked)


READS = {"GET"}
QUESTIONS = re.compile(r"/checkNameAvailability$|/checkDomainAvailability$")


def test_nothing_is_made_and_nothing_that_a_deployment_makes_is_read(azure):
    azure.found({"preset": "production", "apiServer": {"localAccounts": True}})
    assert azure.world.resources() == []
    assert {method for method, path in azure.asked if not QUESTIONS.search(path)} == READS
    named = [path for _method, path in azure.asked if "/resourcegroups/" in path.lower()]
    assert all(re.search(r"/resourcegroups/[^/]+(/providers/Microsoft.Authorization/permissions)?$", path, re.IGNORECASE) for path in named)


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
        "azure-region",
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


def test_azure_is_asked_once_for_the_preview_and_the_update_of_one_engine(azure, monkeypatch):
    monkeypatch.setattr(cache, "running_engine", psutil.Process)
    monkeypatch.setenv(cache.RUNTIME, str(azure.project / "run"))
    azure.fault("azure.kubernetes", without=["1.35"])
    first = azure.findings()
    asked = len(azure.asked)
    assert azure.findings() == first
    assert len(azure.asked) == asked
    assert azure.findings({"kubernetes": "1.34"}) != first, "another stack is another question"
