"""PostgreSQL, Redis, storage and key vault of an Azure cluster: beside each other, and beside AKS, which none of them needs."""

from __future__ import annotations

from dataclasses import replace

import pulumi
from pulumi_azure_native.managedidentity import UserAssignedIdentity

from components.cluster.azure.base import NetworkHandle
from components.cluster.azure.data_lock import Lock
from components.cluster.azure.database import postgresql
from components.cluster.azure.key_vault import key_vault
from components.cluster.azure.redis import managed_redis
from components.cluster.azure.storage import managed_store
from components.cluster.base import ManagedServices
from sdg.azure.made_of import Kind, UsedServices
from sdg.settings.azure import Azure


class DataServices(pulumi.ComponentResource):
    """What an Azure cluster keeps data in.

    Args:
        identity: that OSMO's pods log in to storage as; None where they log in with the account's key.
        tenant: whose people log in to the key vault.
        wanted: which of the services OSMO uses; the others are not made.
        retain: whether destroy leaves database, storage and key vault.
    """

    def __init__(
        self,
        name: str,
        settings: Azure,
        network: NetworkHandle,
        *,
        locked: dict[Kind, Lock],
        identity: UserAssignedIdentity | None,
        tenant: pulumi.Input[str],
        wanted: UsedServices,
        retain: bool,
    ) -> None:
        facts = {"database": wanted.database, "redis": wanted.redis, "store": wanted.store, "keyVault": settings.key_vault.enabled}
        super().__init__("sdg:cluster:DataServices", name, facts, pulumi.ResourceOptions(parent=network.parent))
        here = replace(network, parent=self)
        ranges = settings.allowed_ranges
        self.services = ManagedServices(
            database=postgresql(settings.database, here, locked["database"], retain=retain) if wanted.database else None,
            redis=managed_redis(settings.redis, here, locked["redis"]) if wanted.redis else None,
            store=managed_store(settings.storage, here, locked["storage"], ranges=ranges, identity=identity, retain=retain)
            if wanted.store
            else None,
        )
        if settings.key_vault.enabled:
            key_vault(settings.key_vault, here, locked["key-vault"], _contents(self.services), tenant=tenant, ranges=ranges, retain=retain)
        self.register_outputs({})


def _contents(services: ManagedServices) -> dict[str, pulumi.Output[str]]:
    """What the vault gets a copy of."""
    found = {
        "database-password": services.database.password if services.database else None,
        "redis-key": services.redis.password if services.redis else None,
        "storage-key": services.store.key if services.store else None,
    }
    return {name: value for name, value in found.items() if value is not None}
