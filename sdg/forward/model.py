"""What a forward is, and what is kept about a running one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sdg.kube.connection import Connection
from sdg.kube.portforward import Target
from sdg.osmo import layout


def target_of(endpoint: Mapping[str, str | int]) -> Target:
    """An endpoint of `sdg.osmo.layout`, or such an input of a resource."""
    return Target(str(endpoint["namespace"]), str(endpoint["service"]), int(endpoint["port"]))


@dataclass(frozen=True, slots=True)
class Identity:
    """What a forward serves, and how it gets there.

    Attributes:
        serves: the Service and the name of its cluster: the same after the cluster has moved to another address.
        server: URL of the cluster's API server. Two clusters may bear one name, such as the rehearsals of two clones.
    """

    serves: str
    server: str

    @classmethod
    def of(cls, target: Target, cluster: str, server: str) -> Identity:
        """Of a forward to this Service of the cluster of this name at this address."""
        return cls(f"{target} of {cluster}", server)

    def __str__(self) -> str:
        return f"{self.serves} at {self.server}"


@dataclass(frozen=True, slots=True)
class ForwardSpec:
    """A forward that somebody wants.

    Attributes:
        connection: the way into the cluster.
        target: the Service and its port.
        cluster: the cluster's stable name.
        port: on this host.
    """

    connection: Connection
    target: Target
    cluster: str
    port: int

    @property
    def identity(self) -> Identity:
        """What answers at the port, and of which cluster. Credentials may change under it."""
        return Identity.of(self.target, self.cluster, self.connection.server)

    @property
    def health(self) -> str:
        """The path that is asked for; an answer of any status is one."""
        return layout.HEALTH_PATHS.get(self.target.service, "/")


@dataclass(frozen=True, slots=True)
class Forward:
    """A forward that runs.

    Attributes:
        pid: of its watchdog.
        answers: whether it answered when asked just now.
        reused: whether it ran already.
        unit: of the user's systemd that keeps it, also after a reboot; None where it ends with the host's next start.
        remark: what its user should know, in one sentence.
    """

    url: str
    pid: int
    answers: bool
    reused: bool = False
    unit: str | None = None
    remark: str = ""
