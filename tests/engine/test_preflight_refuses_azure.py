"""The stack `azure` where Azure refuses everything: the real engine refuses it with all of that at once, and nothing comes to be."""

from __future__ import annotations

import pytest
import requests
import yaml

from cli import rehearsal_azure
from cli.environment import stack_config
from tests.engine.refusing import in_state, rehearsed, run

STACK = "azure"
H100 = "Standard_NC40ads_H100_v5"
FAULTS = {
    "subscription": {"state": "Disabled"},
    "provider": {"namespaces": ["Microsoft.Cache"]},
    "roles": {"roles": ["Contributor"]},
    "quota": {"family": "cores", "limit": 100},
    "sku": {"size": H100},
    "kubernetes": {"without": ["1.35"]},
    "postgresql": {},
    "address": {"addresses": ["203.0.113.9"]},
}
EXPECTED = [
    "is Disabled, so nothing can be made in it.",
    "Microsoft.Cache (NotRegistered)",
    "Microsoft.Authorization/roleAssignments/write, which Role Based Access Control Administrator",
    f"sdg:cluster.gpuPools[0].size: {H100} cannot be had in eastus2: NotAvailableForSubscription",
    "Quota cores in eastus2: 24 of 100 vCPUs are used, 76 are left",
    "sdg:cluster.kubernetes: 1.35 is not offered in eastus2.",
    "PostgreSQL in eastus2: the region is closed to this subscription",
    "sdg:cluster.allowedRanges[1]' 203.0.113.9/32",
    "sdg:storageAccessKeyId is required, because sdg:platform.objectStore.provider is s3",
]


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The rehearsal of the stack `azure`, started; the environment leads to it."""
    with rehearsed(STACK, tmp_path_factory.mktemp("rehearsal")) as started:
        yield started


@pytest.fixture
def refused(state):
    """Everything is wrong with the subscription, the region and the stack."""
    faults = f"{state.service_urls()['control']}/faults"
    for name, fields in FAULTS.items():
        requests.put(f"{faults}/azure.{name}", json=fields, timeout=5).raise_for_status()
    config = stack_config(state, STACK)
    shipped = config.read_text()
    document = yaml.safe_load(shipped)
    document["config"]["sdg:platform"] = {"objectStore": {"provider": "s3"}}
    config.write_text(yaml.safe_dump(document))
    yield
    config.write_text(shipped)
    requests.delete(faults, timeout=5).raise_for_status()


def nothing_exists(state):
    """Neither a resource in the state, nor anything in Azure."""
    found = rehearsal_azure.contents(state)
    return in_state(STACK) == [] and found.resources == () and found.cluster == "absent"


@pytest.mark.parametrize("action", [("preview",), ("up", "--yes"), ("up", "--yes", "--skip-preview")], ids=" ".join)
def test_the_engine_is_refused_with_every_failure_at_once_and_nothing_is_made(state, refused, action):
    code, said = run("pulumi", *action, "--stack", STACK, "--non-interactive")
    assert code != 0
    assert [expected for expected in EXPECTED if expected not in said] == [], said
    assert nothing_exists(state)
    assert list((state.root / "run").glob("sdg-preflight-*")), "the engine's process was not found, so Azure is asked twice"


def test_the_command_shows_them_in_one_table_and_exits_with_1(state, refused):
    code, said = run("sdg", "preflight", "--stack", STACK)
    assert code == 1
    assert said.count("what to do") == 1
    names = [
        "settings",
        *(f"azure-{name}" for name in ("subscription", "providers", "roles", "sizes", "quota", "kubernetes", "database", "caller")),
    ]
    assert [name for name in names if f" {name} " not in said] == [], said
    assert "Nothing was created." in said
    assert nothing_exists(state)


def test_a_stack_that_nothing_stands_in_the_way_of_gets_a_plan_and_still_nothing_is_made(state):
    code, said = run("sdg", "preflight", "--stack", STACK)
    assert code == 0, said
    assert "rg-sdg-dev in eastus2" in said
    assert nothing_exists(state)


def test_another_region_is_proposed_where_the_stacks_own_does_not_do(state):
    faults = f"{state.service_urls()['control']}/faults/azure.postgresql"
    requests.put(faults, json={"location": "eastus2"}, timeout=5).raise_for_status()
    code, said = run("sdg", "preflight", "--stack", STACK, "--find-region")
    requests.delete(faults, timeout=5).raise_for_status()
    assert code == 0, said
    assert "pulumi config set --path sdg:cluster.location swedencentral" in said
    assert nothing_exists(state)
