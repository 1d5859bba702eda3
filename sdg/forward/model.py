"""What a forward is, and what is kept about a running one."""

from __future__ import annotations

from dataclasses import dataclass

from sdg.kube.connection import Connection
from sdg.kube.portforward import Target


def serves(target: Target, server: str) -> str:
    """What a forward to this Service of the cluster at this address is known by."""
    return f"{target} of {server}"


@dataclass(frozen=True, slots=True)
class ForwardSpec:
    """A forward that somebody wants.

    Attributes:
        connection: the way into the cluster.
        target: the Service and its port.
        port: on this host.
    """

    connection: Connection
    target: Target
    port: int = 9000

    @property
    def serves(self) -> str:
        """What answers at the port, and of which cluster. Credentials may change under it."""
        return serves(self.target, self.connection.server)


@dataclass(frozen=True, slots=True)
class Forward:
    """A forward that runs.

    Attributes:
        pid: of its watchdog.
        answers: whether it answered when asked just now.
        reused: whether it ran already.
    """

    url: str
    pid: int
    answers: bool
    reused: bool = False
