"""Is the port of the user's forward free, or held by the forward itself?"""

from __future__ import annotations

from sdg.forward import control
from sdg.forward.errors import PortTaken
from sdg.forward.model import Identity
from sdg.forward.store import Store
from sdg.kube.portforward import Target


def problem(port: int, target: Target, cluster: str | None, server: str | None) -> PortTaken | None:
    """Who holds the port and what to do; None when the forward can have it.

    Args:
        port: of this host.
        target: the Service that it is to serve.
        cluster: stable name of the cluster that the forward is to serve.
        server: URL of its API server. Unless both are known, a forward that runs may be the wanted one.
    """
    known = cluster is not None and server is not None
    if not known and Store.of_user(port).marker():
        return None
    try:
        control.check(port, Identity.of(target, cluster or "", server or ""))
    except PortTaken as taken:
        return taken
    return None
