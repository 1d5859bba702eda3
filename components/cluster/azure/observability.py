"""What watches over the cluster: logs in Log Analytics, metrics in Azure's managed Prometheus, and a Grafana that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi

# packages: they are loaded where they are used, and most stacks use none of them
from pulumi_azure_native import dashboard, monitor, operationalinsights
from pulumi_azure_native.containerservice import (
    ManagedCluster,
    ManagedClusterAddonProfileArgs,
    ManagedClusterAzureMonitorProfileArgs,
    ManagedClusterAzureMonitorProfileMetricsArgs,
)

from components.cluster.azure.base import Place, told, with_cluster
from components.cluster.azure.identity import PrincipalType, granted, granted_to_deployer
from sdg.settings import azure as settings_of

CONTAINER_INSIGHTS: Final = "Microsoft-ContainerInsights-Group-Default"
PROMETHEUS: Final = "Microsoft-PrometheusMetrics"
# names that Azure's agents on the nodes look for
LOGS_ASSOCIATION: Final = "ContainerInsightsExtension"
METRICS_ASSOCIATION: Final = "ContainerInsightsMetricsExtension"
# who did what through the API server, without the reads, which are most of it and cost by the gigabyte
AUDIT: Final = "kube-audit-admin"
_LOGS: Final = {"dataCollectionSettings": {"interval": "1m", "namespaceFilteringMode": "Off", "enableContainerLogV2": True}}


@dataclass(frozen=True, slots=True)
class Watching:
    """What the cluster has to be made with. What is off is said too: to ARM, what is left out stays as it was.

    Attributes:
        workspace: where logs go; None without logs.
        addons: add-ons of AKS.
        metrics: AKS' own setting.
    """

    workspace: operationalinsights.Workspace | None
    addons: Mapping[str, ManagedClusterAddonProfileArgs]
    metrics: ManagedClusterAzureMonitorProfileArgs


def watching(place: Place, settings: settings_of.Observability) -> Watching:
    """Makes what must be there before the cluster."""
    workspace = _log_workspace(place, settings.log_days) if settings.logs else None
    config: dict[str, pulumi.Input[str]] | None = None
    if workspace:
        config = {"logAnalyticsWorkspaceResourceID": workspace.id, "useAADAuth": "true"}
    addons = {"omsagent": ManagedClusterAddonProfileArgs(enabled=settings.logs, config=config)}
    metrics = ManagedClusterAzureMonitorProfileMetricsArgs(enabled=settings.metrics)
    return Watching(workspace, addons, ManagedClusterAzureMonitorProfileArgs(metrics=metrics))


def watch(
    place: Place,
    settings: settings_of.Azure,
    cluster: ManagedCluster,
    prepared: Watching,
    principal_type: PrincipalType,
) -> None:
    """Makes what reads the cluster, and who may look at it.

    Args:
        principal_type: of whoever runs the update.
    """
    if prepared.workspace:
        _collect_logs(place, cluster, prepared.workspace)
    account = _collect_metrics(place, cluster) if settings.observability.metrics else None
    if settings.observability.grafana:
        _grafana(place, settings, account, principal_type)


def _log_workspace(place: Place, days: int) -> operationalinsights.Workspace:
    return operationalinsights.Workspace(
        "log-workspace",
        workspace_name=place.names.log_workspace,
        resource_group_name=place.resource_group_name,
        location=place.location,
        sku=operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
        retention_in_days=days,
        opts=place.options(),
    )


def _collect_logs(place: Place, cluster: ManagedCluster, workspace: operationalinsights.Workspace) -> None:
    rule = monitor.DataCollectionRule(
        "log-rule",
        data_collection_rule_name=place.names.log_rule,
        resource_group_name=place.resource_group_name,
        location=place.location,
        kind="Linux",
        data_sources=monitor.DataCollectionRuleDataSourcesArgs(
            extensions=[
                monitor.ExtensionDataSourceArgs(
                    name=LOGS_ASSOCIATION, extension_name="ContainerInsights", streams=[CONTAINER_INSIGHTS], extension_settings=_LOGS
                )
            ]
        ),
        destinations=monitor.DataCollectionRuleDestinationsArgs(
            log_analytics=[monitor.LogAnalyticsDestinationArgs(name="workspace", workspace_resource_id=workspace.id)]
        ),
        data_flows=[monitor.DataFlowArgs(streams=[CONTAINER_INSIGHTS], destinations=["workspace"])],
        opts=place.options(),
    )
    monitor.DataCollectionRuleAssociation(
        "log-association",
        association_name=LOGS_ASSOCIATION,
        resource_uri=cluster.id,
        data_collection_rule_id=rule.id,
        opts=place.options(more=with_cluster(cluster)),
    )
    monitor.DiagnosticSetting(
        "audit-log",
        name="audit",
        resource_uri=cluster.id,
        workspace_id=workspace.id,
        logs=[monitor.DiagnosticsLogSettingsArgs(category=AUDIT, enabled=True)],
        # Azure keeps the setting when the cluster goes, and a cluster of that name would have it again
        opts=place.options(more=pulumi.ResourceOptions(replace_with=[cluster], delete_before_replace=True)),
    )


def _collect_metrics(place: Place, cluster: ManagedCluster) -> pulumi.Output[str]:
    """Id of the workspace that the metrics go to."""
    names, group = place.names, place.resource_group_name
    account = monitor.AzureMonitorWorkspace(
        "monitor-workspace",
        azure_monitor_workspace_name=names.monitor_workspace,
        resource_group_name=group,
        location=place.location,
        opts=place.options(),
    )
    endpoint = monitor.DataCollectionEndpoint(
        "metrics-endpoint",
        data_collection_endpoint_name=names.metrics_endpoint,
        resource_group_name=group,
        location=place.location,
        kind="Linux",
        network_acls=monitor.DataCollectionEndpointNetworkAclsArgs(public_network_access="Enabled"),
        opts=place.options(),
    )
    rule = monitor.DataCollectionRule(
        "metrics-rule",
        data_collection_rule_name=names.metrics_rule,
        resource_group_name=group,
        location=place.location,
        kind="Linux",
        data_collection_endpoint_id=endpoint.id,
        data_sources=monitor.DataCollectionRuleDataSourcesArgs(
            prometheus_forwarder=[monitor.PrometheusForwarderDataSourceArgs(name="prometheus", streams=[PROMETHEUS])]
        ),
        destinations=monitor.DataCollectionRuleDestinationsArgs(
            monitoring_accounts=[monitor.MonitoringAccountDestinationArgs(name="workspace", account_resource_id=account.id)]
        ),
        data_flows=[monitor.DataFlowArgs(streams=[PROMETHEUS], destinations=["workspace"])],
        opts=place.options(),
    )
    monitor.DataCollectionRuleAssociation(
        "metrics-association",
        association_name=METRICS_ASSOCIATION,
        resource_uri=cluster.id,
        data_collection_rule_id=rule.id,
        opts=place.options(more=with_cluster(cluster)),
    )
    return account.id


def _grafana(place: Place, settings: settings_of.Azure, account: pulumi.Output[str] | None, principal_type: PrincipalType) -> None:
    shown = (
        dashboard.GrafanaIntegrationsArgs(
            azure_monitor_workspace_integrations=[
                dashboard.AzureMonitorWorkspaceIntegrationArgs(azure_monitor_workspace_resource_id=account)
            ]
        )
        if account
        else None
    )
    grafana = dashboard.Grafana(
        "grafana",
        workspace_name=place.names.grafana,
        resource_group_name=place.resource_group_name,
        location=place.location,
        sku=dashboard.ResourceSkuArgs(name="Standard"),
        identity=dashboard.ManagedServiceIdentityArgs(type="SystemAssigned"),
        properties=dashboard.ManagedGrafanaPropertiesArgs(grafana_integrations=shown, api_key="Disabled"),
        opts=place.options(),
    )
    if account:
        reads = grafana.identity.apply(lambda identity: told(identity.principal_id if identity else None, "grafana", "its identity"))
        granted(place, "grafana-metrics", "Monitoring Data Reader", scope=account, principal=reads, whose=grafana)
    # Azure lets nobody in without a role, not even the subscription's owner
    anew = pulumi.ResourceOptions(replace_with=[grafana])
    granted_to_deployer(place, "grafana-deployer", "Grafana Admin", scope=grafana.id, principal_type=principal_type, more=anew)
    for group in settings.api_server.admin_groups:
        granted(place, f"grafana-{group}", "Grafana Admin", scope=grafana.id, principal=group, principal_type="Group")
