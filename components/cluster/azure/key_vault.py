"""A key vault with copies of the passwords that were generated, for people. Nothing in the program reads them there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
from pulumi_azure_native.keyvault import (
    IPRuleArgs,
    NetworkRuleSetArgs,
    Secret,
    SecretPropertiesArgs,
    SkuArgs,
    SkuFamily,
    SkuName,
    Vault,
    VaultPropertiesArgs,
)

from components.cluster.azure.base import NetworkHandle
from components.cluster.azure.data_lock import Lock
from components.cluster.azure.private_endpoint import private_endpoint
from sdg.azure.firewall import addresses
from sdg.settings.azure import KeyVault

RESTORABLE_DAYS: Final = 90  # for which a deleted vault, and its name, stay


def key_vault(
    settings: KeyVault,
    network: NetworkHandle,
    lock: Lock,
    contents: Mapping[str, pulumi.Output[str]],
    *,
    tenant: pulumi.Input[str],
    ranges: Sequence[str],
    retain: bool,
) -> None:
    """Makes the vault. Who may read in it is Entra's business: roles, and no policies of its own.

    Args:
        contents: secrets, by name.
        tenant: whose people log in.
        ranges: public addresses that reach it, beside the network.
        retain: whether destroy leaves the vault and what is in it.
    """
    kept, allowed = pulumi.ResourceOptions(retain_on_delete=retain), addresses(ranges)
    vault = Vault(
        "key-vault",
        vault_name=network.names.key_vault,
        resource_group_name=network.resource_group_name,
        location=network.location,
        properties=VaultPropertiesArgs(
            tenant_id=tenant,
            sku=SkuArgs(family=SkuFamily.A, name=SkuName.STANDARD),
            enable_rbac_authorization=True,
            enable_soft_delete=True,
            soft_delete_retention_in_days=RESTORABLE_DAYS,
            # ARM refuses to be told that there is none
            enable_purge_protection=True if settings.purge_protection else None,
            public_network_access="Enabled" if allowed else "Disabled",
            network_acls=NetworkRuleSetArgs(
                default_action="Deny", bypass="None", ip_rules=[IPRuleArgs(value=each) for each in allowed], virtual_network_rules=[]
            ),
        ),
        opts=network.options(more=pulumi.ResourceOptions.merge(kept, lock.held)),
    )
    made = lock.closed(vault, network.parent)
    for name, value in contents.items():
        Secret(
            f"key-vault-{name}",
            secret_name=name,
            vault_name=network.names.key_vault,
            resource_group_name=network.resource_group_name,
            properties=SecretPropertiesArgs(value=value),
            # they are written through ARM, but deleted through the vault itself, which lets few in: they go with it
            opts=network.options(
                vault,
                made,
                more=pulumi.ResourceOptions.merge(
                    kept, pulumi.ResourceOptions(deleted_with=vault, replace_with=[vault], additional_secret_outputs=["properties"])
                ),
            ),
        )
    private_endpoint("vault", vault, network.names.vault_zone, network, made)
