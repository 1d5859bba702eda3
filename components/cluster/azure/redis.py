"""Azure Managed Redis behind a private endpoint."""

from __future__ import annotations

from typing import Final

import pulumi
from pulumi_azure_native.redisenterprise import Database, RedisEnterprise, SkuArgs, list_database_keys_output

from components.cluster.azure.base import NetworkHandle
from components.cluster.azure.data_lock import Lock
from components.cluster.azure.private_endpoint import private_endpoint
from components.cluster.base import ManagedRedis
from sdg.settings.azure import Redis

PORT: Final = 10000
DATABASE: Final = "default"  # the one name that Azure accepts


def managed_redis(settings: Redis, network: NetworkHandle, lock: Lock) -> ManagedRedis:
    """Makes it. Nobody reaches it from outside the network."""
    names = network.names
    fixed = pulumi.ResourceOptions(delete_before_replace=True)
    cluster = RedisEnterprise(
        "redis",
        cluster_name=names.redis,
        resource_group_name=network.resource_group_name,
        location=network.location,
        sku=SkuArgs(name=settings.size),
        high_availability="Enabled" if settings.high_availability else "Disabled",
        minimum_tls_version="1.2",
        public_network_access="Disabled",
        opts=network.options(more=lock.held),
    )
    made = lock.closed(cluster, network.parent)
    database = Database(
        "redis-database",
        cluster_name=names.redis,
        database_name=DATABASE,
        resource_group_name=network.resource_group_name,
        client_protocol="Encrypted",
        # one endpoint for all keys: OSMO's client doesn't follow a cluster's redirections
        clustering_policy="EnterpriseCluster",
        eviction_policy="VolatileLRU",
        access_keys_authentication="Enabled",  # OSMO logs in with a password
        port=PORT,
        opts=network.options(cluster, made, more=pulumi.ResourceOptions.merge(fixed, pulumi.ResourceOptions(replace_with=[cluster]))),
    )
    # the id brings the edge along: there are no keys before there is a database
    keys = list_database_keys_output(
        resource_group_name=network.resource_group_name,
        cluster_name=names.redis,
        database_name=database.id.apply(lambda _: DATABASE),
        opts=network.asking(),
    )
    ready = private_endpoint("redis", cluster, names.redis_zone, network, database)
    key: pulumi.Output[str] = keys.primary_key.apply(str)
    return ManagedRedis(host=cluster.host_name, port=PORT, tls=True, password=pulumi.Output.secret(key), resources=(ready,))
