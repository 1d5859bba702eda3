"""The forwards of this user, whichever stack started them."""

from __future__ import annotations

from collections.abc import Iterator

from sdg.forward import control
from sdg.forward.store import Store


def described() -> Iterator[str]:
    """One line for each forward that runs."""
    for store in Store.all_of_user():
        marker = store.marker()
        if marker is not None:
            state = "answers" if control.answers(store.port) else "does not answer"
            yield f"localhost:{store.port} {state}: {marker.identity} (watchdog {marker.pid})"


def stop(port: int) -> str:
    """Stops the forward of a port; says what was stopped."""
    served = control.stop_port(port)
    return f"stopped the forward on port {port}, which served {served}" if served else f"no forward of this user runs on port {port}"
