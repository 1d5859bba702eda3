"""What to do when OSMO's database is there and a key that it needs is not."""

from __future__ import annotations

from typing import Final

from sdg.osmo import layout
from sdg.osmo.external_database import Server

# upstream's deployment script knows the same switch
ACCEPT_MEK_LOSS: Final = "RESET_MEK"
_RESTORE: Final = "bring it back from a backup: `sdg restore keys --stack {stack} --in FILE`, then `pulumi up --stack {stack}`"


def drop_claim() -> str:
    """The command that drops the in-cluster database with everything in it."""
    return f"kubectl --namespace {layout.SERVICE_NAMESPACE} delete persistentvolumeclaim {layout.DATABASE_CLAIM}"


def drop_database(server: Server) -> str:
    """The command that drops an external database with everything in it; the next update makes an empty one."""
    return f"dropdb --host {server.host} --port {server.port} --username {server.user} {server.name}"


def mek_remedy(stack: str, drop: str) -> str:
    """The three ways out when the master encryption key is lost."""
    where = f"ConfigMap {layout.MEK_CONFIG_MAP} of namespace {layout.SERVICE_NAMESPACE}"
    lines = [
        f"Its master encryption key is neither in the stack's state nor in {where}: OSMO could not read the credentials in it. Either",
        f"- {_RESTORE.format(stack=stack)};",
        f"- or start with an empty database: `{drop}`, then `pulumi up --stack {stack}`;",
        f"- or accept that what was encrypted is lost: `{ACCEPT_MEK_LOSS}=true pulumi up --stack {stack}`.",
    ]
    return "\n".join(lines)


def password_remedy(stack: str) -> str:
    """The ways out when the in-cluster database's password is lost: it cannot be read from the server."""
    where = f"Secret {layout.DATABASE_SECRET} of namespace {layout.SERVICE_NAMESPACE}"
    lines = [
        f"Its password is neither in the stack's state nor in {where}: OSMO could not log in. Either",
        f"- {_RESTORE.format(stack=stack)};",
        f"- or, where you know it, `pulumi config set --secret --stack {stack} sdg:databasePassword`, then `pulumi up --stack {stack}`;",
        f"- or start with an empty database: `{drop_claim()}`, then `pulumi up --stack {stack}`.",
    ]
    return "\n".join(lines)


def tables_seen(server: Server, tables: int) -> str:
    """What an external database holds, as a sentence; empty for an empty one."""
    if tables == 0:
        return ""
    return f"The {server} holds {tables if tables > 0 else 'an unknown number of'} tables."
