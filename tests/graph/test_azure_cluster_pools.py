"""Pools of nodes as AKS is told of them: marks, the GPU driver's owner, spot nodes, and how many nodes an update asks for."""

import pytest

from tests.graph.azure_cluster import EVERYTHING, MINE, WINDOW, azure, graph, run

__all__ = ["graph", "run"]  # the fixtures

RELEASE = "kubernetes:helm.sh/v3:Release"
SPOT_TAINT = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"
SPOT = {"key": "kubernetes.azure.com/scalesetpriority", "operator": "Equal", "value": "spot", "effect": "NoSchedule"}


def test_gpu_nodes_are_marked_from_the_start_and_may_be_none(run):
    pool = run().inputs["pool-gpu"]
    assert pool["nodeTaints"] == ["nvidia.com/gpu=present:NoSchedule"]
    assert pool["nodeLabels"] == {"nvidia.com/gpu.present": "true"}
    assert (pool["count"], pool["minCount"], pool["maxCount"], pool["enableAutoScaling"]) == (0, 0, 1, True)
    assert pool["scaleSetPriority"] == "Regular"
    assert not {"scaleSetEvictionPolicy", "spotMaxPrice"} & pool.keys()


@pytest.mark.parametrize(("owner", "driver"), [("operator", "None"), ("azure", "Install")])
def test_the_gpu_driver_has_one_owner(run, owner, driver):
    graph = run(platform={"gpuOperator": {"driver": owner}})
    assert graph.inputs["pool-gpu"]["gpuProfile"] == {"driver": driver}
    assert graph.inputs["gpu-operator-release"]["values"]["driver"]["enabled"] == (owner == "operator")


def test_spot_nodes_declare_what_aks_would_add_by_itself(run):
    pool = run(gpuPools=[{"spot": True, "size": "Standard_NC24ads_A100_v4", "zones": ["1", "2"]}]).inputs["pool-gpu"]
    assert (pool["scaleSetPriority"], pool["scaleSetEvictionPolicy"], pool["spotMaxPrice"]) == ("Spot", "Delete", -1)
    assert "kubernetes.azure.com/scalesetpriority=spot:NoSchedule" in pool["nodeTaints"]
    assert pool["nodeLabels"]["kubernetes.azure.com/scalesetpriority"] == "spot"
    assert pool["availabilityZones"] == ["1", "2"]
    assert "upgradeSettings" not in pool


def tolerated(graph):
    """Who tolerates spot nodes: OSMO's platforms, the GPU operator's pods by part, and the pod that makes a pool grow."""

    def spot(pod):
        return SPOT in pod.get("tolerations", [])

    (osmo,) = [each for each in map(graph.inputs.get, graph.of_type(RELEASE)) if each["name"] == "osmo-minimal"]
    configs = osmo["values"]["services"]["configs"]
    templates = {name: spot(template["spec"]) for name, template in configs.get("podTemplates", {}).items()}
    platforms = configs.get("pools", {"default": {"platforms": {}}})["default"]["platforms"]
    found = {name for name, platform in platforms.items() if any(templates[each] for each in platform["override_pod_template"])}
    operator = graph.inputs.get("gpu-operator-release", {"values": {}})["values"]
    parts = {"daemonsets": operator.get("daemonsets", {}), "worker": operator.get("node-feature-discovery", {}).get("worker", {})}
    found |= {name for name, part in parts.items() if spot(part)}
    workflows = {each["name"]: each for each in graph.inputs["smoke-gate"]["workflows"]}
    assert "taints" not in workflows["verify-hello"]
    return found | ({"growth"} if workflows.get("verify-gpu", {}).get("taints") == [SPOT_TAINT] else set())


@pytest.mark.parametrize(
    ("pools", "who"),
    [
        ({}, set()),
        ({"preset": "team"}, set()),
        ({"gpuPools": [{"spot": True}]}, {"gpu", "daemonsets", "worker", "growth"}),
        ({"gpuPools": [{"name": "a"}, {"name": "b", "spot": True}]}, {"gpu", "daemonsets", "worker", "growth"}),
        ({"cpuPool": {"spot": True}}, {"default"}),
        ({"cpuPool": {"spot": True}, "gpuPools": []}, {"default"}),
        ({"cpuPool": {"spot": True}, "gpuPools": [{"spot": True}]}, {"default", "gpu", "daemonsets", "worker", "growth"}),
    ],
)
def test_whatever_a_spot_pool_is_for_tolerates_its_nodes_and_nothing_else_does(run, pools, who):
    assert tolerated(run(**pools)) == who


def state_of(graph, **changes):
    """What the state holds of pools once they were made: the cluster's list has all of them, as after a refresh."""
    own = {name: graph.inputs[name] for name, type_ in azure(graph).items() if type_ == "containerservice:AgentPool"}
    pools = {inputs["agentPoolName"]: {**inputs, "name": inputs["agentPoolName"]} for inputs in own.values()}
    (system,) = graph.inputs["aks"]["agentPoolProfiles"]
    known = {name: {**pool, **changes.get(name, {})} for name, pool in {**pools, "system": system}.items()}
    listed = [known[name] for name in sorted(known)]
    found = {"aks": {"type": "azure-native:containerservice:ManagedCluster", "outputs": {"agentPoolProfiles": listed}}}
    return found | {name: {"type": "azure-native:containerservice:AgentPool", "outputs": known[name]} for name in pools}


