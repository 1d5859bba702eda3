"""Can this host work on the cluster once it is there: through its firewall, into its network, and with its login?"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sdg.azure import caller
from sdg.preflight.model import Finding
from sdg.settings.azure import Azure

KUBELOGIN: Final = "kubelogin"
HTTPS: Final = 443
CONNECT_SECONDS: Final = 5.0
Connect = Callable[[tuple[str, int], float], socket.socket]


def kubelogin(cluster: Azure, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the program is there that logs in to a cluster without local accounts."""
    if not cluster.api_server.local_accounts and shutil.which(KUBELOGIN, path=environ.get("PATH", "")) is None:
        yield Finding.of(
            "azure-kubelogin", f"{KUBELOGIN} is not on PATH, and sdg:cluster.apiServer.localAccounts is false: nothing else logs in then."
        )


def public(cluster: Azure, api: Callable[[str], str]) -> Iterator[Finding]:
    """Whether the allowed ranges let this host in.

    Args:
        api: where a web API is asked instead: `Mirror.api`.
    """
    if cluster.api_server.access != "public":
        return
    here = caller.look(api)
    if here.address is None:
        yield Finding.of("azure-caller-unknown", f"This host's public address is not known: {here.unknown}.")
    elif not here.covered_by(cluster.allowed_ranges):
        ranges = ", ".join(cluster.allowed_ranges) or "empty"
        yield Finding(
            "azure-caller",
            f"{caller.SETTING} does not let this host in, whose public address is {here.address}; it is {ranges}.",
            f"Add it, and tell whoever else deploys: `{caller.add_line(here.address, cluster.allowed_ranges)}`.",
        )


def private(cluster: Azure, made: Mapping[str, Any] | None, connect: Connect = socket.create_connection) -> Iterator[Finding]:
    """Whether this host reaches a private API server; before there is one, only what it will take.

    Args:
        made: the cluster as ARM describes it, empty before it is made; None when nobody knows.
        connect: opens a connection to a host and port, within a number of seconds, or raises OSError.
    """
    if cluster.api_server.access != "private" or made is None:
        return
    name = (made.get("properties") or {}).get("privateFQDN")
    if not name:
        yield Finding.of(
            "azure-private-api-ahead",
            f"sdg:cluster.apiServer.access is private, so the API server will have an address in {cluster.network.range} alone, and a name "
            "that only there can be resolved.",
        )
        return
    host, _, port = str(name).partition(":")
    try:
        connect((host, int(port or HTTPS)), CONNECT_SECONDS).close()
    except OSError as error:
        yield Finding.of("azure-private-api", f"This host doesn't reach the private API server {name}, port {port or HTTPS}: {error}.")
