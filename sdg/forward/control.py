"""Start, look at, and stop the forward of a port."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress

import psutil

from sdg.forward.errors import ForwardTimeoutError, PortTaken
from sdg.forward.model import Forward, ForwardSpec
from sdg.forward.ports import Owner, owner_of
from sdg.forward.store import Marker, Store, write_private

START_TIMEOUT = 10.0  # seconds until something must have answered through the forward
_STOP_TIMEOUT = 3.0  # seconds that a watchdog gets to end
_POLL = 0.1  # seconds


def check(port: int, wanted: str) -> None:
    """Raises PortTaken when `start` would: the port is held by anything but the forward that is wanted.

    Args:
        wanted: what it is to serve, as `sdg.forward.model.serves` says it.
    """
    store = Store.of_user(port)
    marker = store.marker()
    if marker is None:
        _refuse_taken(store)
    elif marker.serves != wanted:
        raise PortTaken(port, _watchdog(marker))


def start(spec: ForwardSpec, timeout: float = START_TIMEOUT) -> Forward:
    """Brings the forward up, or takes the one that already serves the same; returns when it answers.

    Raises PortTaken when anything else holds the port, ForwardTimeoutError when nothing answers in time, and the errors of
    `sdg.kube` for an unusable connection or a missing kubectl.
    """
    store = Store.of_user(spec.port)
    with store.locked():
        marker = store.marker()
        reused = marker is not None
        if marker is None:
            marker = _launch(spec, store)
        elif marker.serves != spec.serves:
            raise PortTaken(spec.port, _watchdog(marker))
        else:
            _renew(spec, store, marker)
        if _wait_for_answer(spec.port, marker, timeout):
            return Forward(_url(spec.port), marker.pid, answers=True, reused=reused)
        words = _last_words(store)
        if not reused:
            _end(marker, store)
    raise ForwardTimeoutError(f"nothing answered on port {spec.port} within {timeout:g} s (forward to {spec.target}): {words}")


def status(spec: ForwardSpec) -> Forward | None:
    """The forward that serves `spec` on this host, if it runs; asks it once."""
    marker = Store.of_user(spec.port).marker()
    if marker is None or marker.serves != spec.serves:
        return None
    return Forward(_url(spec.port), marker.pid, answers=answers(spec.port))


def stop(spec: ForwardSpec) -> bool:
    """Ends the forward that serves `spec`; whether there was one. A forward of something else is left alone."""
    store = Store.of_user(spec.port)
    with store.locked():
        marker = store.marker()
        if marker is None or marker.serves != spec.serves:
            return False
        _end(marker, store)
    return True


def stop_port(port: int) -> str | None:
    """Ends the forward of a port, whatever it serves; says what that was, None when there was none."""
    store = Store.of_user(port)
    with store.locked():
        marker = store.marker()
        if marker is None:
            return None
        _end(marker, store)
    return marker.serves


def stop_all(server: str) -> list[int]:
    """Ends every forward into the cluster at this address; returns their ports. For whoever takes the cluster away."""
    stopped = []
    for store in Store.all_of_user():
        with store.locked():
            marker = store.marker()
            if marker is not None and marker.serves.endswith(f" of {server}"):
                _end(marker, store)
                stopped.append(store.port)
    return stopped


def answers(port: int, timeout: float = 2.0) -> bool:
    """Whether anything speaks HTTP on the port; any status counts."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)) as connection:
        try:
            connection.request("GET", "/api/version")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
    return True


def _launch(spec: ForwardSpec, store: Store) -> Marker:
    _end_orphan(store)
    _refuse_taken(store)
    store.clear()
    write_private(store.kubeconfig, spec.connection.kubeconfig)
    write_private(store.log, "")
    target = [spec.target.namespace, spec.target.service, str(spec.target.port)]
    context = [spec.connection.context] if spec.connection.context else []
    with store.log.open("a") as log:
        watchdog = subprocess.Popen(
            [sys.executable, "-m", "sdg.forward.watchdog", str(spec.port), str(store.kubeconfig), *target, *context],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # outlives the update and its terminal
        )
    marker = Marker(watchdog.pid, psutil.Process(watchdog.pid).create_time(), spec.serves)
    store.mark(marker)
    return marker


def _refuse_taken(store: Store) -> None:
    owner = owner_of(store.port)
    if owner is not None and _orphan(owner, store) is None:
        raise PortTaken(store.port, owner)


def _watchdog(marker: Marker) -> Owner:
    return Owner(marker.pid, "the forward's watchdog", f"which serves {marker.serves}")


def _end_orphan(store: Store) -> None:
    orphan = _orphan(owner_of(store.port), store)
    if orphan is not None:
        with suppress(psutil.Error):
            orphan.kill()
            orphan.wait(_STOP_TIMEOUT)


def _orphan(owner: Owner | None, store: Store) -> psutil.Process | None:
    """The kubectl that a killed watchdog left behind: nobody else uses this kubeconfig."""
    with suppress(psutil.Error):
        process = psutil.Process(owner.pid) if owner and owner.pid else None
        if process is not None and str(store.kubeconfig) in process.cmdline():
            return process
    return None


def _renew(spec: ForwardSpec, store: Store, marker: Marker) -> None:
    """Gives a running watchdog the credentials of today."""
    if store.kubeconfig.exists() and store.kubeconfig.read_text() == spec.connection.kubeconfig:
        return
    write_private(store.kubeconfig, spec.connection.kubeconfig)
    with suppress(ProcessLookupError):
        os.kill(marker.pid, signal.SIGHUP)


def _wait_for_answer(port: int, marker: Marker, timeout: float) -> bool:
    end = time.monotonic() + timeout
    while marker.process() is not None:
        if answers(port):
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(_POLL)
    return False


def _end(marker: Marker, store: Store) -> None:
    process = marker.process()
    if process is not None:
        children = process.children(recursive=True)
        process.terminate()  # the watchdog ends its kubectl
        _, alive = psutil.wait_procs([process, *children], timeout=_STOP_TIMEOUT)
        for stubborn in alive:
            with suppress(psutil.NoSuchProcess):
                stubborn.kill()
        psutil.wait_procs(alive, timeout=_STOP_TIMEOUT)
    store.clear()


def _last_words(store: Store) -> str:
    try:
        lines = store.log.read_text(errors="replace").split("\n")
    except OSError:
        lines = []
    return " ".join(line.strip() for line in lines[-4:] if line.strip()) or "kubectl said nothing"


def _url(port: int) -> str:
    return f"http://localhost:{port}"
