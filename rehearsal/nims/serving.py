"""Servers of the NIMs that are ready: each pod has its own port of 127.0.0.1, which forwards to the pod lead to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import uvicorn

from rehearsal.api import Object
from rehearsal.nims import pods
from rehearsal.nims.images import image
from rehearsal.nims.model_server import create_app, serving
from rehearsal.serving import listen

log = logging.getLogger(__name__)


class _Quiet(uvicorn.Server):
    """One of several servers of the process: signals are the process' own affair."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class Open:
    """A server that runs.

    Attributes:
        port: that the pod listens on.
        local: port of 127.0.0.1 that answers for it.
        name: of the pod's NIMService.
        namespace: of the pod.
    """

    port: int
    local: int
    name: str
    namespace: str
    server: uvicorn.Server


class Servers:
    """Keeps one server per pod of a NIM that is ready. May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Open] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def ports(self, pod: Object) -> Mapping[int, int]:
        """Ports of a pod and the local ones that answer for them; empty for a pod that is no NIM, or isn't ready."""
        with self._lock:
            found = self._open.get(pod["metadata"]["uid"])
        return {found.port: found.local} if found else {}

    def of_service(self, namespace: str, name: str, port: int) -> int | None:
        """A local port that answers for a NIM's Service whose pods are asked on this port; None when none would."""
        with self._lock:
            found = [one for one in self._open.values() if (one.namespace, one.name, one.port) == (namespace, name, port)]
        return found[0].local if found else None

    def on_pod(self, change: str, pod: Object) -> None:
        """Takes over a change of a pod."""
        if not pods.is_nim(pod):
            return
        uid, wanted = pod["metadata"]["uid"], change != "DELETED" and is_ready(pod)
        with self._lock:
            if wanted and uid not in self._open:
                self._open[uid] = self._serve(pod)
            elif not wanted and (gone := self._open.pop(uid, None)):
                gone.server.should_exit = True

    def _serve(self, pod: Object) -> Open:
        item, labels = pods.container(pod), pod["metadata"]
        socket = listen(0)
        app = create_app(serving(pod, image(str(item.get("image", "")))))
        server = _Quiet(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, lifespan="off"))
        asyncio.run_coroutine_threadsafe(server.serve(sockets=[socket]), self._running())
        log.info("%s listens for %s", labels["name"], socket.getsockname()[1])
        return Open(pods.listens_on(item), int(socket.getsockname()[1]), pods.service_of(pod), labels["namespace"], server)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="nims", daemon=True).start()
        return self._loop


def is_ready(pod: Object) -> bool:
    """Whether a pod is ready to answer."""
    conditions = pod.get("status", {}).get("conditions") or []
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
    return ready and not pod["metadata"].get("deletionTimestamp")
