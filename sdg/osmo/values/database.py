"""PostgreSQL and Redis: in the cluster, from the chart, or outside of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sdg.osmo import layout
from sdg.osmo.values.base import Images, Values
from sdg.settings.osmo import (
    POSTGRES_PORT,
    REDIS_PORT,
    Database,
    ExternalDatabase,
    ExternalRedis,
    InClusterDatabase,
    InClusterRedis,
    ManagedDatabase,
    ManagedRedis,
    Osmo,
    Redis,
)

# the services that talk to Redis
REDIS_SERVICES: Final = ("service", "agent", "worker", "logger", "delayedJobMonitor")


def postgres_values(database: Database, password: object, storage_class: object, images: Images) -> Values:
    """`services.postgres`. An external server's password is in a Secret, the chart's own one's has to be in the values."""
    secret = {"passwordSecretName": layout.DATABASE_SECRET, "passwordSecretKey": layout.DATABASE_KEY}
    match database:
        case ExternalDatabase():
            server = {"serviceName": database.host, "port": database.port, "db": database.name, "user": database.user}
            return {"enabled": False, **server, **secret}
        case ManagedDatabase():
            raise LookupError("a managed database is known by its server")
        case InClusterDatabase():
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


def redis_values(redis: Redis, storage_class: object, images: Images) -> Values:
    """`services.redis`. The in-cluster one has no password and no TLS."""
    secret = {"passwordSecretName": layout.REDIS_SECRET, "passwordSecretKey": layout.REDIS_KEY}
    match redis:
        case ExternalRedis():
            return {"enabled": False, "serviceName": redis.host, "port": redis.port, "tlsEnabled": redis.tls, **secret}
        case ManagedRedis():
            raise LookupError("a managed Redis is known by its server")
        case InClusterRedis():
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


def redis_passwords(settings: Osmo) -> Mapping[str, Values]:
    """Values below `services` that pass an external Redis' password, by service.

    The chart passes it by itself, except where its own database is used: a plain database password switches both Secrets off.
    """
    if not (isinstance(settings.database, InClusterDatabase) and isinstance(settings.redis, ExternalRedis)):
        return {}
    return {service: {"extraEnv": [_redis_password()]} for service in REDIS_SERVICES}


def _redis_password() -> Values:
    source = {"secretKeyRef": {"name": layout.REDIS_SECRET, "key": layout.REDIS_KEY}}
    return {"name": "OSMO_REDIS_PASSWORD", "valueFrom": source}
