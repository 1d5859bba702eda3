"""A forward into a cluster that is opened when it is needed, and again when it broke, until whoever asked has ended."""

from __future__ import annotations

import threading

from sdg.kube.connection import Connection
from sdg.kube.errors import ForwardError
from sdg.kube.portforward import PortForward, Target


class KeptForward:
    """One forward, for threads that may still be asking when it is closed."""

    def __init__(self, connection: Connection, target: Target) -> None:
        self._connection, self._target = connection, target
        self._forward: PortForward | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def base_url(self) -> str:
        """Where the target answers on this host; raises ForwardError or KubectlMissingError."""
        with self._lock:
            if self._closed.is_set():
                raise ForwardError("this gate has ended")
            if self._forward is None or not self._forward.alive:
                self._end()
                self._forward = PortForward(self._connection, self._target, given_up=self._closed)
            return self._forward.base_url

    def broke(self) -> None:
        """A forward outlives its pod and then only resets: the next question gets a new one."""
        with self._lock:
            self._end()

    def close(self) -> None:
        """Ends the forward, one that is about to come up as well, and opens no other."""
        self._closed.set()  # before the lock: whoever opens a forward holds that, and gives up
        with self._lock:
            self._end()

    def _end(self) -> None:
        forward, self._forward = self._forward, None
        if forward is not None:
            forward.close()
