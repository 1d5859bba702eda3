"""AKS: the cluster with its first pool, when it is maintained, and the way in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import pulumi
from pulumi_azure_native.containerservice import (
    ContainerServiceNetworkProfileArgs,
    MaintenanceConfiguration,
    MaintenanceWindowArgs,
    ManagedCluster,
    ManagedClusterAADProfileArgs,
    ManagedClusterAPIServerAccessProfileArgs,
    ManagedClusterAutoUpgradeProfileArgs,
    ManagedClusterIdentityArgs,
    ManagedClusterOIDCIssuerProfileArgs,
    ManagedClusterSecurityProfileArgs,
    ManagedClusterSecurityProfileWorkloadIdentityArgs,
    ManagedClusterSKUArgs,
    ManagedClusterStorageProfileArgs,
    ManagedClusterStorageProfileDiskCSIDriverArgs,
    ManagedClusterStorageProfileFileCSIDriverArgs,
    ManagedClusterStorageProfileSnapshotControllerArgs,
    ResourceIdentityType,
    ScheduleArgs,
    WeeklyScheduleArgs,
    list_managed_cluster_admin_credentials_output,
    list_managed_cluster_user_credentials_output,
)
from pulumi_azure_native.containerservice.outputs import CredentialResultResponse
from pulumi_azure_native.managedidentity import UserAssignedIdentity

from components.cluster.azure.base import NetworkHandle, Place, with_cluster
from components.cluster.azure.identity import client
from components.cluster.azure.observability import Watching
from components.cluster.azure.pools import NodePool, inline
from components.cluster.base import ConnectionOutput
from sdg.azure.kubeconfig import Login, with_certificate, with_login
from sdg.gates.access import AccessRecord
from sdg.gates.resource import GateVerdict, gate
from sdg.settings import azure as settings_of
from sdg.settings.azure_versions import SELF_UPGRADING

# an empty list would let everybody in; AKS takes this one for nobody but the cluster itself
NOBODY: Final = ("0.0.0.0/32",)
# names that AKS looks for
KUBERNETES_WINDOW: Final = "aksManagedAutoUpgradeSchedule"
NODE_OS_WINDOW: Final = "aksManagedNodeOSUpgradeSchedule"
# seconds: usually one or two minutes, up to five by the documentation, and a quarter of an hour has been seen
PROPAGATION: Final = 900.0
CLUSTER_ADMIN: Final = "Azure Kubernetes Service RBAC Cluster Admin"
_NO_ROLE: Final = (
    "Whoever made the stack has the role that this takes, and groups in sdg:cluster.apiServer.adminGroups do; a new one holds after some "
    "minutes. Join such a group, or have an owner give it: "
)


def managed_cluster(
    network: NetworkHandle,
    settings: settings_of.Azure,
    *,
    pool: NodePool,
    pools_stay: bool,
    identity: UserAssignedIdentity,
    tenant: pulumi.Input[str],
    watching: Watching,
    after: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> ManagedCluster:
    """Makes the cluster.

    Args:
        pool: the pool that it is made with.
        pools_stay: whether an update leaves every pool of it alone, this one or another.
        identity: that it works as.
        tenant: whose people log in.
        after: what must exist before: the roles of its identity.
        opts: what else holds for it.
    """
    names, self_upgrading = network.names, settings.upgrades.channel in SELF_UPGRADING
    # AKS lists every pool here, so a refresh takes the others in, by name. While all of them are as they were, so is the list; when one
    # changes, the list is said anew, or a later change of the cluster would bring back what was, or name what is gone
    drifting = ["agentPoolProfiles"] if pools_stay else []
    if self_upgrading:
        drifting += ["kubernetesVersion"]
    return ManagedCluster(
        "aks",
        resource_name_=names.cluster,
        resource_group_name=network.resource_group_name,
        location=network.location,
        node_resource_group=names.node_resource_group,
        dns_prefix=names.dns_prefix,
        kubernetes_version=settings.kubernetes,
        sku=ManagedClusterSKUArgs(name="Base", tier=settings.tier),
        support_plan="AKSLongTermSupport" if settings.lts else "KubernetesOfficial",
        identity=ManagedClusterIdentityArgs(type=ResourceIdentityType.USER_ASSIGNED, user_assigned_identities=[identity.id]),
        api_server_access_profile=_access(settings, network.nat_ip),
        enable_rbac=True,
        aad_profile=ManagedClusterAADProfileArgs(
            managed=True,
            enable_azure_rbac=True,
            # also when there is none: to ARM, what is left out stays
            admin_group_object_ids=list(settings.api_server.admin_groups),
            tenant_id=tenant,
        ),
        disable_local_accounts=not settings.api_server.local_accounts,
        oidc_issuer_profile=ManagedClusterOIDCIssuerProfileArgs(enabled=True),
        security_profile=ManagedClusterSecurityProfileArgs(
            workload_identity=ManagedClusterSecurityProfileWorkloadIdentityArgs(enabled=True)
        ),
        network_profile=_addresses(network),
        storage_profile=ManagedClusterStorageProfileArgs(
            disk_csi_driver=ManagedClusterStorageProfileDiskCSIDriverArgs(enabled=True),
            file_csi_driver=ManagedClusterStorageProfileFileCSIDriverArgs(enabled=True),
            snapshot_controller=ManagedClusterStorageProfileSnapshotControllerArgs(enabled=True),
        ),
        auto_upgrade_profile=ManagedClusterAutoUpgradeProfileArgs(
            upgrade_channel=settings.upgrades.channel, node_os_upgrade_channel=settings.upgrades.node_os
        ),
        addon_profiles=watching.addons,
        azure_monitor_profile=watching.metrics,
        agent_pool_profiles=[inline(pool, settings)],
        opts=network.options(*after, more=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=drifting))),
    )


def _access(settings: settings_of.Azure, nat_ip: pulumi.Output[str] | None) -> ManagedClusterAPIServerAccessProfileArgs:
    if settings.api_server.access == "private":
        return ManagedClusterAPIServerAccessProfileArgs(
            enable_private_cluster=True, enable_private_cluster_public_fqdn=False, private_dns_zone="system"
        )
    asked = [each if "/" in each else f"{each}/32" for each in settings.allowed_ranges]
    # pods and nodes go the same way as everybody else; with its own load balancer AKS lets them in by itself
    ranges = nat_ip.apply(lambda own: _once([*asked, f"{own}/32"])) if nat_ip else _once(asked or NOBODY)
    return ManagedClusterAPIServerAccessProfileArgs(enable_private_cluster=False, authorized_ip_ranges=ranges)


def _once(ranges: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(ranges))


def _addresses(network: NetworkHandle) -> ContainerServiceNetworkProfileArgs:
    layout = network.layout
    return ContainerServiceNetworkProfileArgs(
        network_plugin="azure",
        network_plugin_mode="overlay",
        network_dataplane="cilium",
        network_policy="cilium",
        pod_cidr=str(layout.pods),
        service_cidr=str(layout.services),
        dns_service_ip=str(layout.dns),
        load_balancer_sku="standard",
        outbound_type="userAssignedNATGateway" if network.nat_ip else "loadBalancer",
    )


def maintenance(place: Place, upgrades: settings_of.Upgrades, cluster: ManagedCluster) -> list[MaintenanceConfiguration]:
    """When AKS may change what it changes by itself; without a window it chooses the time."""
    wanted = {
        KUBERNETES_WINDOW: upgrades.channel != "none",
        NODE_OS_WINDOW: upgrades.node_os in ("SecurityPatch", "NodeImage"),
    }
    window = MaintenanceWindowArgs(
        duration_hours=upgrades.hours,
        schedule=ScheduleArgs(weekly=WeeklyScheduleArgs(day_of_week=upgrades.day, interval_weeks=1)),
        start_time=f"{upgrades.start_hour:02}:00",
        utc_offset="+00:00",
    )
    return [
        MaintenanceConfiguration(
            f"maintenance-{'kubernetes' if name == KUBERNETES_WINDOW else 'node-os'}",
            config_name=name,
            resource_name_=place.names.cluster,
            resource_group_name=place.resource_group_name,
            maintenance_window=window,
            opts=place.options(cluster, more=with_cluster(cluster)),
        )
        for name, on in wanted.items()
        if on
    ]


def administrator(place: Place, cluster: ManagedCluster) -> ConnectionOutput:
    """The way in with the administrator's certificate, secret."""
    found = list_managed_cluster_admin_credentials_output(
        resource_group_name=place.resource_group_name,
        # the cluster's own output: nothing is asked of one that doesn't exist yet, as in a first preview
        resource_name=cluster.name,
        opts=place.asking(),
    )
    return _connection(found.kubeconfigs, place, lambda encoded: with_certificate(encoded, place.names.cluster))


