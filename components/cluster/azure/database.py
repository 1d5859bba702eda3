"""PostgreSQL Flexible Server inside the virtual network."""

from __future__ import annotations

from typing import Final

import pulumi
from pulumi_azure_native.dbforpostgresql import (
    AuthConfigArgs,
    BackupArgs,
    Configuration,
    Database,
    HighAvailabilityArgs,
    NetworkArgs,
    Server,
    SkuArgs,
    StorageArgs,
)

from components.cluster.azure.base import NetworkHandle
from components.cluster.azure.data_lock import Lock
from components.cluster.azure.private_endpoint import private_zone
from components.cluster.base import ManagedDatabase
from components.generated import GeneratedSecret
from sdg.settings.azure import PostgreSql
from sdg.settings.osmo import POSTGRES_PORT

DATABASE: Final = "osmo"
ADMINISTRATOR: Final = "postgres"
# OSMO makes hstore itself; a server lets nobody make what is not listed here
EXTENSIONS: Final = "HSTORE,PG_STAT_STATEMENTS,UUID-OSSP"
TIERS: Final = {"B": "Burstable", "GP": "GeneralPurpose", "MO": "MemoryOptimized"}
HIGH_AVAILABILITY: Final = {"none": "Disabled", "same-zone": "SameZone", "zone-redundant": "ZoneRedundant"}


def postgresql(settings: PostgreSql, network: NetworkHandle, lock: Lock, *, retain: bool) -> ManagedDatabase:
    """Makes the server and OSMO's database on it.

    Args:
        retain: whether destroy leaves all of it.
    """
    kept = pulumi.ResourceOptions(retain_on_delete=retain)
    zone, link = private_zone("postgres", network.names.postgres_zone, network, kept)
    generated = GeneratedSecret("database-password", "strong-password", pulumi.ResourceOptions(parent=network.parent))
    password: pulumi.Output[str] = pulumi.Output.secret(generated.value)
    # a failover moves the server to its standby's zone; where it is made anew, it begins where it is told
    drifting = pulumi.ResourceOptions(ignore_changes=[] if lock.anew else ["availabilityZone"])
    held = pulumi.ResourceOptions.merge(pulumi.ResourceOptions.merge(kept, lock.held), drifting)
    server = _server(settings, network, zone.id, password, network.options(link, more=held))
    database = Database(
        "database",
        database_name=DATABASE,
        server_name=network.names.postgres,
        resource_group_name=network.resource_group_name,
        charset="UTF8",
        collation="en_US.utf8",
        opts=_on(server, network, kept, lock.closed(server, network.parent)),
    )
    # the server is busy with one change at a time, and refuses the next one meanwhile
    extensions = _configuration("azure.extensions", EXTENSIONS, network, _on(server, network, kept, database))
    transport = "on" if settings.require_tls else "off"
    last = _configuration("require_secure_transport", transport, network, _on(server, network, kept, extensions))
    return ManagedDatabase(
        host=server.fully_qualified_domain_name,
        port=POSTGRES_PORT,
        name=DATABASE,
        user=ADMINISTRATOR,
        password=password,
        tls=settings.require_tls,
        resources=(last,),
    )


def _server(
    settings: PostgreSql,
    network: NetworkHandle,
    zone: pulumi.Output[str],
    password: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> Server:
    tier, _, size = settings.size.partition("_")
    return Server(
        "database-server",
        server_name=network.names.postgres,
        resource_group_name=network.resource_group_name,
        location=network.location,
        version=settings.version,
        sku=SkuArgs(name=size, tier=TIERS[tier]),
        storage=StorageArgs(storage_size_gb=settings.storage_gib, auto_grow="Disabled"),
        create_mode="Default",
        administrator_login=ADMINISTRATOR,
        administrator_login_password=password,
        auth_config=AuthConfigArgs(password_auth="Enabled", active_directory_auth="Disabled"),  # noqa: S106 - a switch
        network=NetworkArgs(
            delegated_subnet_resource_id=network.subnets.database,
            private_dns_zone_arm_resource_id=zone,
            public_network_access="Disabled",
        ),
        availability_zone=settings.zone,
        high_availability=HighAvailabilityArgs(mode=HIGH_AVAILABILITY[settings.high_availability]),
        backup=BackupArgs(
            backup_retention_days=settings.backup_days, geo_redundant_backup="Enabled" if settings.geo_backup else "Disabled"
        ),
        opts=opts,
    )


def _on(server: Server, network: NetworkHandle, kept: pulumi.ResourceOptions, *after: pulumi.Resource) -> pulumi.ResourceOptions:
    """Options of what is on the server and goes with it."""
    return network.options(server, *after, more=pulumi.ResourceOptions.merge(kept, pulumi.ResourceOptions(replace_with=[server])))


def _configuration(name: str, value: str, network: NetworkHandle, opts: pulumi.ResourceOptions) -> Configuration:
    return Configuration(
        name.replace(".", "-").replace("_", "-"),
        configuration_name=name,
        server_name=network.names.postgres,
        resource_group_name=network.resource_group_name,
        value=value,
        source="user-override",
        opts=opts,
    )
