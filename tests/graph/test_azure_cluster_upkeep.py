"""What AKS changes by itself and when, how long its version is supported, and what is watched."""

import pytest

from tests.graph.azure_cluster import EVERYTHING, PATCHES, WINDOW, graph, run

__all__ = ["graph", "run"]  # the fixtures


def test_aks_changes_nothing_by_itself_unless_it_is_asked_to(graph):
    assert graph.inputs["aks"]["autoUpgradeProfile"] == {"upgradeChannel": "none", "nodeOSUpgradeChannel": "None"}
    assert not [name for name in graph.types if name.startswith("maintenance-")]


@pytest.mark.parametrize(
    ("upgrades", "windows"),
    [
        (PATCHES, {"aksManagedAutoUpgradeSchedule"}),
        ({"nodeOs": "SecurityPatch"}, {"aksManagedNodeOSUpgradeSchedule"}),
        ({"nodeOs": "Unmanaged"}, set()),
        (EVERYTHING, {"aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"}),
    ],
)
def test_what_aks_changes_by_itself_has_its_window(run, upgrades, windows):
    graph = run(upgrades={**upgrades, **WINDOW})
    found = [graph.inputs[name] for name in graph.types if name.startswith("maintenance-")]
    assert {each["configName"] for each in found} == windows
    for each in found:
        assert each["maintenanceWindow"] == {
            "durationHours": 5,
            "schedule": {"weekly": {"dayOfWeek": "Friday", "intervalWeeks": 1}},
            "startTime": "03:00",
            "utcOffset": "+00:00",
        }


@pytest.mark.parametrize(("upgrades", "moves"), [(PATCHES, False), (EVERYTHING, True)])
def test_a_version_that_aks_moves_on_is_not_moved_back(run, upgrades, moves):
    graph = run(upgrades={**upgrades, **WINDOW})
    assert ("kubernetesVersion" in graph.requests["aks"].ignoreChanges) == moves
    assert ("orchestratorVersion" in graph.requests["pool-gpu"].ignoreChanges) == moves


def test_long_term_support_is_a_plan_of_its_own(run):
    inputs = run(lts=True, tier="Premium").inputs["aks"]
    assert (inputs["supportPlan"], inputs["sku"]) == ("AKSLongTermSupport", {"name": "Base", "tier": "Premium"})
    assert run().inputs["aks"]["supportPlan"] == "KubernetesOfficial"


def test_logs_and_metrics_are_collected_where_they_were_asked_for(run):
    graph = run(preset="production")
    watched = graph.inputs["aks"]
    config = {"logAnalyticsWorkspaceResourceID": "log-workspace-id", "useAADAuth": "true"}
    assert watched["addonProfiles"] == {"omsagent": {"enabled": True, "config": config}}
    assert watched["azureMonitorProfile"] == {"metrics": {"enabled": True}}
    assert graph.inputs["audit-log"]["logs"] == [{"category": "kube-audit-admin", "enabled": True}]
    associations = {graph.inputs[name]["associationName"] for name in ("log-association", "metrics-association")}
    assert associations == {"ContainerInsightsExtension", "ContainerInsightsMetricsExtension"}


def test_what_is_off_is_said_since_azure_keeps_what_is_left_out(run):
    inputs = run().inputs["aks"]
    assert inputs["addonProfiles"] == {"omsagent": {"enabled": False}}
    assert inputs["azureMonitorProfile"] == {"metrics": {"enabled": False}}
    assert inputs["aadProfile"]["adminGroupObjectIDs"] == []
