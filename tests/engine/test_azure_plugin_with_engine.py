"""The real engine with the rehearsal's azure-native plugin: a small program against the simulated Azure, from preview to destroy."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.azure.account import SUBSCRIPTION
from rehearsal.azure.errors import ArmError
from tests.engine.azure_program import PASSWORD, Stack, stack_of

pytestmark = pytest.mark.timeout(240)

PROGRAM = """
import os, pulumi
from pulumi_azure_native import Provider, authorization, dbforpostgresql, managedidentity, network, privatedns, resources, storage

step = os.environ["STEP"]
azure = Provider("azure", subscription_id=os.environ["SUBSCRIPTION"], location="eastus2")
def opts(*after):
    return pulumi.ResourceOptions(provider=azure, depends_on=list(after))

group = resources.ResourceGroup("group", resource_group_name="rg-test", tags={"step": step}, opts=opts())
vnet = network.VirtualNetwork("vnet", virtual_network_name="vnet", resource_group_name=group.name,
    address_space=network.AddressSpaceArgs(address_prefixes=["10.0.0.0/16"]), opts=opts())
address = network.PublicIPAddress("address", resource_group_name=group.name, public_ip_allocation_method="Static",
    sku=network.PublicIPAddressSkuArgs(name="Standard", tier="Regional"), opts=opts())
subnet = network.Subnet("subnet", subnet_name="database", virtual_network_name=vnet.name, resource_group_name=group.name,
    address_prefixes=["10.0.1.0/24"],
    delegations=[network.DelegationArgs(name="postgres", service_name="Microsoft.DBforPostgreSQL/flexibleServers")], opts=opts())
zone = privatedns.PrivateZone("zone", private_zone_name="test.postgres.database.azure.com", resource_group_name=group.name,
    location="Global", opts=opts())
link = privatedns.VirtualNetworkLink("link", virtual_network_link_name="link", private_zone_name=zone.name, resource_group_name=group.name,
    location="Global", registration_enabled=False, virtual_network=privatedns.SubResourceArgs(id=vnet.id), opts=opts())
server = dbforpostgresql.Server("server", server_name="psql-test", resource_group_name=group.name, version="16",
    sku=dbforpostgresql.SkuArgs(name="Standard_B2s", tier="Burstable"),
    storage=dbforpostgresql.StorageArgs(storage_size_gb=64 if step == "three" else 32),
    administrator_login="osmo", administrator_login_password=pulumi.Output.secret(os.environ["PASSWORD"]),
    network=dbforpostgresql.NetworkArgs(delegated_subnet_resource_id=subnet.id, private_dns_zone_arm_resource_id=zone.id),
    opts=opts(*([] if step == "unlinked" else [link])))
account = storage.StorageAccount("account", account_name="sttest4711" if step != "four" else "sttest4712", resource_group_name=group.name,
    kind="StorageV2", sku=storage.SkuArgs(name="Standard_LRS"), opts=opts())
keys = storage.list_storage_account_keys_output(resource_group_name=group.name, account_name=account.name,
    opts=pulumi.InvokeOptions(provider=azure))
