"""Can this host work on the cluster once it is there: through its firewall, into its network, and with its login?"""

from __future__ import annotations

import shutil
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final

from sdg.azure import caller
from sdg.azure.network import Layout
from sdg.preflight.model import Finding
from sdg.settings.azure import Azure

KUBELOGIN: Final = "kubelogin"
ROUTES: Final = Path("/proc/net/route")
_USABLE, _REJECTED = 0x1, 0x200  # flags of a route: RTF_UP, RTF_REJECT


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
            f"Add it, and tell whoever else deploys: {caller.add_line(here.address, cluster.allowed_ranges)}.",
        )


def private(cluster: Azure, routes: Path = ROUTES) -> Iterator[Finding]:
    """Whether this host has a way into the network that a private API server is in. Where the system doesn't tell its routes, nothing.

    Args:
        routes: what Linux says of its routes.
    """
    if cluster.api_server.access != "private":
        return
    try:
        table = routes.read_text(encoding="ascii")
    except OSError:
        return
    try:
        nodes = Layout.of(cluster.network).nodes
    except ValueError:  # the settings' own rules say it
        return
    if not any(route.prefixlen and nodes.subnet_of(route) for route in _routes(table)):
        yield Finding.of(
            "azure-private-api",
            f"sdg:cluster.apiServer.access is private, so the API server has an address in {nodes} alone, and this host's routes lead "
            "there no other way than to the internet.",
        )


def _routes(table: str) -> Iterator[IPv4Network]:
    """Destinations that packets are sent on to; numbers are hexadecimal, addresses in the machine's own order of bytes."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        flags = int(fields[3], 16)
        if flags & _USABLE and not flags & _REJECTED:
            yield IPv4Network((int(_address(fields[1])), str(_address(fields[7]))))


def _address(text: str) -> IPv4Address:
    return IPv4Address(socket.inet_ntoa(struct.pack("=I", int(text, 16))))
