"""File shares for models: the account in Azure, who reaches it, and the StorageClass over it."""

from __future__ import annotations

import pytest

from sdg.azure.made_of import UsedServices
from tests.graph.azure_data import loop, make
from tests.graph.nims import run_nims

__all__ = ["loop", "make", "run_nims"]  # the fixtures

ACCOUNT = "nfs-storage"
AZURE = {"kind": "azure", "allowedRanges": ["198.51.100.7/32"], "acceptUnvalidated": True, "prefix": "sdg", "environment": "dev"}


@pytest.fixture
def made(make):
    return make(UsedServices(shares=True), prefix="sdg", environment="dev")


def test_the_account_serves_nfs_to_the_network_alone(made):
    account = made.inputs[ACCOUNT]
    assert (account["kind"], account["sku"]) == ("FileStorage", {"name": "Premium_LRS"})
    assert account["enableHttpsTrafficOnly"] is False, "no mount succeeds with it"
    assert (account["publicNetworkAccess"], account["allowSharedKeyAccess"]) == ("Disabled", False)
    assert account["accountName"].startswith("stnfssdgdev")
    assert len(account["accountName"]) <= 24


def test_it_is_reached_by_a_private_endpoint_whose_zone_the_driver_mounts_by(made):
    (connection,) = made.inputs["nfs-endpoint"]["privateLinkServiceConnections"]
    assert (connection["groupIds"], connection["privateLinkServiceId"]) == (["file"], "/nfs-storage")
    assert made.inputs["nfs-zone"]["privateZoneName"] == "privatelink.file.core.windows.net"
    assert {"nfs-endpoint", "nfs-zone", "nfs-zone-link"} <= made.before("nfs-zone-group")


def test_the_cluster_may_make_shares_in_this_account_and_nowhere_else(made):
    role = made.inputs["role-aks-nfs"]
    assert role["roleDefinitionId"].endswith("/17d1049b-9a84-46fb-8f53-869881c3d3ab")
    assert (role["scope"], role["principalType"]) == ("/nfs-storage", "ServicePrincipal")
    assert "aks-identity" in made.before("role-aks-nfs")


def test_it_neither_waits_for_aks_nor_keeps_anything_from_it(made):
    assert "aks" not in made.before("nfs-zone-group") | made.before("role-aks-nfs")
    assert ACCOUNT not in made.before("aks")


def test_models_are_no_data_that_a_lock_or_retention_keeps(make):
    made = make(UsedServices(shares=True), retain=True)
    assert not made.requests[ACCOUNT].retainOnDelete
    assert "storage-lock" in made.types
    assert not [name for name in made.types if name.endswith("-lock") and ACCOUNT in made.before(name)]


def test_without_nims_there_is_none_of_it(make):
    assert not [name for name in make().types if "nfs" in name]


def test_the_storage_class_leads_to_the_account_and_comes_after_its_way(run_nims):
    graph = run_nims("qwen25-14b", cluster=AZURE)
    storage_class = graph.inputs["nim-storage-class"]
    assert storage_class["metadata"]["name"] == "azurefile-nfs-premium"
    assert storage_class["provisioner"] == "file.csi.azure.com"
    account = graph.inputs[ACCOUNT]
    assert storage_class["parameters"] == {
        "protocol": "nfs",
        "resourceGroup": account["resourceGroupName"],
        "storageAccount": account["accountName"],
        "networkEndpointType": "privateEndpoint",
    }
    assert (storage_class["reclaimPolicy"], storage_class["volumeBindingMode"]) == ("Delete", "Immediate")
    assert graph.requests["nim-storage-class"].deleteBeforeReplace, "nothing in a class can be changed"
    assert {"nfs-zone-group", "role-aks-nfs"} <= graph.waits_for("nim-storage-class")
    assert "nim-storage-class" in graph.waits_for("nim-qwen25-14b-volume")
    assert graph.inputs["nim-qwen25-14b-volume"]["spec"]["storageClassName"] == "azurefile-nfs-premium"


def test_a_class_of_the_stacks_own_choice_needs_no_account(run_nims):
    graph = run_nims("qwen25-14b", cluster=AZURE, storageClass="mine")
    assert not {ACCOUNT, "nim-storage-class"} & set(graph.types)
    assert graph.inputs["nim-qwen25-14b-volume"]["spec"]["storageClassName"] == "mine"
