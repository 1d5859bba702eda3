"""Reaching OSMO's gateway for as long as a gate looks: one forward, opened when it is needed and again when it broke."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from sdg.gates.checks import Check, Status
from sdg.gates.probes.kept_forward import KeptForward
from sdg.kube.connection import Connection
from sdg.kube.errors import KubeError
from sdg.kube.portforward import Target
from sdg.osmo.client import OsmoClient
from sdg.osmo.errors import OsmoError, OsmoUnreachableError


class Gateway(Protocol):
    """A way to the OSMO API: a forward in a stack, a local server in a test."""

    @contextmanager
    def client(self) -> Iterator[OsmoClient]:
        """A client for a few questions; raises KubeError or OsmoError."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where OSMO answers inside its cluster."""

    target: Target
    user: str = "admin"

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Endpoint:
        """Reads the `endpoint` property: {namespace, service, port}; `user` may be added."""
        target = Target(str(properties["namespace"]), str(properties["service"]), int(properties["port"]))
        return cls(target, str(properties.get("user") or "admin"))


class ForwardedGateway:
    """The gateway behind a `kubectl port-forward` that this object owns."""

    def __init__(self, connection: Connection, endpoint: Endpoint) -> None:
        self._user, self._forward = endpoint.user, KeptForward(connection, endpoint.target)

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Self:
        """Reads a gate's inputs `connection` and `endpoint`."""
        return cls(Connection.of(inputs["connection"]), Endpoint.of(inputs["endpoint"]))

    @contextmanager
    def client(self) -> Iterator[OsmoClient]:
        try:
            with OsmoClient(self._forward.base_url(), self._user) as client:
                yield client
        except OsmoUnreachableError:
            self._forward.broke()
            raise

    def close(self) -> None:
        """Ends the forward, one that is about to come up as well, and opens no other: a thread may still be asking."""
        self._forward.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def asked(name: str, gateway: Gateway, expected: str, remedy: str, question: Callable[[OsmoClient], Check]) -> Check:
    """The answer to one question; what goes wrong while asking is its red check."""
    try:
        with gateway.client() as client:
            return question(client)
    except (KubeError, OsmoError) as error:
        return Check(name, "osmo", Status.FAILED, f"{type(error).__name__.removesuffix('Error')}: {error}", expected, remedy)
