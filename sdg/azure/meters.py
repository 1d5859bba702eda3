"""What a stack's Azure resources are billed for: which meters, and how much of each. Pure; knows no price."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sdg.azure.made_of import UsedServices
from sdg.catalog.azure_meters import Meter, billing
from sdg.settings.azure import Azure, CpuPool, GpuPool, Observability, Pool, PostgreSql, Redis, Storage
from sdg.settings.inference import Foundry, Inference, servers, shares_models
from sdg.settings.osmo import ManagedDatabase, ManagedRedis, Osmo
from sdg.settings.platform import ManagedStore, Platform

EVERYTHING: Final = UsedServices()
GRAFANA_UNITS: Final = 2  # of an instance of the size X1
LOG_DAYS_INCLUDED: Final = 31
FREE: Final = "Free"
# D4ds_v5: family, vCores, features, version
_MACHINE: Final = re.compile(r"^(?P<family>[A-Z]+)(?P<vcores>[0-9]+)(?P<features>[a-z]*)(_(?P<version>v[0-9]+))?$")


@dataclass(frozen=True, slots=True)
class Range:
    """How many there are while every pool is at its minimum, and while every pool is at its maximum."""

    least: float
    most: float

    @classmethod
    def exactly(cls, count: float) -> Range:
        return cls(count, count)

    def times(self, factor: float) -> Range:
        return Range(self.least * factor, self.most * factor)


@dataclass(frozen=True, slots=True)
class Line:
    """One meter of one resource.

    Attributes:
        resource: what it is part of, for people.
        meter: its key in `azure_meters.yaml`; None for what costs nothing.
        values: what the meter's names hold in braces.
        count: how many; None where only use will tell.
        shows: what is counted, where the meter doesn't say it.
    """

    resource: str
    meter: str | None
    values: Mapping[str, str] = field(default_factory=dict)
    count: Range | None = None
    shows: str = ""

    @property
    def described(self) -> Meter | None:
        return billing().meters[self.meter] if self.meter else None

    @property
    def title(self) -> str:
        """What is counted."""
        meter = self.described
        return meter.shows.format_map(self.values) if meter else self.shows

    @property
    def quantity(self) -> Range | None:
        """What a month counts: machine hours, disks, GiB; None where only use will tell."""
        meter = self.described
        if self.count is None or meter is None:
            return self.count
        return self.count.times(billing().hours if meter.every == "hour" else 1)


def lines(cluster: Azure, wanted: UsedServices = EVERYTHING) -> list[Line]:
    """Every meter of a cluster with all that belongs to it, in the order in which people think of it.

    Args:
        wanted: which services OSMO uses; the others are not made.
    """
    return [
        *_control_plane(cluster),
        *_pools(cluster),
        *_egress(cluster),
        *_private_network(cluster, wanted),
        *(_database(cluster.database) if wanted.database else ()),
        *(_redis(cluster.redis) if wanted.redis else ()),
        *(_storage(cluster.storage) if wanted.store else ()),
        *([Line("file shares", "file-shares")] if wanted.shares else []),
        *([Line("Foundry", "foundry-tokens")] if wanted.models else []),
        *([Line("key vault", "key-vault")] if cluster.key_vault.enabled else []),
        *_observability(cluster.observability),
    ]


def wanted_by(osmo: Osmo, platform: Platform, inference: Inference | None = None) -> UsedServices:
    """Which services of the cluster's own a stack uses."""
    return UsedServices(
        database=isinstance(osmo.database, ManagedDatabase),
        redis=isinstance(osmo.redis, ManagedRedis),
        store=isinstance(platform.object_store, ManagedStore),
        shares=inference is not None and shares_models(inference),
        models=inference is not None and any(isinstance(server, Foundry) for server in servers(inference)),
    )


def disk_tier(gib: int) -> str:
    """The tier that a premium disk is billed as."""
    return next(tier for size, tier in sorted(billing().disks.items()) if size >= gib)


def endpoints(cluster: Azure, wanted: UsedServices = EVERYTHING) -> int:
    """Private endpoints: of Redis, storage, file shares, the vault and a private API server, where there are such."""
    return sum((wanted.redis, wanted.store, wanted.shares, cluster.key_vault.enabled, cluster.api_server.access == "private"))


def zones(cluster: Azure, wanted: UsedServices = EVERYTHING) -> int:
    """Private DNS zones: one for each kind of endpoint, and the database's own."""
    return endpoints(cluster, wanted) + wanted.database


