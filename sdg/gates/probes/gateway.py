"""Reaching OSMO's gateway for as long as a gate looks: one forward, opened when it is needed and again when it broke."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from sdg.gates.checks import Check, Status
from sdg.kube.connection import Connection
from sdg.kube.errors import ForwardError, KubeError
from sdg.kube.portforward import PortForward, Target
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
        self._connection, self._endpoint = connection, endpoint
        self._forward: PortForward | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Self:
        """Reads a gate's inputs `connection` and `endpoint`."""
        return cls(Connection.of(inputs["connection"]), Endpoint.of(inputs["endpoint"]))

    @contextmanager
    def client(self) -> Iterator[OsmoClient]:
        try:
            with OsmoClient(self._open().base_url, self._endpoint.user) as client:
                yield client
        except OsmoUnreachableError:
            with self._lock:
                self._end()  # a forward outlives its pod and then only resets: the next question gets a new one
            raise

    def close(self) -> None:
        """Ends the forward, one that is about to come up as well, and opens no other: a thread may still be asking."""
        self._closed.set()  # before the lock: whoever opens a forward holds that, and gives up
        with self._lock:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _open(self) -> PortForward:
        with self._lock:
            if self._closed.is_set():
                raise ForwardError("this gate has ended")
            if self._forward is None or not self._forward.alive:
                self._end()
                self._forward = PortForward(self._connection, self._endpoint.target, given_up=self._closed)
            return self._forward

    def _end(self) -> None:
        forward, self._forward = self._forward, None
        if forward is not None:
            forward.close()


def asked(name: str, gateway: Gateway, expected: str, remedy: str, question: Callable[[OsmoClient], Check]) -> Check:
    """The answer to one question; what goes wrong while asking is its red check."""
    try:
        with gateway.client() as client:
            return question(client)
    except (KubeError, OsmoError) as error:
        return Check(name, "osmo", Status.FAILED, f"{type(error).__name__.removesuffix('Error')}: {error}", expected, remedy)
