"""Why there is no forward."""

from __future__ import annotations

from sdg.forward.ports import Owner


class PortTaken(Exception):
    """Something else listens on the port.

    Attributes:
        owner: who holds it, as far as this user may see.
        seen: half a sentence on it.
        remedy: half a sentence on what to do.
    """

    def __init__(self, port: int, owner: Owner) -> None:
        remedy = f"stop it with `sdg forward stop {port}`" if owner.what else "end it"
        self.owner = owner
        self.seen = f"port {port} on this host is taken by {owner}"
        self.remedy = f"{remedy}, or choose another port under `sdg:forward`"
        super().__init__(f"{self.seen}; {self.remedy}")


class ForwardTimeoutError(Exception):
    """The forward came up but nothing answered through it, in kubectl's own words."""
