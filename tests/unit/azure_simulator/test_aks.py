"""AKS in the simulated Azure: clusters and pools become nodes, and go; their kubeconfigs; who may do what."""

from __future__ import annotations

import pytest
import yaml

from rehearsal.azure.aks import CLUSTER, POOL, Aks
from rehearsal.azure.aks_access import ASSIGNMENT
from rehearsal.azure.clock import Clock
from rehearsal.azure.errors import ArmError
from rehearsal.azure.world import World
from tests.unit.azure_simulator.aks_fakes import FakeVirtual
from tests.unit.azure_simulator.aks_objects import CLUSTER_ID, CPU_SIZE, GPU_SIZE

SYSTEM = {"name": "system", "mode": "System", "vmSize": CPU_SIZE, "count": 2, "enableAutoScaling": True, "minCount": 1, "maxCount": 3}
INPUTS = {"location": "eastus2", "agentPoolProfiles": [SYSTEM], "aadProfile": {"enableAzureRBAC": True, "tenantID": "t"}}
GPU_ID = f"{CLUSTER_ID}/agentPools/gpu"
GPU = {"vmSize": GPU_SIZE, "count": 0, "enableAutoScaling": True, "minCount": 0, "maxCount": 2, "nodeLabels": {"a": "1"}}
ADMIN_ROLE = "/subscriptions/0/providers/Microsoft.Authorization/roleDefinitions/b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b"
CLASSES = {"default", "managed-csi", "managed-csi-premium", "azurefile-csi", "azurefile-csi-premium"}


@pytest.fixture
def aks():
    found = Aks(World(clock=Clock(0)), FakeVirtual())
    found.register()
    return found


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
    aks = Aks(World(clock=Clock(0)), FakeVirtual("no etcd"))
    aks.register()
    with pytest.raises(ArmError, match="no etcd"):
        made(aks)
    assert aks.world.read(CLUSTER, CLUSTER_ID).state == "Failed"
    assert aks.all() == []


def test_a_rehearsal_has_one_cluster(aks):
    made(aks)
    with pytest.raises(ArmError, match="one cluster, and aks-a is it"):
        aks.world.create(CLUSTER, CLUSTER_ID + "2", INPUTS)


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
    fixed = {**GPU, "enableAutoScaling": False, "count": 2}
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
    changed = aks.world.update(CLUSTER, CLUSTER_ID, {**INPUTS, "agentPoolProfiles": [{**SYSTEM, "minCount": 3, "maxCount": 4}]})
    assert changed.outputs["agentPoolProfiles"][0]["count"] == 3
    assert len(nodes(aks, "system")) == 3


def test_nothing_is_left_of_a_cluster_that_was_deleted_and_another_can_come(aks):
    made(aks)
    aks.world.delete(CLUSTER, CLUSTER_ID)
    assert not aks.virtual.runs
    assert aks.all() == []
    made(aks)
    assert len(nodes(aks, "system")) == 2


def test_after_a_restart_the_pools_have_their_nodes_again(aks):
    made(aks)
    again = Aks(aks.world, FakeVirtual())
    again.resume()
    assert again.state == "running"
    assert len(nodes(again, "system")) == 2


def test_the_administrators_kubeconfig_opens_the_virtual_cluster(aks):
    made(aks)
    config = yaml.safe_load(aks.admin_kubeconfig(CLUSTER_ID))
    assert config["current-context"] == "aks-a-admin"
    assert config["users"] == [{"name": "clusterAdmin_rg-a_aks-a", "user": {"token": "token-of-the-administrator"}}]


def test_without_local_accounts_there_is_no_administrators_kubeconfig(aks):
    made(aks, disableLocalAccounts=True)
    with pytest.raises(ArmError, match="disable local accounts"):
        aks.admin_kubeconfig(CLUSTER_ID)


def test_a_users_kubeconfig_gets_its_token_from_kubelogin(aks):
    made(aks)
    text = aks.user_kubeconfig(CLUSTER_ID)
    assert "token-of-the-administrator" not in text
    user = yaml.safe_load(text)["users"][0]["user"]["exec"]
    assert user["command"] == "kubelogin"
    assert user["args"][user["args"].index("--tenant-id") + 1] == "t"


def test_without_entra_a_users_kubeconfig_holds_a_token(aks):
    made(aks, aadProfile=None)
    assert yaml.safe_load(aks.user_kubeconfig(CLUSTER_ID))["users"][0]["user"] == {"token": "token-of-the-administrator"}


@pytest.mark.parametrize(
    ("scope", "role", "let_in"),
    [
        (CLUSTER_ID, ADMIN_ROLE, True),
        ("/subscriptions/0000/resourceGroups/RG-A", ADMIN_ROLE, True),
        ("/subscriptions/0000/resourceGroups/rg", ADMIN_ROLE, False),
        (CLUSTER_ID, "/subscriptions/0/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7", False),
    ],
)
@pytest.mark.parametrize("first", ["cluster", "assignment"])
def test_a_role_on_the_cluster_or_above_it_lets_in(aks, scope, role, let_in, first):
    said = {"scope": scope, "roleDefinitionId": role, "principalId": "somebody", "principalType": "User"}
    assign = lambda: aks.world.create(ASSIGNMENT, f"{scope}/providers/{ASSIGNMENT}/1", said)  # noqa: E731
    steps = [lambda: made(aks), assign]
    for step in steps if first == "cluster" else reversed(steps):
        step()
    subjects = [binding["subjects"][0]["name"] for binding in aks.virtual.memory.all("clusterrolebindings")]
    assert subjects == (["somebody"] if let_in else [])
    aks.world.delete(ASSIGNMENT, f"{scope}/providers/{ASSIGNMENT}/1")
    assert aks.virtual.memory.all("clusterrolebindings") == []
