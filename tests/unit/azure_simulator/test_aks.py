"""AKS in the simulated Azure: clusters and pools become nodes, and go; their kubeconfigs; who may do what."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

import pytest
import yaml

from rehearsal.azure.account import SUBSCRIPTION
from rehearsal.azure.aks import CLUSTER, POOL, Aks
from rehearsal.azure.aks_access import ASSIGNMENT
from rehearsal.azure.clock import Clock
from rehearsal.azure.errors import ArmError
from rehearsal.azure.world import World
from tests.unit.azure_simulator.aks_fakes import FakeVirtual
from tests.unit.azure_simulator.aks_objects import CLUSTER_ID, CPU_SIZE, GPU_SIZE, GROUP_ID

GROUP = "Microsoft.Resources/resourceGroups"
SYSTEM = {"name": "system", "mode": "System", "vmSize": CPU_SIZE, "count": 2, "enableAutoScaling": True, "minCount": 1, "maxCount": 3}
PLACE = {"resourceGroupName": "rg-a", "resourceName": "aks-a"}
INPUTS = {
    **PLACE,
    "location": "eastus2",
    "dnsPrefix": "aks-a",
    "identity": {"type": "SystemAssigned"},
    "agentPoolProfiles": [SYSTEM],
    "aadProfile": {"enableAzureRBAC": True, "managed": True, "tenantID": "t"},
}
GPU_ID = f"{CLUSTER_ID}/agentPools/gpu"
GPU = {
    **PLACE,
    "agentPoolName": "gpu",
    "vmSize": GPU_SIZE,
    "count": 0,
    "enableAutoScaling": True,
    "minCount": 0,
    "maxCount": 2,
    "nodeLabels": {"a": "1"},
}
ROLES = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
ADMIN_ROLE = f"{ROLES}/b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
NAME = "0d600000-0000-4000-8000-00000000000b"
SOMEBODY = "0d600000-0000-4000-8000-00000000000a"
CLASSES = {"default", "managed-csi", "managed-csi-premium", "azurefile-csi", "azurefile-csi-premium"}


@pytest.fixture
def aks():
    return simulated(FakeVirtual())


def simulated(virtual):
    """AKS in an Azure with one resource group."""
    found = Aks(World(clock=Clock(0)), virtual)
    found.register()
    found.world.create(GROUP, GROUP_ID, {"location": "eastus2", "resourceGroupName": "rg-a"})
    return found


def kubeconfig(aks, who):
    """What ARM answers to whoever asks for credentials."""
    asked = aks.world.answer(f"listManagedCluster{who}Credentials")
    return base64.b64decode(asked(aks.world.read(CLUSTER, CLUSTER_ID), {"format": "exec"})["kubeconfigs"][0]["value"]).decode()


def made(aks, **more):
    aks.world.create(CLUSTER, CLUSTER_ID, {**INPUTS, **more})
    return aks


def nodes(aks, pool):
    return [node["metadata"]["name"] for node in aks.virtual.memory.all("nodes") if node["metadata"]["labels"]["agentpool"] == pool]


def test_a_cluster_comes_with_its_first_pools_nodes_and_storage_classes(aks):
    made(aks)
    assert len(nodes(aks, "system")) == 2
    classes = {item["metadata"]["name"]: item for item in aks.virtual.memory.all("storageclasses")}
    assert classes.keys() >= CLASSES
    marked = [name for name, item in classes.items() if item["metadata"].get("annotations")]
    assert marked == ["default"]


def test_a_cluster_that_does_not_come_up_fails_and_says_why():
    aks = simulated(FakeVirtual("no etcd"))
    with pytest.raises(ArmError, match="no etcd"):
        made(aks)
    assert aks.world.read(CLUSTER, CLUSTER_ID).state == "Failed"
    assert aks.all() == []


def test_a_rehearsal_has_one_cluster(aks):
    made(aks)
    with pytest.raises(ArmError, match="one cluster, and aks-a is it"):
        aks.world.create(CLUSTER, CLUSTER_ID + "2", {**INPUTS, "resourceName": "aks-a2"})


def test_a_pool_brings_its_nodes_and_takes_them_away(aks):
    made(aks)
    aks.world.create(POOL, GPU_ID, {**GPU, "count": 2})
    assert len(nodes(aks, "gpu")) == 2
    aks.world.delete(POOL, GPU_ID)
    assert nodes(aks, "gpu") == []
    assert len(nodes(aks, "system")) == 2


def test_an_update_keeps_the_autoscalers_number_within_the_new_limits(aks):
    made(aks)
    aks.world.create(POOL, GPU_ID, GPU)
    aks.order(next(pool for pool in aks.all() if pool.name == "gpu"), 2)
    changed = aks.world.update(POOL, GPU_ID, {**GPU, "maxCount": 5})
    assert changed.outputs["count"] == 2
    assert aks.world.update(POOL, GPU_ID, {**GPU, "maxCount": 1}).outputs["count"] == 1
    assert len(nodes(aks, "gpu")) == 1


def test_people_choose_the_size_of_a_pool_without_an_autoscaler(aks):
    made(aks)
    fixed = {**{name: value for name, value in GPU.items() if name not in {"minCount", "maxCount"}}, "enableAutoScaling": False, "count": 2}
    aks.world.create(POOL, GPU_ID, fixed)
    aks.world.update(POOL, GPU_ID, {**fixed, "count": 1})
    assert len(nodes(aks, "gpu")) == 1


def test_labels_and_taints_reach_the_nodes_that_are_there(aks):
    made(aks)
    aks.world.create(POOL, GPU_ID, {**GPU, "count": 1, "nodeTaints": ["a=b:NoSchedule"]})
    aks.world.update(POOL, GPU_ID, {**GPU, "count": 1, "nodeLabels": {"b": "2"}, "nodeTaints": ["c=d:NoSchedule"]})
    node = next(item for item in aks.virtual.memory.all("nodes") if item["metadata"]["labels"]["agentpool"] == "gpu")
    assert node["metadata"]["labels"]["b"] == "2"
    assert "a" not in node["metadata"]["labels"]
    assert node["spec"]["taints"] == [{"key": "c", "value": "d", "effect": "NoSchedule"}]


def test_the_system_pool_changes_with_its_cluster(aks):
    made(aks)
    changed = aks.world.update(CLUSTER, CLUSTER_ID, {**INPUTS, "agentPoolProfiles": [{**SYSTEM, "count": 3, "minCount": 3, "maxCount": 4}]})
    assert changed.outputs["agentPoolProfiles"][0]["count"] == 3
    assert len(nodes(aks, "system")) == 3


def test_nothing_is_left_of_a_cluster_that_was_deleted_and_another_can_come(aks):
    made(aks)
    aks.world.delete(CLUSTER, CLUSTER_ID)
    assert not aks.virtual.runs
    assert aks.all() == []
    made(aks)
    assert [name[-6:] for name in nodes(aks, "system")] == ["000000", "000001"]


def test_after_a_restart_the_pools_have_their_nodes_again(aks):
    made(aks)
    again = Aks(aks.world, FakeVirtual())
    again.resume()
    assert again.state == "running"
    assert len(nodes(again, "system")) == 2


def test_the_administrators_kubeconfig_opens_the_virtual_cluster(aks):
    made(aks)
    config = yaml.safe_load(kubeconfig(aks, "Admin"))
    assert config["current-context"] == "aks-a-admin"
    assert config["users"] == [{"name": "clusterAdmin_rg-a_aks-a", "user": {"token": "token-of-the-administrator"}}]


def test_without_local_accounts_there_is_no_administrators_kubeconfig(aks):
    made(aks, disableLocalAccounts=True)
    with pytest.raises(ArmError, match="disable local accounts"):
        kubeconfig(aks, "Admin")


def test_a_users_kubeconfig_gets_its_token_from_kubelogin(aks):
    made(aks)
    text = kubeconfig(aks, "User")
    assert "token-of-the-administrator" not in text
    user = yaml.safe_load(text)["users"][0]["user"]["exec"]
    assert user["command"] == "kubelogin"
    assert user["args"][user["args"].index("--tenant-id") + 1] == "t"


def test_without_entra_a_users_kubeconfig_holds_a_token(aks):
    made(aks, aadProfile=None)
    assert yaml.safe_load(kubeconfig(aks, "User"))["users"][0]["user"] == {"token": "token-of-the-administrator"}


def assign(aks, scope, role=ADMIN_ROLE):
    said = {"roleAssignmentName": NAME, "scope": scope, "roleDefinitionId": role, "principalId": SOMEBODY, "principalType": "User"}
    aks.world.create(ASSIGNMENT, f"{scope}/providers/{ASSIGNMENT}/{NAME}", said)


def let_in(aks):
    return [binding["subjects"][0]["name"] for binding in aks.virtual.memory.all("clusterrolebindings")]


@pytest.mark.parametrize("scope", [CLUSTER_ID, GROUP_ID.replace("rg-a", "RG-A"), f"/subscriptions/{SUBSCRIPTION}"])
def test_a_role_on_the_cluster_or_above_it_lets_in_and_goes(aks, scope):
    made(aks)
    assign(aks, scope)
    assert let_in(aks) == [SOMEBODY]
    aks.world.delete(ASSIGNMENT, f"{scope}/providers/{ASSIGNMENT}/{NAME}")
    assert let_in(aks) == []


def test_a_role_on_a_cluster_holds_after_minutes_if_it_is_still_there(aks):
    made(aks)
    waiting = []
    aks.world.clock.later = lambda seconds, what: waiting.append((seconds, what))
    assign(aks, CLUSTER_ID)
    assert let_in(aks) == []
    ((seconds, arrive),) = waiting
    assert seconds == 300
    arrive()
    assert let_in(aks) == [SOMEBODY]
    aks.world.delete(ASSIGNMENT, f"{CLUSTER_ID}/providers/{ASSIGNMENT}/{NAME}")
    arrive()
    assert let_in(aks) == []


def test_a_role_from_before_the_cluster_lets_in_too(aks):
    assign(aks, GROUP_ID)
    made(aks)
    assert let_in(aks) == [SOMEBODY]


@pytest.mark.parametrize(("scope", "role"), [(CLUSTER_ID, f"{ROLES}/{READER}"), (GROUP_ID.removesuffix("-a"), ADMIN_ROLE)])
def test_other_roles_and_roles_elsewhere_let_nobody_in(aks, scope, role):
    aks.world.create(GROUP, GROUP_ID.removesuffix("-a"), {"location": "eastus2", "resourceGroupName": "rg"})
    made(aks)
    assign(aks, scope, role)
    assert let_in(aks) == []


def test_without_azures_roles_in_the_cluster_none_counts(aks):
    made(aks, aadProfile={"managed": True})
    assign(aks, CLUSTER_ID)
    assert let_in(aks) == []


@pytest.mark.parametrize("private", [True, False])
def test_the_name_of_a_private_api_server_leads_to_the_virtual_cluster(aks, private):
    made(aks, apiServerAccessProfile={"enablePrivateCluster": private})
    outputs = aks.world.read(CLUSTER, CLUSTER_ID).outputs
    assert outputs.get("privateFQDN") == (urlsplit(aks.virtual.server().url).netloc if private else None)
