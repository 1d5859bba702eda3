"""Operations take time, exclude each other, fail on the way, and are remembered."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rehearsal.azure.clock import Clock
from rehearsal.azure.errors import ArmError
from rehearsal.azure.world import Resource, World
from tests.unit.azure_simulator.site import CLUSTER, SERVER, Site, refused

AKS, POOL = "Microsoft.ContainerService/managedClusters", "Microsoft.ContainerService/managedClusters/agentPools"


def _busy(site: Site, on: str) -> tuple[threading.Event, threading.Event]:
    """Hold the next creation of a type until told to let it go."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: Resource) -> None:
        begun.set()
        assert go_on.wait(10)

    site.world.on_created(on, hold)
    return begun, go_on


def test_two_subnets_of_one_network_are_not_made_at_once(site: Site) -> None:
    site.network()
    begun, go_on = _busy(site, "Microsoft.Network/virtualNetworks/subnets")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(site.subnet)
        assert begun.wait(10)
        with refused("AnotherOperationInProgress") as found:
            site.subnet("other", "10.0.9.0/24")
        go_on.set()
        first.result(10)
    assert found.value.status == 409
    assert site.subnet("other", "10.0.9.0/24").state == "Succeeded"


def test_a_server_is_busy_while_one_of_its_parameters_changes(site: Site) -> None:
    site.put("dbforpostgresql:Server", SERVER)
    begun, go_on = _busy(site, "Microsoft.DBforPostgreSQL/flexibleServers/configurations")
    place = {"serverName": "psql-x", "source": "user-override"}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: site.put("dbforpostgresql:Configuration", place, configurationName="max_connections", value="60"))
        assert begun.wait(10)
        with refused("ServerIsBusy"):
            site.put("dbforpostgresql:Database", serverName="psql-x", databaseName="osmo")
        go_on.set()
        first.result(10)


def test_what_is_still_being_made_has_no_children_yet(site: Site) -> None:
    begun, go_on = _busy(site, "Microsoft.ManagedIdentity/userAssignedIdentities")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: site.put("managedidentity:UserAssignedIdentity", resourceName="id-one"))
        assert begun.wait(10)
        given = {"resourceName": "id-one", "federatedIdentityCredentialResourceName": "one", "issuer": "https://i/", "subject": "s"}
        with refused("ParentResourceNotReady"):
            site.put("managedidentity:FederatedIdentityCredential", given, audiences=["a"])
        go_on.set()
        first.result(10)


def test_hooks_see_what_is_made_add_to_it_and_are_told_of_changes(site: Site) -> None:
    seen: list[Any] = []
    site.world.on_created(AKS, lambda cluster: {"maxAgentPools": len(cluster.outputs["agentPoolProfiles"])})
    site.world.on_updated(AKS, lambda old, new: seen.append((old.inputs["tags"], new.inputs["tags"])))
    cluster = site.cluster(tags={"a": "1"})
    assert cluster.outputs["maxAgentPools"] == 1
    site.again(cluster, tags={"a": "2"})
    assert seen == [({"a": "1"}, {"a": "2"})]


def test_a_hook_that_refuses_leaves_a_failed_resource_that_can_be_mended(site: Site) -> None:
    failing = [True]

    def hook(_: Resource) -> None:
        if failing:
            raise ArmError(500, "NoCapacity", "none left")

    site.world.on_created(AKS, hook)
    with refused("NoCapacity") as found:
        site.cluster()
    assert found.value.accepted
    assert site.world.resources(AKS)[0].state == "Failed"
    assert site.world.resources(AKS)[0].outputs["provisioningState"] == "Failed"
    failing.clear()
    assert site.put("containerservice:ManagedCluster", CLUSTER).state == "Succeeded"


def test_a_switch_fails_an_operation_before_or_after_it_was_accepted(site: Site) -> None:
    site.faults.set("azure.operation", {"type": AKS, "operation": "create", "status": 429, "times": 1})
    with refused("TooManyRequests") as before:
        site.cluster()
    assert not before.value.accepted
    assert site.world.resources(AKS) == []
    site.faults.set("azure.fails", {"type": AKS, "name": "aks", "code": "AllocationFailed", "message": "sold out"})
    with refused("AllocationFailed") as after:
        site.cluster()
    assert after.value.accepted
    site.faults.clear()
    assert site.cluster().state == "Succeeded"


def test_time_passes_as_fast_as_the_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(scale=1)
    waited: list[float] = []
    monkeypatch.setattr(site.world.clock, "wait", waited.append)
    site.group()
    site.faults.set("azure.slow", {"type": AKS, "seconds": 600})
    site.cluster()
    assert waited == [2, 900]


def test_a_clock_that_ends_keeps_nobody_waiting() -> None:
    clock = Clock(1)
    clock.end()
    clock.wait(1000)


def test_everything_is_there_after_a_restart_and_what_was_cut_off_has_failed(tmp_path: Path) -> None:
    file = tmp_path / "azure.json"
    site = Site(file)
    site.group()
    account = site.storage()
    site.delete(site.vault())
    begun, go_on = _busy(site, AKS)
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(site.cluster)
        assert begun.wait(10)
        again = World(file=file)
        go_on.set()
        made.result(10)
    assert again.read(account.type, account.id) == account
    assert again.resources(AKS)[0].state == "Failed"
    assert [one.name for one in again.gone()] == ["kv-one"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_grows_by_itself_is_noted_within_the_quota(site: Site) -> None:
    site.cluster()
    pool = site.pool()
    assert site.world.amend(POOL, pool.id, {"count": 2}).outputs["count"] == 2
    with refused("ErrCode_InsufficientVCPUQuota"):
        site.world.amend(POOL, pool.id, {"count": 1000})
    read = site.world.read(POOL, pool.id)
    assert read
    assert (read.inputs["count"], read.outputs["count"]) == (0, 2)


def test_a_new_resource_of_an_old_name_is_another_one(site: Site) -> None:
    first = site.put("managedidentity:UserAssignedIdentity", resourceName="id-one")
    site.delete(first)
    second = site.put("managedidentity:UserAssignedIdentity", resourceName="id-one")
    assert first.id == second.id
    assert first.outputs["principalId"] != second.outputs["principalId"]
    assert site.again(second, tags={"a": "b"}).outputs["principalId"] == second.outputs["principalId"]


def test_what_happens_by_itself_during_an_operation_is_not_undone_by_its_end(site: Site) -> None:
    site.cluster()
    pool = site.pool()
    site.world.on_updated(POOL, lambda _, new: site.world.amend(POOL, new.id, {"count": 2}) and None)
    assert site.again(pool, maxCount=3).outputs["count"] == 2


def test_a_deletion_that_fails_leaves_a_failed_resource_that_can_be_deleted(site: Site) -> None:
    failing = [True]

    def hook(_: Resource) -> None:
        if failing:
            raise ArmError(500, "StillBusy", "machines are still there")

    site.world.on_deleted(AKS, hook)
    cluster = site.cluster()
    with refused("StillBusy"):
        site.delete(cluster)
    assert site.world.resources(AKS)[0].state == "Failed"
    failing.clear()
    site.delete(cluster)
    assert site.world.resources(AKS) == []