identity = managedidentity.UserAssignedIdentity("identity", resource_name_="id-test", resource_group_name=group.name, opts=opts())
role = authorization.RoleAssignment("role", scope=account.id, principal_id=identity.principal_id, principal_type="ServicePrincipal",
    role_definition_id=f"/subscriptions/{os.environ['SUBSCRIPTION']}/providers/Microsoft.Authorization/roleDefinitions/"
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe", opts=opts())
pulumi.export("address", address.ip_address)
pulumi.export("host", server.fully_qualified_domain_name)
pulumi.export("blob", account.primary_endpoints.apply(lambda found: found.blob))
pulumi.export("key", pulumi.Output.secret(keys.keys[0].value))
"""
RESOURCES = 10


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with stack_of(PROGRAM, tmp_path) as made:
        yield made


def test_azure_is_made_looked_at_changed_replaced_and_removed(stack: Stack) -> None:
    began = time.monotonic()
    preview = stack.pulumi("preview")
    print(f"preview: {time.monotonic() - began:.1f} s")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    assert not stack.world.resources()

    first = stack.up()
    assert first.returncode == 0, first.stdout + first.stderr
    assert len(stack.world.resources()) == RESOURCES
    outputs = stack.outputs()
    assert outputs["host"] == "psql-test.postgres.database.azure.com"
    assert outputs["blob"] == "https://sttest4711.blob.core.windows.net/"
    assert outputs["address"].startswith("203.0.113.")
    account = next(one for one in stack.world.resources() if one.name == "sttest4711")
    assert outputs["key"] == account.secrets["key1"]
    exported = stack.pulumi("stack", "export").stdout
    assert PASSWORD not in exported
    assert outputs["key"] not in exported

    unchanged = stack.pulumi("preview", "--expect-no-changes")
    assert unchanged.returncode == 0, unchanged.stdout
    refreshed = stack.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert refreshed.returncode == 0, refreshed.stdout

    updated = stack.up(step="three")
    assert updated.returncode == 0, updated.stdout
    assert "2 updated" in updated.stdout
    assert "replaced" not in updated.stdout
    assert next(one for one in stack.world.resources() if one.name == "psql-test").outputs["storage"]["storageSizeGB"] == 64

    planned = json.loads(stack.pulumi("preview", "--json", step="four").stdout)
    steps = {step["urn"].rpartition("::")[2]: step["op"] for step in planned["steps"] if step["op"] != "same"}
    assert steps.pop("account") in {"replace", "create-replacement", "delete-replaced"}
    assert steps["server"] == "update"

    removed = stack.pulumi("destroy", "--yes", "--skip-preview", step="three")
    assert removed.returncode == 0, removed.stdout
    assert stack.names() == set()


def test_what_was_changed_behind_the_stacks_back_shows_as_drift_and_is_mended(stack: Stack) -> None:
    assert stack.up().returncode == 0
    found = next(one for one in stack.world.resources() if one.name == "rg-test")
    stack.world.update(found.type, found.id, {**found.inputs, "tags": {"step": "by hand"}})
    gone = next(one for one in stack.world.resources() if one.name == "link")
    stack.world.delete(gone.type, gone.id)
    drift = stack.pulumi("refresh", "--yes", "--skip-preview")
    assert "1 updated" in drift.stdout, drift.stdout
    assert "1 deleted" in drift.stdout
    mended = stack.up()
    assert mended.returncode == 0, mended.stdout
    assert next(one for one in stack.world.resources() if one.name == "rg-test").outputs["tags"] == {"step": "one"}
    assert stack.pulumi("preview", "--expect-no-changes").returncode == 0


def test_an_operation_that_fails_on_the_way_leaves_a_resource_that_the_next_update_mends(stack: Stack) -> None:
    server = "Microsoft.DBforPostgreSQL/flexibleServers"
    stack.world.faults.set("azure.fails", {"type": server, "code": "InternalServerError", "message": "no capacity today"})
    failed = stack.up()
    assert failed.returncode != 0
    assert 'Code="InternalServerError" Message="no capacity today"' in failed.stdout
    assert stack.world.resources(server)[0].state == "Failed"
    assert '"psql-test' in stack.pulumi("stack", "export").stdout
    stack.world.faults.clear()
    mended = stack.up()
    assert mended.returncode == 0, mended.stdout
    assert stack.world.resources(server)[0].state == "Succeeded"


def test_wrong_inputs_are_refused_in_the_preview_and_all_at_once(stack: Stack) -> None:
    stack.write("""
import pulumi_azure_native as azure
azure.storage.StorageAccount("a", account_name="Not-Valid", resource_group_name="rg", location="eastus2",
    kind="StorageV3", sku=azure.storage.SkuArgs(name="Standard_LRS"))
""")
    preview = stack.pulumi("preview")
    assert preview.returncode != 0
    assert "'accountName' does not match expression '^[a-z0-9]+$': 'Not-Valid'" in preview.stdout
    assert "'kind' cannot be 'StorageV3'; allowed: Storage, StorageV2" in preview.stdout


def test_arm_refuses_what_is_there_already_and_says_why_in_its_own_words(stack: Stack) -> None:
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test"
    stack.world.create("Microsoft.Resources/resourceGroups", group, {"resourceGroupName": "rg-test", "location": "westus3"})
    refused = stack.up()
    assert refused.returncode != 0
    assert f"cannot create already existing resource '{group}'" in refused.stdout


def test_without_a_simulated_azure_everything_is_refused(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "state" / "services.json").unlink()
    preview = stack.pulumi("preview")
    assert preview.returncode != 0
    assert "never talks to the real Azure, and no simulated one is running" in preview.stdout
    assert "Traceback" not in preview.stdout


def test_an_existing_resource_is_imported_with_the_inputs_that_make_it(stack: Stack) -> None:
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-old"
    stack.world.create("Microsoft.Resources/resourceGroups", group, {"resourceGroupName": "rg-old", "location": "eastus2"})
    stack.write(f"""
import pulumi, pulumi_azure_native as azure
azure.resources.ResourceGroup("old", resource_group_name="rg-old", location="eastus2", opts=pulumi.ResourceOptions(import_="{group}"))
""")
    imported = stack.up()
    assert imported.returncode == 0, imported.stdout
    assert "1 imported" in imported.stdout


def test_two_writers_of_one_network_wait_for_each_other_as_the_provider_does(stack: Stack) -> None:
    stack.world.clock.scale = 0.002
    stack.write("""
import pulumi_azure_native as azure
group = azure.resources.ResourceGroup("group", resource_group_name="rg-two", location="eastus2")
vnet = azure.network.VirtualNetwork("vnet", virtual_network_name="vnet", resource_group_name=group.name, location="eastus2",
    address_space=azure.network.AddressSpaceArgs(address_prefixes=["10.0.0.0/16"]))
for number in range(2):
    azure.network.Subnet(f"subnet-{number}", subnet_name=f"subnet-{number}", virtual_network_name=vnet.name, resource_group_name=group.name,
        address_prefixes=[f"10.0.{number}.0/24"])
""")
    made = stack.up()
    assert made.returncode == 0, made.stdout
    assert {"subnet-0", "subnet-1"} <= stack.names()
    with pytest.raises(ArmError, match="was not found"):
        stack.world.update("Microsoft.Network/virtualNetworks", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-two/none", {})
