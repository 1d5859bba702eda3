"""Names that are taken or kept, and cores that are used up."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal.azure.errors import ArmError
from tests.unit.azure_simulator.site import GPU_SIZE, REGION, SIZE, SYSTEM, Site, refused


def test_a_deleted_vault_keeps_its_name_until_it_is_recovered_or_purged(site: Site) -> None:
    vault = site.vault(softDeleteRetentionInDays=7)
    site.delete(vault)
    assert [(one.name, round((one.purged - one.deleted) / 86400)) for one in site.world.gone()] == [("kv-one", 7)]
    with refused("ConflictError"):
        site.vault()
    site.delete(site.vault(createMode="recover"))
    site.world.purge(vault.type, "kv-one")
    assert site.world.gone() == []
    assert site.vault().state == "Succeeded"


def test_a_protected_vault_is_not_purged(site: Site) -> None:
    vault = site.vault(enablePurgeProtection=True)
    site.delete(vault)
    with refused("MethodNotAllowed"):
        site.world.purge(vault.type, vault.name)


def test_a_deleted_foundry_account_is_restored_or_purged(site: Site) -> None:
    site.delete(site.foundry())
    with refused("FlagMustBeSetForRestore"):
        site.foundry()
    assert site.foundry(restore=True).state == "Succeeded"


def test_nothing_is_restored_that_was_never_deleted(site: Site) -> None:
    with refused("CanNotRestoreANonExistingResource"):
        site.foundry(restore=True)


def test_a_deleted_log_workspace_comes_back_where_it_was_and_nowhere_else(site: Site) -> None:
    workspace = site.put("operationalinsights:Workspace", workspaceName="log-one")
    site.delete(workspace)
    site.put("resources:ResourceGroup", resourceGroupName="other")
    with refused("Conflict"):
        site.put("operationalinsights:Workspace", resourceGroupName="other", workspaceName="log-one")
    assert site.put("operationalinsights:Workspace", workspaceName="log-one").state == "Succeeded"


def test_names_of_all_azure_are_taken_once(site: Site) -> None:
    site.storage()
    site.put("resources:ResourceGroup", resourceGroupName="other")
    with refused("StorageAccountAlreadyTaken"):
        site.storage(resourceGroupName="other")
    site.faults.set("azure.name", {"taken": ["styours"], "deleted": ["kv-one"]})
    with refused("StorageAccountAlreadyTaken"):
        site.storage(accountName="styours")
    with refused("ConflictError"):
        site.vault()


def test_cores_are_counted_by_family_and_in_all(site: Site) -> None:
    site.cluster()
    before = site.world.quota.used(REGION)["cores"]
    site.pool(count=1, minCount=1)
    used = site.world.quota.used(REGION)
    assert used["cores"] == before + 40
    assert used["StandardNCadsH100v5Family"] == 40
    assert site.world.quota.used("westus3").get("StandardNCadsH100v5Family", 0) == 0


def test_spot_machines_count_in_a_bucket_of_their_own(site: Site) -> None:
    site.cluster()
    spot = {"scaleSetPriority": "Spot", "scaleSetEvictionPolicy": "Delete", "spotMaxPrice": -1}
    site.pool(count=1, minCount=1, **spot)
    used = site.world.quota.used(REGION)
    assert used["lowPriorityCores"] == 40
    assert used.get("StandardNCadsH100v5Family", 0) == 0


def test_a_pool_beyond_the_quota_is_refused_with_what_is_left(site: Site) -> None:
    site.cluster()
    site.faults.set("azure.quota", {"family": "StandardNCadsH100v5Family", "limit": 60})
    with refused("ErrCode_InsufficientVCPUQuota") as found:
        site.pool(count=2, minCount=2)
    assert "requested 80, remaining 60 for family StandardNCadsH100v5Family for region eastus2" in found.value.message
    assert site.world.resources("Microsoft.ContainerService/managedClusters/agentPools") == []


@settings(max_examples=25, deadline=None)
@given(counts=st.lists(st.tuples(st.sampled_from([SIZE, GPU_SIZE]), st.integers(0, 3)), max_size=6), limit=st.integers(0, 300))
def test_no_sequence_of_pools_ever_uses_more_than_the_quota(counts: list[tuple[str, int]], limit: int) -> None:
    site = Site()
    site.group()
    site.cluster(agentPoolProfiles=[SYSTEM])
    family = "StandardNCadsH100v5Family"
    site.faults.set("azure.quota", {"family": family, "limit": limit})
    expected = 0
    for number, (size, count) in enumerate(counts):
        more = 40 * count if size == GPU_SIZE else 0
        fixed = {"enableAutoScaling": False, "minCount": None, "maxCount": None}
        if expected + more > limit and more:
            with refused("ErrCode_InsufficientVCPUQuota"):
                site.pool(agentPoolName=f"pool{number}", vmSize=size, count=count, **fixed)
            continue
        site.pool(agentPoolName=f"pool{number}", vmSize=size, count=count, **fixed)
        expected += more
    assert site.world.quota.used(REGION).get(family, 0) == expected


def test_a_version_that_a_region_lost_is_refused(site: Site) -> None:
    site.faults.set("azure.kubernetes", {"without": ["1.35"]})
    with pytest.raises(ArmError, match=r"Managed cluster is on version 1\.35 which is not supported"):
        site.cluster()
