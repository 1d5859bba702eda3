"""A stack in Azure against the simulated one, with the real client: each failure alone, all of them together, and what is none."""

from __future__ import annotations

import re

import psutil
import pytest

from sdg.catalog.preflight import checks
from sdg.preflight import cache
from tests.unit.preflight.simulated_azure import GPU_FAMILY, azure

__all__ = ["azure"]  # the fixture

H100 = "Standard_NC40ads_H100_v5"
TEAM = {"preset": "team"}
PRIVATE = {"apiServer": {"access": "private"}, "network": {"range": "172.29.0.0/16"}}
OTHERS = {"kind": "external", "host": "db.example.com", "user": "osmo"}
FOUNDRY = {"inference": {"provider": "foundry"}}


def everything(found):
    """But for what is said of this very combination of versions."""
    return {name: text for name, text in found.items() if name != "unvalidated"}


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
        ["is Disabled, so nothing can be made in it", "Enable it"],
    ),
    ("azure-subscription-due", lambda a: a.fault("azure.subscription", state="PastDue"), {}, ["is PastDue: it works", "disable it soon"]),
    ("azure-subscription-due", lambda a: a.fault("azure.subscription", state="Warned"), {}, ["is Warned: it works"]),
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
        "azure-unread",
        lambda a: a.fault("azure.http", path="/Microsoft.Compute/skus", status=403),
        {},
        ["may not read the list of VM sizes, for want of Microsoft.Compute/skus/read", "Reader on the subscription"],
    ),
    (
        "azure-unread",
        lambda a: a.fault("azure.http", path="checkNameAvailability", status=403),
        {"cluster": {"keyVault": {"enabled": True}}},
        ["whether the name of the PostgreSQL server is free", "Microsoft.DBforPostgreSQL/locations/checkNameAvailability/action"],
    ),
    (
        "azure-services",
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
        lambda a: a.fault("azure.quota", family=GPU_FAMILY, limit=39),
        {},
        [f"Quota {GPU_FAMILY} in swedencentral: 0 of 39 vCPUs are used, 39 are left", "the pool gpu needs up to 40", "1 are missing"],
    ),
    (
        "azure-quota",
        lambda a: a.fault("azure.quota", family="cores", limit=87),
        {},
        ["Quota cores", "the pools system and gpu need up to 88"],
    ),
    (
        "azure-quota-upgrade",
        lambda a: a.fault("azure.quota", family=GPU_FAMILY, limit=40),
        {},
        ["the pool gpu needs up to 40; 40 more while they are upgraded, so 40 are missing then", "before the first upgrade"],
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
    ("azure-private-api-ahead", lambda a: None, {"cluster": PRIVATE}, ["will have an address in 172.29.0.0/16 alone", "behind a VPN"]),
    (
        "azure-private-api",
        lambda a: a.has_cluster(PRIVATE, "127.0.0.1:1"),
        {"cluster": PRIVATE},
        ["doesn't reach the private API server 127.0.0.1:1", "refused", "behind a VPN"],
    ),
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
    (
        "azure-models",
        lambda a: None,
        FOUNDRY | {"cluster": {"location": "uksouth"}},
        ["cannot serve every model of the stack in uksouth: llama-3-3-70b is not offered there", "sdg:inference.location"],
    ),
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


def test_what_may_not_be_read_refuses_nothing(azure):
    azure.fault("azure.http", path="/Microsoft.Compute/skus", status=403)
    assert not any(finding.refuses for finding in azure.findings())


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
    azure.fault("azure.quota", family="standardDDSv5Family", limit=47)
    assert "azure-quota" in azure.found({"location": "southcentralus"})


CREATION = [
    ("azure-database", lambda a: a.fault("azure.postgresql", location="swedencentral"), {}),
    ("azure-sizes", lambda a: a.fault("azure.sku", size=H100), {}),
    ("azure-sizes", lambda a: a.fault("azure.sku", size=H100, absent=True), {}),
    ("azure-kubernetes", lambda a: None, {"kubernetes": "1.35.99"}),
    ("azure-kubernetes", lambda a: a.fault("azure.kubernetes", without=["1.35"]), {}),
    ("azure-services", lambda a: a.fault("azure.redis", location="swedencentral"), {}),
    ("azure-storage", lambda a: None, {"location": "westcentralus", "storage": {"redundancy": "ZRS"}}),
]


@pytest.mark.parametrize(("name", "breaks", "cluster"), CREATION, ids=[f"{row[0]}-{number}" for number, row in enumerate(CREATION)])
def test_what_a_region_offers_new_stacks_no_more_refuses_none_that_is_there(azure, name, breaks, cluster):
    breaks(azure)
    assert [finding.check for finding in azure.findings(cluster) if finding.refuses] == [name]
    azure.has_group()
    found = azure.findings(cluster)
    assert name in [finding.check for finding in found if finding.severity == "warning"]
    assert not any(finding.refuses for finding in found)


def test_redis_that_was_sold_out_once_is_a_note_and_none_for_a_stack_that_is_there(azure):
    [found] = [finding for finding in azure.findings({"location": "eastus2"}) if finding.check == "azure-redis-capacity"]
    assert found.severity == "note"
    azure.has_group()
    assert "azure-redis-capacity" not in azure.found({"location": "eastus2"})


@pytest.mark.parametrize("subscription", [["Reader"], []])
def test_roles_on_the_stacks_own_group_are_enough_once_it_exists(azure, subscription):
    azure.fault("azure.roles", roles=subscription, group=["Owner"])
    before = azure.found()
    assert ("azure-roles" if subscription else "azure-unread") in before
    azure.has_group()
    found = azure.found()
    assert "azure-roles" not in found
    assert not any(finding.refuses for finding in azure.findings())


def test_a_private_api_server_that_answers_is_reached_and_its_name_is_all_that_is_read(azure):
    azure.has_cluster(PRIVATE, azure.url.removeprefix("http://"))
    assert everything(azure.found(PRIVATE)) == {}
    assert len([path for _method, path in azure.asked if "/managedclusters/" in path.lower()]) == 1


@pytest.mark.parametrize("size", ["Standard_D16s_v5", "Standard_D32ds_v5", "Standard_D16ads_v5", "Standard_D16s_v6", "Standard_E16ds_v5"])
def test_a_region_without_the_default_size_of_nodes_is_usable_with_another(azure, size):
    azure.fault("azure.sku", size="Standard_D16ds_v5", absent=True)
    said = azure.found()["azure-sizes"]
    assert "Sizes that can be had there: Standard_D16" in said
    assert everything(azure.found({"systemPool": {"size": size}})) == {}


def test_a_zone_of_the_database_is_asked_for_only_where_one_is_said(azure):
    assert everything(azure.found({"location": "westcentralus"})) == {}, "a region without zones"
    assert "is not in zone 1" in azure.found({"location": "westcentralus", "database": {"zone": "1"}})["azure-database"]


READS = {"GET"}
QUESTIONS = re.compile(r"/checkNameAvailability$|/checkDomainAvailability$")


def test_nothing_is_made_and_nothing_that_a_deployment_makes_is_read(azure):
    azure.found({"preset": "production", "apiServer": {"localAccounts": True}})
    assert azure.world.resources() == []
    assert {method for method, path in azure.asked if not QUESTIONS.search(path)} == READS
    named = [path for _method, path in azure.asked if "/resourcegroups/" in path.lower()]
    assert all(re.search(r"/resourcegroups/[^/]+(/providers/Microsoft.Authorization/permissions)?$", path, re.IGNORECASE) for path in named)


def test_azure_is_asked_once_for_the_preview_and_the_update_of_one_engine(azure, monkeypatch):
    monkeypatch.setattr(cache, "running_engine", psutil.Process)
    monkeypatch.setenv(cache.RUNTIME, str(azure.project / "run"))
    azure.fault("azure.kubernetes", without=["1.35"])
    first = azure.findings()
    asked = len(azure.asked)
    assert azure.findings() == first
    assert len(azure.asked) == asked
    assert azure.findings({"kubernetes": "1.34"}) != first, "another stack is another question"
