"""The storage account of workflow data: containers, how long objects are kept, and who reaches them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import pulumi
from pulumi_azure_native.managedidentity import UserAssignedIdentity
from pulumi_azure_native.storage import (
    AccessTier,
    Action,
    BlobContainer,
    BlobServiceProperties,
    DateAfterCreationArgs,
    DateAfterModificationArgs,
    DefaultAction,
    DeleteRetentionPolicyArgs,
    IPRuleArgs,
    ManagementPolicy,
    ManagementPolicyActionArgs,
    ManagementPolicyBaseBlobArgs,
    ManagementPolicyDefinitionArgs,
    ManagementPolicyFilterArgs,
    ManagementPolicyRuleArgs,
    ManagementPolicySchemaArgs,
    ManagementPolicyVersionArgs,
    NetworkRuleSetArgs,
    PublicAccess,
    SkuArgs,
    StorageAccount,
    list_storage_account_keys_output,
)

from components.cluster.azure.base import NetworkHandle
from components.cluster.azure.data_lock import Lock
from components.cluster.azure.identity import granted
from components.cluster.azure.private_endpoint import private_endpoint
from components.cluster.base import ManagedStore
from sdg.azure.firewall import addresses
from sdg.settings.azure import Storage
from sdg.settings.platform import BUCKET

_DEFAULT: Final = "default"  # the one name that Azure accepts for an account's blob service and its policy


def managed_store(
    settings: Storage,
    network: NetworkHandle,
    lock: Lock,
    *,
    ranges: Sequence[str],
    identity: UserAssignedIdentity | None,
    retain: bool,
) -> ManagedStore:
    """Makes the account with its containers.

    Args:
        ranges: public addresses that reach it, beside the network.
        identity: that OSMO's pods log in as; None where they log in with the account's key.
        retain: whether destroy leaves the account and what is in it.
    """
    kept = pulumi.ResourceOptions(retain_on_delete=retain)
    account = _account(settings, network, ranges, network.options(more=pulumi.ResourceOptions.merge(kept, lock.held)))
    contents = list(_contents(settings, network, account, lock.closed(account, network.parent), kept))
    endpoint = private_endpoint("blob", account, network.names.blob_zone, network, *contents)
    reached = partial(ManagedStore, account=account.name, container=BUCKET, location=network.location)
    if identity is None:
        return reached(key=_key(account, network), resources=(endpoint,))
    role = granted(network, "osmo-blob", "Storage Blob Data Contributor", scope=account.id, principal=identity.principal_id, whose=identity)
    return reached(client_id=identity.client_id, resources=(endpoint, role))


def _key(account: StorageAccount, network: NetworkHandle) -> pulumi.Output[str]:
    # the account's own output: nothing is asked of one that doesn't exist yet, as in a first preview
    found = list_storage_account_keys_output(
        resource_group_name=network.resource_group_name, account_name=account.name, opts=network.asking()
    )
    return pulumi.Output.secret(found.keys.apply(lambda keys: str(keys[0].value)))


def _account(settings: Storage, network: NetworkHandle, ranges: Sequence[str], opts: pulumi.ResourceOptions) -> StorageAccount:
    allowed = addresses(ranges)
    return StorageAccount(
        "storage",
        account_name=network.names.storage_account,
        resource_group_name=network.resource_group_name,
        location=network.location,
        kind="StorageV2",
        sku=SkuArgs(name=f"Standard_{settings.redundancy}"),
        access_tier=AccessTier.HOT,
        enable_https_traffic_only=True,
        minimum_tls_version="TLS1_2",
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        allow_shared_key_access=settings.auth == "key",
        default_to_o_auth_authentication=settings.auth != "key",
        # the network comes through the private endpoint, and needs no public side
        public_network_access="Enabled" if allowed else "Disabled",
        network_rule_set=NetworkRuleSetArgs(
            default_action=DefaultAction.DENY,
            bypass="AzureServices",
            ip_rules=[IPRuleArgs(i_p_address_or_range=each, action=Action.ALLOW) for each in allowed],
            virtual_network_rules=[],
        ),
        opts=opts,
    )


def _contents(
    settings: Storage, network: NetworkHandle, account: StorageAccount, lock: pulumi.Resource, kept: pulumi.ResourceOptions
) -> Iterator[pulumi.Resource]:
    """What is in the account, one after the other: it is busy with one change at a time, and refuses the next one meanwhile."""
    inside = pulumi.ResourceOptions.merge(kept, pulumi.ResourceOptions(replace_with=[account]))
    restored = DeleteRetentionPolicyArgs(enabled=True, days=settings.soft_delete_days)
    last: pulumi.Resource = BlobServiceProperties(
        "blob-service",
        blob_services_name=_DEFAULT,
        account_name=network.names.storage_account,
        resource_group_name=network.resource_group_name,
        is_versioning_enabled=settings.versioning,
        delete_retention_policy=restored,
        container_delete_retention_policy=restored,
        opts=network.options(account, lock, more=inside),
    )
    yield last
    for container in dict.fromkeys((BUCKET, *settings.containers)):
        last = BlobContainer(
            f"container-{container}",
            container_name=container,
            account_name=network.names.storage_account,
            resource_group_name=network.resource_group_name,
            public_access=PublicAccess.NONE,
            opts=network.options(last, more=inside),
        )
        yield last
    if rules := _rules(settings):
        yield ManagementPolicy(
            "lifecycle",
            management_policy_name=_DEFAULT,
            account_name=network.names.storage_account,
            resource_group_name=network.resource_group_name,
            policy=ManagementPolicySchemaArgs(rules=rules),
            opts=network.options(last, more=inside),
        )


def _rules(settings: Storage) -> list[ManagementPolicyRuleArgs]:
    """What happens to objects that nobody changes any more: anywhere they get cheaper to keep, and those of workflows are deleted."""
    rules = []
    if days := settings.cool_after_days:
        actions = ManagementPolicyActionArgs(
            base_blob=ManagementPolicyBaseBlobArgs(tier_to_cool=DateAfterModificationArgs(days_after_modification_greater_than=days)),
            version=ManagementPolicyVersionArgs(tier_to_cool=DateAfterCreationArgs(days_after_creation_greater_than=days)),
        )
        rules.append(_rule("cool", actions))
    if days := settings.delete_after_days:
        actions = ManagementPolicyActionArgs(
            base_blob=ManagementPolicyBaseBlobArgs(delete=DateAfterModificationArgs(days_after_modification_greater_than=days)),
            version=ManagementPolicyVersionArgs(delete=DateAfterCreationArgs(days_after_creation_greater_than=days)),
        )
        rules.append(_rule("delete", actions, f"{BUCKET}/"))
    return rules


def _rule(name: str, actions: ManagementPolicyActionArgs, *below: str) -> ManagementPolicyRuleArgs:
    found = ManagementPolicyFilterArgs(blob_types=["blockBlob"], prefix_match=list(below) or None)
    definition = ManagementPolicyDefinitionArgs(actions=actions, filters=found)
    return ManagementPolicyRuleArgs(name=name, type="Lifecycle", enabled=True, definition=definition)
