"""OSMO's keys: generated once, or taken from the cluster that holds them, and never made anew for data that needs the old ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import pulumi

from components.cluster.base import ClusterHandle
from components.generated import GeneratedSecret, Guard
from components.osmo.database import Database
from sdg.kube.held import Holder
from sdg.osmo import key_loss, layout
from sdg.osmo.external_database import Server

DATABASE: Final = Holder("Secret", layout.SERVICE_NAMESPACE, layout.DATABASE_SECRET, layout.DATABASE_KEY)
ADMIN: Final = Holder("Secret", layout.SERVICE_NAMESPACE, layout.ADMIN_SECRET, "password")
MEK: Final = Holder("ConfigMap", layout.SERVICE_NAMESPACE, layout.MEK_CONFIG_MAP, layout.MEK_KEY)
_CLAIM: Final = (layout.SERVICE_NAMESPACE, layout.DATABASE_CLAIM)


@dataclass(frozen=True, slots=True)
class Keys:
    """Makes the keys of one OSMO.

    Attributes:
        name: of the component that they belong to.
        cluster: may hold them already.
        opts: of the resources.
    """

    name: str
    cluster: ClusterHandle
    opts: pulumi.ResourceOptions

    def database_password(self, chosen: pulumi.Output[str] | None) -> pulumi.Output[str]:
        """Of the in-cluster PostgreSQL.

        Args:
            chosen: the first one, when the user wants to know it.
        """
        # a chosen password may be the right one, and where it is not, nothing is lost
        guard = Guard(key_loss.password_remedy(pulumi.get_stack()), claim=_CLAIM) if chosen is None else None
        connection = self.cluster.connection
        generated = GeneratedSecret(
            f"{self.name}-database-password", "password", self.opts, chosen=chosen, connection=connection, holder=DATABASE, guard=guard
        )
        return generated.value

    def admin(self) -> pulumi.Output[str]:
        """The default admin's access token."""
        return GeneratedSecret(f"{self.name}-admin-token", "token", self.opts, connection=self.cluster.connection, holder=ADMIN).value

    def fingerprint_key(self) -> pulumi.Output[str]:
        """The key of the fingerprints that tell a gate of changed values; nothing in the cluster knows it."""
        return GeneratedSecret(f"{self.name}-fingerprint-key", "token", self.opts).value

    def master_encryption_key(self, database: Database | None, server: Server | None) -> pulumi.Output[str]:
        """What OSMO encrypts in its database with.

        Args:
            database: an external database, looked into; None for the one in the cluster.
            server: where that is.
        """
        guard = _external(database, server) if database and server else _in_cluster()
        return GeneratedSecret(f"{self.name}-mek", "mek", self.opts, connection=self.cluster.connection, holder=MEK, guard=guard).value


def _in_cluster() -> Guard:
    return Guard(key_loss.mek_remedy(pulumi.get_stack(), key_loss.drop_claim()), accept=key_loss.ACCEPT_MEK_LOSS, claim=_CLAIM)


def _external(database: Database, server: Server) -> Guard:
    stack = pulumi.get_stack()
    # of a server that comes with the cluster, the host is known when it is made
    known = pulumi.Output.from_input(server.host).apply(lambda host: replace(server, host=host))
    remedy = known.apply(lambda where: key_loss.mek_remedy(stack, key_loss.drop_database(where)))
    seen = pulumi.Output.all(known, database.tables).apply(lambda both: key_loss.tables_seen(both[0], int(both[1])))
    return Guard(remedy, accept=key_loss.ACCEPT_MEK_LOSS, seen=seen)