@pytest.fixture
def again(run, run_program):
    """A later update: `before` is what the state says of pools that differs from what they were made with."""

    def updated(before=None, **cluster):
        state = state_of(run(**({"preset": cluster["preset"]} if "preset" in cluster else {})), **(before or {}))
        sections = {"kind": "azure", "allowedRanges": [MINE], "acceptUnvalidated": True, **cluster}
        return run_program(cluster=sections, state=state)

    return updated


def ignored(graph, name):
    return list(graph.requests[name].ignoreChanges)


def said(graph, name):
    """How many nodes an update asks for, and between which bounds."""
    pool = graph.inputs["aks"]["agentPoolProfiles"][0] if name == "aks" else graph.inputs[name]
    return pool["count"], pool["minCount"], pool["maxCount"]


def test_the_autoscaler_decides_how_many_nodes_there_are(again):
    graph = again({"gpu": {"count": 3.0}, "cpu": {"count": 1.0}, "system": {"count": 3.0}}, preset="team")
    assert ignored(graph, "aks") == ["agentPoolProfiles"]
    assert ignored(graph, "pool-gpu") == ignored(graph, "pool-cpu") == ["count"]


def test_a_new_pool_has_its_minimum(graph):
    assert not ignored(graph, "aks")
    assert not ignored(graph, "pool-gpu")
    assert said(graph, "pool-gpu")[0] == 0
    assert said(graph, "aks")[0] == said(graph, "aks")[1]
    assert graph.requests["pool-gpu"].deleteBeforeReplace


@pytest.mark.parametrize(
    ("had", "settings", "asked"),
    [
        (0, {"min": 2, "max": 4}, (2, 2, 4)),
        (3, {"min": 2, "max": 4}, (3, 2, 4)),
        (4, {"max": 2}, (2, 0, 2)),
        (3, {"max": 5}, (3, 0, 5)),
        (3, {"max": 4, "osDiskGib": 512}, (3, 0, 4)),
    ],
)
def test_a_pool_that_changes_is_asked_for_the_nodes_that_it_has_within_its_bounds(again, had, settings, asked):
    graph = again({"gpu": {"count": had, "maxCount": 4}}, gpuPools=[settings])
    assert said(graph, "pool-gpu") == asked
    assert not ignored(graph, "pool-gpu")
    assert not ignored(graph, "aks")


def test_a_system_pool_that_changes_is_asked_for_the_nodes_that_it_has(again):
    graph = again({"system": {"count": 1.0}}, systemPool={"min": 2, "max": 4})
    assert said(graph, "aks") == (2, 2, 4)
    assert not ignored(graph, "aks")
    assert ignored(graph, "pool-gpu") == ["count"]


@pytest.mark.parametrize(
    ("before", "cluster"),
    [
        ({"gpu": {"provisioningState": "Failed"}}, {}),
        ({"gpu": {"nodeTaints": []}}, {}),
        ({"gpu": {"gpuProfile": {"driver": "Install"}}}, {}),
        ({"gpu": {"scaleSetPriority": "Spot"}}, {}),
        ({"gpu": {"orchestratorVersion": "1.34"}}, {}),
        ({}, {"gpuPools": []}),
        ({}, {"gpuPools": [{}, {"name": "more"}]}),
        ({}, {"unlock": ["cluster"]}),
    ],
)
def test_the_list_of_pools_is_said_anew_when_one_of_them_changes_comes_or_goes(again, before, cluster):
    assert not ignored(again(before, **cluster), "aks")


def test_patches_and_versions_that_aks_chooses_change_no_pool(again):
    assert ignored(again({"gpu": {"orchestratorVersion": "1.35.3"}}), "aks") == ["agentPoolProfiles"]
    graph = again({"system": {"orchestratorVersion": "1.36"}}, upgrades={**EVERYTHING, **WINDOW}, systemPool={"max": 6})
    assert graph.inputs["aks"]["agentPoolProfiles"][0]["orchestratorVersion"] == "1.36"


def test_the_system_pool_keeps_nothing_off_since_osmo_runs_on_it(graph):
    (pool,) = graph.inputs["aks"]["agentPoolProfiles"]
    assert (pool["name"], pool["mode"]) == ("system", "System")
    assert not {"nodeTaints", "gpuProfile"} & pool.keys()
    assert pool["osDiskType"] == "Managed"


def test_every_pool_follows_the_clusters_version(run):
    inputs = run(preset="team", kubernetes="1.34").inputs
    versions = {
        inputs["aks"]["kubernetesVersion"],
        inputs["aks"]["agentPoolProfiles"][0]["orchestratorVersion"],
        inputs["pool-cpu"]["orchestratorVersion"],
        inputs["pool-gpu"]["orchestratorVersion"],
    }
    assert versions == {"1.34"}
