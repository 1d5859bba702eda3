"""The real engine with a data lock: what was asked for and failed locks nothing, and what was made is never lost by a change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.azure_program import Stack, stack_of

pytestmark = pytest.mark.timeout(240)

SERVER = "Microsoft.DBforPostgreSQL/flexibleServers"
PROGRAM = """
import json, os, pulumi
from pulumi_azure_native import Provider, dbforpostgresql, network, privatedns, resources
from components.cluster.azure.data_lock import locks
from components.cluster.azure.stored import stored

asked = json.loads(os.environ["STEP"])
name, size, geo = asked.get("name", "psql-test"), asked.get("size", 32), asked.get("geo", "off")
made = {"name": name, "resourceGroup": "rg-test", "location": "eastus2", "storageGib": str(size), "geoBackup": geo}
locked = locks({} if asked.get("gone") else {"database": made}, ["database"] if asked.get("unlocked") else [], stored())
azure = Provider("azure", subscription_id=os.environ["SUBSCRIPTION"], location="eastus2")
def opts(*after, more=None):
    return pulumi.ResourceOptions.merge(pulumi.ResourceOptions(provider=azure, depends_on=list(after)), more)

group = resources.ResourceGroup("group", resource_group_name="rg-test", opts=opts())
vnet = network.VirtualNetwork("vnet", virtual_network_name="vnet", resource_group_name="rg-test",
    address_space=network.AddressSpaceArgs(address_prefixes=["10.0.0.0/16"]), opts=opts(group))
subnet = network.Subnet("subnet", subnet_name="database", virtual_network_name="vnet", resource_group_name="rg-test",
    address_prefixes=["10.0.1.0/24"],
    delegations=[network.DelegationArgs(name="postgres", service_name="Microsoft.DBforPostgreSQL/flexibleServers")], opts=opts(vnet))
zone = privatedns.PrivateZone("zone", private_zone_name="test.postgres.database.azure.com", resource_group_name="rg-test",
    location="Global", opts=opts(group))
link = privatedns.VirtualNetworkLink("link", virtual_network_link_name="link", private_zone_name="test.postgres.database.azure.com",
    resource_group_name="rg-test", location="Global", registration_enabled=False,
    virtual_network=privatedns.SubResourceArgs(id=vnet.id), opts=opts(zone))
if "database" in locked:
    lock = locked["database"]
    server = dbforpostgresql.Server("server", server_name=name, resource_group_name="rg-test", version="16",
        sku=dbforpostgresql.SkuArgs(name="Standard_B2s", tier="Burstable"), storage=dbforpostgresql.StorageArgs(storage_size_gb=size),
        backup=dbforpostgresql.BackupArgs(geo_redundant_backup="Enabled" if geo == "on" else "Disabled"),
        administrator_login="osmo", administrator_login_password=pulumi.Output.secret(os.environ["PASSWORD"]),
        network=dbforpostgresql.NetworkArgs(delegated_subnet_resource_id=subnet.id, private_dns_zone_arm_resource_id=zone.id),
        opts=opts(link, more=lock.held))
    dbforpostgresql.Database("database", database_name="osmo", server_name=name, resource_group_name="rg-test", charset="UTF8",
        collation="en_US.utf8", opts=opts(lock.closed(server, None), more=pulumi.ResourceOptions(replace_with=[server])))
