"""PostgreSQL and Redis: in the cluster, from the chart, or outside of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sdg.osmo import layout
from sdg.osmo.external_database import Server
from sdg.osmo.servers import RedisServer, Servers
from sdg.osmo.values.base import Images, Values
from sdg.settings.osmo import POSTGRES_PORT, REDIS_PORT

# the services that talk to Redis
REDIS_SERVICES: Final = ("service", "agent", "worker", "logger", "delayedJobMonitor")


def postgres_values(server: Server | None, password: object, storage_class: object, images: Images) -> Values:
    """`services.postgres`, on a server or, without one, in the cluster: a server's password is in a Secret, the chart's own one's has to
    be in the values."""
    secret = {"passwordSecretName": layout.DATABASE_SECRET, "passwordSecretKey": layout.DATABASE_KEY}
    if server is not None:
        return {"enabled": False, "serviceName": server.host, "port": server.port, "db": server.name, "user": server.user, **secret}
    return {
        "enabled": True,
        **images.other("postgres"),
        "serviceName": "postgres",
        "port": POSTGRES_PORT,
        "db": "osmo",
        "user": "postgres",  # the template sets no POSTGRES_USER, so no other name works
        "password": password,
        "storageClassName": storage_class,  # always a name: "" means no provisioning, and after null no upgrade succeeds
        "enableNodePort": False,
        **secret,
    }


def redis_values(server: RedisServer | None, storage_class: object, images: Images) -> Values:
    """`services.redis`, on a server or, without one, in the cluster, where it has no password and no TLS."""
    secret = {"passwordSecretName": layout.REDIS_SECRET, "passwordSecretKey": layout.REDIS_KEY}
    if server is not None:
        return {"enabled": False, "serviceName": server.host, "port": server.port, "tlsEnabled": server.tls, **secret}
    return {
        "enabled": True,
        **images.other("redis"),
        "serviceName": "redis",
        "port": REDIS_PORT,
        "tlsEnabled": False,
        "storageClassName": storage_class,
        "enableNodePort": False,
        **secret,
    }


def redis_passwords(servers: Servers) -> Mapping[str, Values]:
    """Values below `services` that pass a Redis server's password, by service.

    The chart passes it by itself, except where its own database is used: a plain database password switches both Secrets off.
    """
    if servers.database is not None or servers.redis is None:
        return {}
    return {service: {"extraEnv": [_redis_password()]} for service in REDIS_SERVICES}


def _redis_password() -> Values:
    source = {"secretKeyRef": {"name": layout.REDIS_SECRET, "key": layout.REDIS_KEY}}
    return {"name": "OSMO_REDIS_PASSWORD", "valueFrom": source}
