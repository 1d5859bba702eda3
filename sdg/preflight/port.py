"""Is the port of the user's forward free, or held by the forward itself?"""

from __future__ import annotations

from sdg.forward.errors import PortTaken
from sdg.forward.model import serves
from sdg.forward.ports import Owner, owner_of
from sdg.forward.store import Store
from sdg.kube.portforward import Target
from sdg.osmo import layout


def problem(port: int, server: str) -> str | None:
    """Who holds the port, in one sentence that says what to do; None when the forward can have it.

    Args:
        server: URL of the API server of the cluster that the forward is to serve.
    """
    gateway = Target(layout.SERVICE_NAMESPACE, layout.GATEWAY_SERVICE, layout.GATEWAY_PORT)
    running = Store.of_user(port).marker()
    if running is not None:
        ours = running.serves == serves(gateway, server)
        return None if ours else str(PortTaken(port, Owner(running.pid, "a forward", f"which serves {running.serves}")))
    owner = owner_of(port)
    return None if owner is None else str(PortTaken(port, owner))
