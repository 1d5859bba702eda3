"""File shares over NFS for the models of NIMs: an account that the stack makes and owns, in which the cluster's driver makes the shares.

The driver would make an account of its own, which the stack would not know and destroy would find in its resource group, and change
every subnet of the network on the way. It does neither where its class names an account and says that a private endpoint leads to it.
"""

from __future__ import annotations

from typing import Final

import pulumi
from pulumi_azure_native.managedidentity import UserAssignedIdentity
from pulumi_azure_native.storage import DefaultAction, Kind, NetworkRuleSetArgs, SkuArgs, SkuName, StorageAccount

from components.cluster.azure.base import NetworkHandle
from components.cluster.azure.identity import granted
from components.cluster.azure.private_endpoint import private_endpoint
from components.cluster.azure.stored import SHARES
from components.cluster.base import ManagedShares

STORAGE_CLASS: Final = "azurefile-nfs-premium"
DRIVER: Final = "file.csi.azure.com"
# the driver itself sets the version of NFS
MOUNT_OPTIONS: Final = ("nconnect=4", "actimeo=30", "rsize=1048576", "wsize=1048576")


def nfs_shares(network: NetworkHandle, cluster_identity: UserAssignedIdentity) -> ManagedShares:
    """Makes the account, which the network alone reaches.

    NFS is not encrypted on its way and knows no keys: who is in the network reads and writes the shares. They hold models that can be
    downloaded again, and nothing else.

    Args:
        cluster_identity: that AKS works as: its driver makes shares in this account, and may do nothing to others.
    """
    account = StorageAccount(
        SHARES,
        account_name=network.names.nfs_account,
        resource_group_name=network.resource_group_name,
        location=network.location,
        kind=Kind.FILE_STORAGE,
        sku=SkuArgs(name=SkuName.PREMIUM_LRS),
        enable_https_traffic_only=False,  # NFS is not HTTPS: with this on, no mount succeeds
        minimum_tls_version="TLS1_2",
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        allow_shared_key_access=False,
        public_network_access="Disabled",
        network_rule_set=NetworkRuleSetArgs(default_action=DefaultAction.DENY, bypass="None", ip_rules=[], virtual_network_rules=[]),
        opts=network.options(more=pulumi.ResourceOptions(delete_before_replace=True)),
    )
    endpoint = private_endpoint("nfs", account, network.names.file_zone, network)
    role = granted(
        network,
        "aks-nfs",
        "Storage Account Contributor",
        scope=account.id,
        principal=cluster_identity.principal_id,
        whose=cluster_identity,
    )
    return ManagedShares(
        storage_class=STORAGE_CLASS,
        provisioner=DRIVER,
        parameters={
            "protocol": "nfs",
            "resourceGroup": network.resource_group_name,
            "storageAccount": network.names.nfs_account,
            "networkEndpointType": "privateEndpoint",
        },
        mount_options=MOUNT_OPTIONS,
        resources=(endpoint, role),
    )
