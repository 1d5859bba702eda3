"""Servers of OSMO's that its chart doesn't bring: somebody else's, or those that come with the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from sdg.osmo.external_database import Server
from sdg.settings.osmo import ExternalDatabase, ExternalRedis, InClusterDatabase, InClusterRedis, Osmo


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A Redis outside the cluster.

    Attributes:
        host: its name; while the program runs, it may be an output.
        tls: whether it speaks TLS.
    """

    host: object
    port: int
    tls: bool


@dataclass(frozen=True, slots=True)
class Servers:
    """Where database and Redis are; None for the one that the chart brings."""

    database: Server | None = None
    redis: RedisServer | None = None

    @classmethod
    def of(cls, settings: Osmo, *, database: Server | None = None, redis: RedisServer | None = None) -> Self:
        """The servers that the settings choose.

        Args:
            database: that comes with the cluster.
            redis: that comes with the cluster.

        Raises:
            LookupError: a server is to come with the cluster, and none does; the loader refuses that first.
        """
        return cls(_database(settings, database), _redis(settings, redis))


def _database(settings: Osmo, managed: Server | None) -> Server | None:
    match settings.database:
        case InClusterDatabase():
            return None
        case ExternalDatabase() as chosen:
            return Server(chosen.host, chosen.port, chosen.name, chosen.user)
        case _ if managed is None:
            raise LookupError("sdg:osmo.database.kind is managed, and no database comes with the cluster")
        case _:
            return managed


def _redis(settings: Osmo, managed: RedisServer | None) -> RedisServer | None:
    match settings.redis:
        case InClusterRedis():
            return None
        case ExternalRedis() as chosen:
            return RedisServer(chosen.host, chosen.port, chosen.tls)
        case _ if managed is None:
            raise LookupError("sdg:osmo.redis.kind is managed, and no Redis comes with the cluster")
        case _:
            return managed
