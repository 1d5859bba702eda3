"""AKS in a network of its own, with PostgreSQL, Redis and Blob storage for OSMO, and what watches over them."""

from __future__ import annotations

from dataclasses import replace

import pulumi
from pulumi_azure_native.containerservice import ManagedCluster
from pulumi_azure_native.managedidentity import UserAssignedIdentity
from pulumi_azure_native.resources import ResourceGroup

from components.cluster.azure import aks, pools
from components.cluster.azure.base import NetworkHandle, Place
from components.cluster.azure.data import DataServices
from components.cluster.azure.data_lock import Lock, locks
from components.cluster.azure.identity import cluster_identity, cluster_roles, granted_to_deployer, osmo_identity, osmo_login, tenant
from components.cluster.azure.network import virtual_network
from components.cluster.azure.nfs import nfs_shares
from components.cluster.azure.observability import watch, watching
from components.cluster.azure.provider import azure_provider, tagged
from components.cluster.azure.stable_subscription import StableSubscription
from components.cluster.azure.stored import Stored
from components.cluster.base import ClusterBinding, ConnectionOutput, ManagedServices, bound_provider
from sdg.azure.account import Account
from sdg.azure.deployer import Deployer
from sdg.azure.made_of import Kind, UsedServices, made_of
from sdg.azure.names import Names
from sdg.catalog.gpu_driver import DriverOwner
from sdg.settings import azure as settings_of


class AzureCluster(pulumi.ComponentResource):
    """Everything in Azure. AKS and the data services don't wait for each other.

    Args:
        settings: what it is to be.
        account: where it is made.
        deployer: who runs the update.
        driver: who owns the GPU driver of nodes with GPUs.
        wanted: which data services OSMO uses, and whether NIMs keep models on file shares.
        before: what the state says of what holds data, and of node pools.
        retain: whether destroy leaves the data services, and what they lie in.

    Raises:
        pulumi.RunError: data would be lost; nothing has been done yet.
    """

    def __init__(
        self,
        name: str,
        settings: settings_of.Azure,
        account: Account,
        deployer: Deployer,
        *,
        driver: DriverOwner,
        wanted: UsedServices,
        before: Stored,
        retain: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        names = Names.of(settings, f"{pulumi.get_project()}/{pulumi.get_stack()}", account.subscription)
        locked = locks(made_of(settings, names, wanted), settings.unlock, before)
        facts = {"cluster": settings.kind, "identity": names.cluster, "gpus": settings.gpus, "driver": driver, "preset": settings.preset}
        super().__init__("sdg:cluster:Azure", name, facts, pulumi.ResourceOptions.merge(tagged(settings.tags), opts))
        self._name, self._settings, self._account, self._deployer = name, settings, account, deployer

        place = self._place(names, retain)
        network = virtual_network(place, settings.network, retain=retain)
        plans = [pools.system_pool(settings, network, before.pools), *pools.further_pools(settings, network, driver, before.pools)]
        stay = pools.all_stay(settings, plans, before.pools)
        identity = cluster_identity(network)
        cluster = self._cluster(network, plans[0], locked["cluster"], identity, pools_stay=stay)
        lock = locked["cluster"].closed(cluster, self)
        further = pools.made(network, settings, cluster, plans[1:])
        services = self._services(network, cluster, locked, wanted, retain=retain)
        if wanted.shares:
            services = replace(services, shares=nfs_shares(network, identity))
        connection = self._connection(place, cluster)
        inside = pulumi.ResourceOptions(parent=self, depends_on=[lock])
        self._binding = ClusterBinding(
            kind=settings.kind,
            identity=f"{names.cluster}-{names.suffix}",
            gpus=settings.gpus,
            dedicated_gpu_nodes=settings.dedicated_gpu_nodes,
            provider=bound_provider(f"{name}-kubernetes", names.cluster, connection, inside),
            connection=connection,
            deleted_with=cluster,
            revision=pools.revision(settings, plans),
            pools=tuple(each.plan for each in plans),
            nodes=tuple(further),
            services=services,
            azure=network,
        )
        self.register_outputs({"cluster": settings.kind, "resourceGroup": names.resource_group})

    @property
    def binding(self) -> ClusterBinding:
        return self._binding

    def _place(self, names: Names, retain: bool) -> Place:
        """The subscription and the resource group."""
        account = self._account
        kept = StableSubscription(f"{self._name}-subscription", account.subscription, account.source, pulumi.ResourceOptions(parent=self))
        provider = azure_provider(f"{self._name}-arm", account, pulumi.ResourceOptions(parent=self, depends_on=[kept]))
        group = ResourceGroup(
            "resource-group",
            resource_group_name=names.resource_group,
            location=self._settings.location,
            # it takes along whatever is in it
            opts=pulumi.ResourceOptions(parent=self, provider=provider, retain_on_delete=retain),
        )
        return Place(names=names, location=self._settings.location, group=group, parent=self, provider=provider)

    def _cluster(
        self, network: NetworkHandle, pool: pools.NodePool, lock: Lock, identity: UserAssignedIdentity, *, pools_stay: bool
    ) -> ManagedCluster:
        """AKS with its first pool, when it is maintained, and what watches over it."""
        settings = self._settings
        prepared = watching(network, settings.observability)
        cluster = aks.managed_cluster(
            network,
            settings,
            pool=pool,
            pools_stay=pools_stay,
            identity=identity,
            tenant=self._tenant(network),
            watching=prepared,
            after=cluster_roles(network, identity),
            opts=lock.held,
        )
        aks.maintenance(network, settings.upgrades, cluster)
        watch(network, settings, cluster, prepared, self._deployer.principal_type)
        return cluster

    def _services(
        self, network: NetworkHandle, cluster: ManagedCluster, locked: dict[Kind, Lock], wanted: UsedServices, *, retain: bool
    ) -> ManagedServices:
        """The data services, and the way of OSMO's pods to the storage."""
        by_identity = wanted.store and self._settings.storage.auth == "workload-identity"
        identity = osmo_identity(network) if by_identity else None
        made = DataServices(
            f"{self._name}-data",
            self._settings,
            network,
            locked=locked,
            identity=identity,
            tenant=self._tenant(network),
            wanted=wanted,
            retain=retain,
        ).services
        if identity is None or made.store is None:
            return made
        login = osmo_login(network, identity, cluster)
        return replace(made, store=replace(made.store, resources=(*made.store.resources, login)))

    def _connection(self, place: Place, cluster: ManagedCluster) -> ConnectionOutput:
        """The way in, and the role that it needs."""
        api_server, deployer = self._settings.api_server, self._deployer
        if api_server.local_accounts:
            return aks.administrator(place, cluster)
        role = granted_to_deployer(
            place,
            "aks-deployer",
            "AKS RBAC Cluster Admin",
            scope=cluster.id,
            principal_type=deployer.principal_type,
            # Azure keeps it when the cluster goes, and a cluster of that name would find it there
            more=pulumi.ResourceOptions(replace_with=[cluster]),
        )
        return aks.user(place, cluster, role, deployer.login)

    def _tenant(self, place: Place) -> pulumi.Input[str]:
        return self._account.tenant or tenant(place)
