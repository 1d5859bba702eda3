"""Serverless endpoints of Foundry: a hub and a project in it, what a hub is made with, and an endpoint of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
from pulumi_azure_native import keyvault, storage
from pulumi_azure_native.machinelearningservices import (
    ContentSafetyArgs,
    ManagedServiceIdentityArgs,
    MarketplaceSubscription,
    MarketplaceSubscriptionPropertiesArgs,
    ModelSettingsArgs,
    ServerlessEndpoint,
    ServerlessEndpointPropertiesArgs,
    SkuArgs,
    SkuTier,
    Workspace,
    list_serverless_endpoint_keys_output,
)

from components.cluster.azure.base import NetworkHandle, told
from components.cluster.azure.identity import tenant
from components.cluster.base import ClusterHandle
from components.inference.base import Endpoint, Served, key_triggers
from sdg.azure.foundry import PREFIX, needs_terms, serverless_url
from sdg.catalog.foundry_models import FoundryModel
from sdg.inference.model import PlannedEndpoint
from sdg.settings.mirror import Mirror

MINUTES: Final = 5
RESTORABLE_DAYS: Final = 7  # for which a deleted vault stays, the least that Azure takes: nothing of anybody's is in it
_IDENTITY: Final = ManagedServiceIdentityArgs(type="SystemAssigned")


def serverless(
    place: NetworkHandle, planned: Sequence[PlannedEndpoint], models: Mapping[str, FoundryModel], cluster: ClusterHandle, mirror: Mirror
) -> Served:
    """Makes the endpoints. They don't wait for each other.

    Args:
        models: of each endpoint, by its name.
    """
    project = _project(place, _hub(place, cluster))
    made = {each.name: _endpoint(place, project, each.name, models[each.name]) for each in planned}
    keys = {name: _key(place, endpoint) for name, endpoint in made.items()}
    endpoints = tuple(_served(each, made[each.name], keys[each.name], mirror) for each in planned)
    return Served(endpoints, tuple(made.values()), key_triggers(keys))


def _served(planned: PlannedEndpoint, endpoint: ServerlessEndpoint, key: pulumi.Output[str], mirror: Mirror) -> Endpoint:
    url = endpoint.properties.apply(
        lambda properties: serverless_url(told(properties.inference_endpoint.uri, f"{PREFIX}{planned.name}", "the URL that it answers at"))
    )
    # there is no list of models, nor another path that tells whether it answers
    probe = {"address": url.apply(lambda url: {"url": mirror.api(url)}), "ready": "", "auth": "bearer", "minutes": MINUTES}
    return Endpoint(planned, url, key, {**probe, "expect": {"models": False}})


def _hub(place: NetworkHandle, cluster: ClusterHandle) -> Workspace:
    return Workspace(
        "foundry-hub",
        workspace_name=place.names.hub,
        resource_group_name=place.resource_group_name,
        location=place.location,
        kind="Hub",
        sku=SkuArgs(name="Basic", tier=SkuTier.BASIC),
        identity=_IDENTITY,
        storage_account=_storage(place, cluster).id,
        key_vault=_vault(place, cluster).id,
        system_datastores_auth_mode="identity",
        public_network_access="Enabled",
        opts=place.options(cluster.ready, more=pulumi.ResourceOptions(delete_before_replace=True)),
    )


def _project(place: NetworkHandle, hub: Workspace) -> Workspace:
    return Workspace(
        "foundry-project",
        workspace_name=place.names.project,
        resource_group_name=place.resource_group_name,
        location=place.location,
        kind="Project",
        sku=SkuArgs(name="Basic", tier=SkuTier.BASIC),
        identity=_IDENTITY,
        hub_resource_id=hub.id,
        public_network_access="Enabled",
        opts=place.options(hub, more=pulumi.ResourceOptions(delete_before_replace=True)),
    )


def _storage(place: NetworkHandle, cluster: ClusterHandle) -> storage.StorageAccount:
    """Where a hub would keep what people upload; the stack puts nothing there, and nobody but Azure's own services gets in."""
    return storage.StorageAccount(
        "foundry-storage",
        account_name=place.names.hub_storage,
        resource_group_name=place.resource_group_name,
        location=place.location,
        kind="StorageV2",
        sku=storage.SkuArgs(name="Standard_LRS"),
        enable_https_traffic_only=True,
        minimum_tls_version="TLS1_2",
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        allow_shared_key_access=False,
        public_network_access="Enabled",
        network_rule_set=storage.NetworkRuleSetArgs(
            default_action=storage.DefaultAction.DENY, bypass="AzureServices", ip_rules=[], virtual_network_rules=[]
        ),
        opts=place.options(cluster.ready, more=pulumi.ResourceOptions(delete_before_replace=True)),
    )


def _vault(place: NetworkHandle, cluster: ClusterHandle) -> keyvault.Vault:
    """Where a hub would keep what connections of people need; the stack puts nothing there either."""
    return keyvault.Vault(
        "foundry-vault",
        vault_name=place.names.hub_vault,
        resource_group_name=place.resource_group_name,
        location=place.location,
        properties=keyvault.VaultPropertiesArgs(
            tenant_id=tenant(place),
            sku=keyvault.SkuArgs(family=keyvault.SkuFamily.A, name=keyvault.SkuName.STANDARD),
            enable_rbac_authorization=True,
            enable_soft_delete=True,
            soft_delete_retention_in_days=RESTORABLE_DAYS,
            public_network_access="Enabled",
            network_acls=keyvault.NetworkRuleSetArgs(default_action="Deny", bypass="AzureServices", ip_rules=[], virtual_network_rules=[]),
        ),
        opts=place.options(cluster.ready, more=pulumi.ResourceOptions(delete_before_replace=True)),
    )


def _endpoint(place: NetworkHandle, project: Workspace, endpoint: str, model: FoundryModel) -> ServerlessEndpoint:
    within = pulumi.ResourceOptions(replace_with=[project], delete_before_replace=True)
    after: list[pulumi.Resource] = [project]
    if needs_terms(model):
        terms = MarketplaceSubscription(
            f"{PREFIX}{endpoint}-terms",
            name=endpoint,
            workspace_name=place.names.project,
            resource_group_name=place.resource_group_name,
            properties=MarketplaceSubscriptionPropertiesArgs(model_id=model.id),
            opts=place.options(project, more=within),
        )
        after.append(terms)
    return ServerlessEndpoint(
        f"{PREFIX}{endpoint}",
        name=place.names.serverless_endpoint(endpoint),
        workspace_name=place.names.project,
        resource_group_name=place.resource_group_name,
        location=place.location,
        sku=SkuArgs(name="Consumption"),
        properties=ServerlessEndpointPropertiesArgs(
            auth_mode="Key",
            model_settings=ModelSettingsArgs(model_id=model.id),
            content_safety=ContentSafetyArgs(content_safety_status="Enabled"),
        ),
        opts=place.options(*after, more=within),
    )


def _key(place: NetworkHandle, endpoint: ServerlessEndpoint) -> pulumi.Output[str]:
    # the endpoint's own output: nothing is asked of one that doesn't exist yet, as in a first preview
    found = list_serverless_endpoint_keys_output(
        name=endpoint.name, resource_group_name=place.resource_group_name, workspace_name=place.names.project, opts=place.asking()
    )
    return pulumi.Output.secret(found.primary_key.apply(str))