"""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with stack_of(PROGRAM, tmp_path) as made:
        yield made


def asking(**asked: object) -> str:
    return json.dumps(asked)


def updated(stack: Stack, **asked: object) -> None:
    found = stack.up(asking(**asked))
    assert found.returncode == 0, found.stdout + found.stderr


def failed(stack: Stack, **asked: object) -> str:
    """What a refused update says, without a preview."""
    found = stack.up(asking(**asked))
    assert found.returncode != 0, found.stdout
    return found.stdout


def server(stack: Stack) -> str:
    """The one server; another one has another id of its own."""
    (found,) = stack.world.resources(SERVER)
    return found.uid


def steps(stack: Stack, **asked: object) -> dict[str, str]:
    """What a preview would do to the server, by resource."""
    found = stack.pulumi("preview", "--json", step=asking(**asked))
    assert found.returncode == 0, found.stdout + found.stderr
    planned = {step["urn"].rpartition("::")[2]: step["op"] for step in json.loads(found.stdout)["steps"]}
    return {name: op for name, op in planned.items() if op != "same"}


def test_data_is_made_anew_only_when_the_stack_says_so(stack: Stack) -> None:
    updated(stack)
    first = server(stack)
    assert steps(stack) == {}
    assert steps(stack, size=64) == {"server": "update", "database-lock": "update"}
    updated(stack, size=64)

    # also without a preview, and also where the provider itself would plan a replacement
    for change in ({"geo": "on", "size": 64}, {"size": 32}, {"name": "psql-other", "size": 64}, {"gone": True}):
        said = failed(stack, **change)
        assert "pulumi config set --path 'sdg:cluster.unlock[0]' database" in said
        assert stack.pulumi("preview", step=asking(**change)).returncode != 0
    assert server(stack) == first
    assert steps(stack, size=64) == {}

    assert steps(stack, size=128, unlocked=True) == {"server": "update", "database-lock": "update"}
    planned = steps(stack, size=64, geo="on", unlocked=True)
    assert planned.pop("database-lock") == "update"
    assert {name for name, op in planned.items() if "replace" in op} == {"server", "database"}
    updated(stack, size=64, geo="on", unlocked=True)
    assert server(stack) != first
    assert steps(stack, size=64, geo="on") == {}

    updated(stack, gone=True, unlocked=True)
    assert stack.world.resources(SERVER) == []
    updated(stack, name="psql-other", size=32)


def test_a_creation_that_failed_locks_nothing(stack: Stack) -> None:
    stack.world.faults.set("azure.operation", {"type": SERVER, "status": 400, "code": "QuotaExceeded", "message": "none left"})
    assert "none left" in failed(stack)
    stack.world.faults.clear()
    # a name that was taken, say
    stack.world.faults.set("azure.fails", {"type": SERVER, "code": "InternalServerError", "message": "no capacity today"})
    assert "no capacity today" in failed(stack, name="psql-other")
    half = server(stack)
    stack.world.faults.clear()
    # no lock is in the way; but Azure left half a server behind, and would not change this in place
    said = failed(stack, name="psql-other", geo="on")
    assert "PropertyChangeNotAllowed" in said
    urn = said.partition("`pulumi up --replace '")[2].partition("'")[0]
    again = stack.pulumi("up", "--yes", "--skip-preview", "--replace", urn, step=asking(name="psql-other", geo="on"))
    assert again.returncode == 0, again.stdout
    assert server(stack) != half
    assert steps(stack, name="psql-other", geo="on") == {}
    assert "geoBackup was on and is off now" in failed(stack, name="psql-other")


@pytest.mark.parametrize(("fault", "then"), [("azure.operation", 32), ("azure.fails", 64)])
def test_after_a_change_that_failed_the_lock_is_in_nobodys_way(stack: Stack, fault: str, then: int) -> None:
    """One that was refused is set back; one that was accepted, and then failed, is tried again."""
    updated(stack)
    first = server(stack)
    stack.world.faults.set(fault, {"type": SERVER, "code": "ServerIsBusy", "message": "not now"})
    assert "not now" in failed(stack, size=64)
    assert "geoBackup was off and is on now" in failed(stack, geo="on"), "and what was made is locked as before"
    stack.world.faults.clear()
    updated(stack, size=then)
    assert server(stack) == first
    assert steps(stack, size=then) == {}


def test_a_destroy_that_fails_forgets_no_lock_of_what_is_still_there(stack: Stack) -> None:
    updated(stack)
    stack.world.faults.set("azure.operation", {"type": f"{SERVER}/databases", "operation": "delete", "status": 409, "message": "in use"})
    assert stack.pulumi("destroy", "--yes", "--skip-preview", step=asking()).returncode != 0
    stack.world.faults.clear()
    assert "geoBackup was off and is on now" in failed(stack, geo="on")
    gone = stack.pulumi("destroy", "--yes", "--skip-preview", step=asking())
    assert gone.returncode == 0, gone.stdout
    assert not stack.names()
