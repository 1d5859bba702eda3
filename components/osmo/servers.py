"""OSMO's database and Redis where the cluster's provider runs them, beside those of somebody else's and the chart's own."""

from __future__ import annotations

from components.cluster.base import ManagedServices
from sdg.osmo.external_database import Server
from sdg.osmo.servers import RedisServer, Servers
from sdg.settings.osmo import Osmo


def servers(settings: Osmo, services: ManagedServices | None) -> Servers:
    """Where database and Redis are.

    Args:
        services: that come with the cluster; None where none do.
    """
    found, redis = (services.database, services.redis) if services else (None, None)
    return Servers.of(
        settings,
        database=Server(found.host, found.port, found.name, found.user, tls=found.tls, managed=True) if found else None,
        redis=RedisServer(redis.host, redis.port, redis.tls) if redis else None,
    )
