"""Is the cluster's name free in the user's kubeconfig, or is its context there this cluster's?"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from sdg.kube.kubeconfig_file import KubeconfigConflictError, foreign_server
from sdg.preflight.model import Finding

CHECK = "kubeconfig-context"


def problem(path: Path, name: str, owner: str, port: int, host: str | None) -> Finding | None:
    """What stands in the way of the cluster's context.

    Args:
        path: the user's kubeconfig.
        name: of the cluster, and of its context.
        owner: whose context may stand there: the stack's own.
        port: of the cluster's API server. A context of somebody else's that leads there will do.
        host: address of the cluster's host; None for this machine.
    """
    try:
        server = foreign_server(path, name, owner)
    except KubeconfigConflictError as error:
        return Finding(CHECK, str(error), "Correct it, or name another file with sdg:cluster.kubeconfig.")
    if server is None or _leads_there(server, port, host):
        return None
    elsewhere = f"leads to {server}" if server else "leads to no server"
    return Finding(
        CHECK,
        f"{path} holds {name!r} already: something else made it, and it {elsewhere}.",
        f"Rename it (kubectl config rename-context {name} OTHER), or choose another sdg:cluster.name or sdg:cluster.kubeconfig.",
    )


def _leads_there(server: str, port: int, host: str | None) -> bool:
    url = urlsplit(server)
    if url.port != port:
        return False
    return url.hostname == host if host else _is_here(url.hostname or "")


def _is_here(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost"
    own = {entry.address.partition("%")[0] for entries in psutil.net_if_addrs().values() for entry in entries}
    return address.is_loopback or str(address) in own