def user(place: Place, cluster: ManagedCluster, role: pulumi.CustomResource, login: Login) -> ConnectionOutput:
    """The way in as whoever runs the update, secret. Whatever uses it comes after the cluster has let them in.

    Args:
        role: what lets whoever makes the stack in.
    """
    found = list_managed_cluster_user_credentials_output(
        resource_group_name=place.resource_group_name,
        resource_name=pulumi.Output.all(cluster.name, role.id).apply(lambda both: str(both[0])),
        format="exec",
        opts=place.asking(),
    )
    connection = _connection(found.kubeconfigs, place, lambda encoded: with_login(encoded, place.names.cluster, login))
    let_in = _let_in(place, cluster, connection, role)
    # its URN is known in every preview, unlike what it answers
    return pulumi.Output.secret(pulumi.Output.all(connection, let_in.urn).apply(lambda both: both[0]))


def _let_in(place: Place, cluster: ManagedCluster, connection: ConnectionOutput, role: pulumi.CustomResource) -> GateVerdict:
    """Waits until a role holds in the cluster, which is minutes after it was given."""
    principal = client(place).apply(lambda found: found.object_id)
    command = pulumi.Output.all(principal, cluster.id).apply(
        lambda both: f'az role assignment create --role "{CLUSTER_ADMIN}" --assignee-object-id {both[0]} --scope {both[1]}'
    )
    asked = {
        "connection": connection,
        "who": pulumi.Output.concat("principal ", principal),
        "remedy": pulumi.Output.concat(_NO_ROLE, command, "."),
        # another one has to arrive anew
        "role": role.id,
        "deadline": PROPAGATION,
    }
    return gate("aks-access", AccessRecord(), asked, pulumi.ResourceOptions(parent=place.parent)).verdict


def _connection(found: pulumi.Output[Sequence[CredentialResultResponse]], place: Place, read: Callable[[str], str]) -> ConnectionOutput:
    def named(given: Sequence[CredentialResultResponse]) -> dict[str, str | None]:
        return {"kubeconfig": read(given[0].value), "context": place.names.cluster}

    return pulumi.Output.secret(found.apply(named))