def _control_plane(cluster: Azure) -> Iterator[Line]:
    if cluster.tier == FREE:
        yield Line("AKS", None, count=Range.exactly(1), shows="cluster, tier Free")
    else:
        yield Line("AKS", f"aks-{cluster.tier.lower()}", count=Range.exactly(1))


def _pools(cluster: Azure) -> Iterator[Line]:
    yield from _pool("system pool", cluster.system_pool)
    if cluster.cpu_pool is not None:
        yield from _pool("CPU pool", cluster.cpu_pool)
    for pool in cluster.gpu_pools:
        yield from _pool(f"GPU pool {pool.name}", pool)


def _pool(resource: str, pool: Pool) -> Iterator[Line]:
    nodes = Range(pool.min, pool.max)
    spot = isinstance(pool, CpuPool | GpuPool) and pool.spot
    yield Line(resource, "vm-spot" if spot else "vm", {"size": pool.size}, nodes)
    yield Line(resource, "os-disk", {"tier": disk_tier(pool.os_disk_gib)}, nodes)


def _egress(cluster: Azure) -> Iterator[Line]:
    one = Range.exactly(1)
    through = cluster.network.egress
    yield Line("egress", through, count=one)
    yield Line("egress", f"{through}-data")
    yield Line("egress", "public-ip", count=one)
    yield Line("egress", "egress")


def _private_network(cluster: Azure, wanted: UsedServices) -> Iterator[Line]:
    if count := endpoints(cluster, wanted):
        yield Line("private network", "private-endpoint", count=Range.exactly(count))
        yield Line("private network", "private-endpoint-in")
        yield Line("private network", "private-endpoint-out")
    if count := zones(cluster, wanted):
        yield Line("private network", "dns-zone", count=Range.exactly(count))
        yield Line("private network", "dns-queries")


def _database(database: PostgreSql) -> Iterator[Line]:
    servers = 1 if database.high_availability == "none" else 2  # the standby costs what the server costs, disk and all
    tier, _, machine = database.size.partition("_Standard_")
    values = {"size": database.size, "machine": machine, **_series(billing().postgres[tier], machine)}
    yield Line("PostgreSQL", "postgres-burstable" if tier == "B" else "postgres", values, Range.exactly(servers))
    yield Line("PostgreSQL", "postgres-storage", count=Range.exactly(servers * database.storage_gib))
    yield Line("PostgreSQL", "postgres-backup", {"copies": _backup_copies(database)})


def _series(tier: str, machine: str) -> dict[str, str]:
    """Product and vCores, by which the price API knows a size; empty for a size of no known form, which then has no price."""
    found = _MACHINE.match(machine)
    if found is None:
        return {"product": machine, "vcores": "0"}
    series = f"{found['family']}{found['features']}{found['version'] or ''}"
    product = f"Azure Database for PostgreSQL Flexible Server {tier} {series} Series Compute"
    return {"product": product, "vcores": found["vcores"]}


def _backup_copies(database: PostgreSql) -> str:
    if database.geo_backup:
        return "GRS"
    return "ZRS" if database.high_availability == "zone-redundant" else "LRS"


def _redis(redis: Redis) -> Iterator[Line]:
    family, _, sku = redis.size.partition("_")
    values = {"size": redis.size, "family": billing().redis[family], "sku": sku}
    yield Line("Redis", "redis", values, Range.exactly(2 if redis.high_availability else 1))


def _storage(storage: Storage) -> Iterator[Line]:
    copies = {"copies": storage.redundancy}
    yield Line("storage account", "blob", copies)
    if storage.cool_after_days is not None:
        yield Line("storage account", "blob-cool", copies)
        yield Line("storage account", "blob-retrieval", copies)
    yield Line("storage account", "blob-writes", copies)
    yield Line("storage account", "blob-reads", copies)


def _observability(watching: Observability) -> Iterator[Line]:
    if watching.logs:
        yield Line("logs", "logs")
        if watching.log_days > LOG_DAYS_INCLUDED:
            yield Line("logs", "logs-kept")
    if watching.metrics:
        yield Line("metrics", "metrics")
        yield Line("metrics", "metric-queries")
    if watching.grafana:
        yield Line("Grafana", "grafana", count=Range.exactly(GRAFANA_UNITS))
        yield Line("Grafana", "grafana-users")
