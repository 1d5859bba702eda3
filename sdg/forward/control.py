"""Start, look at, and stop the forward of a port."""

from __future__ import annotations

import http.client
import signal
import time
from contextlib import closing, suppress

import psutil

from sdg.forward import keeping
from sdg.forward.errors import ForwardTimeoutError, PortTaken
from sdg.forward.model import Forward, ForwardSpec, Identity
from sdg.forward.ports import Owner, owner_of
from sdg.forward.remains import end, kubectls, remains
from sdg.forward.store import Marker, Store
from sdg.private_file import write_private

START_TIMEOUT = 10.0  # seconds until something must have answered through the forward
_STOP_TIMEOUT = 3.0  # seconds that a watchdog gets to end
_POLL = 0.1  # seconds


def check(port: int, wanted: Identity) -> None:
    """Raises PortTaken when `start` would: the port is held by anything but the forward that is wanted, or one that it replaces."""
    store = Store.of_user(port)
    marker = store.marker()
    if marker is None:
        _refuse_taken(store)
    else:
        _refuse_another(port, marker, wanted)


def start(spec: ForwardSpec, timeout: float = START_TIMEOUT, was: str | None = None) -> Forward:
    """Brings the forward up, or takes the one that already serves the same; returns when it answers.

    A forward to the same Service of a cluster of the same name at another address is replaced when it answers no more: the cluster has
    moved. While it answers it may well be somebody else's.

    Args:
        spec: the forward that is wanted.
        timeout: seconds until something must have answered.
        was: the cluster's address before, if whoever asks knows that it has moved: a forward there is replaced though it answers.

    Raises PortTaken when anything else holds the port, ForwardTimeoutError when nothing answers in time, and the errors of
    `sdg.kube` for an unusable connection or a missing kubectl.
    """
    store = Store.of_user(spec.port)
    with store.locked():
        marker = store.marker()
        if marker is not None and marker.identity != Identity(spec.identity.serves, was or ""):
            _refuse_another(spec.port, marker, spec.identity)
        if marker is not None and (marker.server, marker.context) != (spec.connection.server, spec.connection.context):
            _end(marker, store)
            marker = None
        reused = marker is not None
        if marker is None:
            marker = _launch(spec, store)
        else:
            _renew(spec, store, marker)
        if _wait_for_answer(spec, marker, timeout):
            return _running(spec.port, marker, answers=True, reused=reused)
        words = _last_words(store)
        if not reused:
            _end(marker, store)
    raise ForwardTimeoutError(f"nothing answered on port {spec.port} within {timeout:g} s (forward to {spec.target}): {words}")


def status(spec: ForwardSpec) -> Forward | None:
    """The forward that serves `spec` on this host, if it runs; asks it once."""
    marker = Store.of_user(spec.port).marker()
    if marker is None or marker.identity != spec.identity:
        return None
    return _running(spec.port, marker, answers=answers(spec.port, spec.health))


def stop(spec: ForwardSpec) -> bool:
    """Ends what is left of the forward that serves `spec`; whether anything of it ran. A forward of something else is left alone."""
    store = Store.of_user(spec.port)
    with store.locked():
        marker = store.recorded()
        return marker is not None and marker.identity == spec.identity and _end(marker, store)


def stop_port(port: int) -> str | None:
    """Ends what is left of the forward of a port, whatever it serves; says what that was, None when nothing ran."""
    store = Store.of_user(port)
    with store.locked():
        marker = store.recorded()
        ended = _end(marker, store)
    if not ended:
        return None
    return str(marker.identity) if marker else "something unknown"


def stop_all(server: str) -> list[int]:
    """Ends what is left of every forward into the cluster at this address; returns the ports of those that ran.

    For whoever takes the cluster away.
    """
    stopped = []
    for store in Store.all_of_user():
        with store.locked():
            marker = store.recorded()
            if marker is not None and marker.server == server and _end(marker, store):
                stopped.append(store.port)
    return stopped


def answers(port: int, path: str = "/", timeout: float = 2.0) -> bool:
    """Whether anything speaks HTTP on the port; any status counts."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)) as connection:
        try:
            connection.request("GET", path)
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
    return True


def _launch(spec: ForwardSpec, store: Store) -> Marker:
    end(remains(store.kubeconfig), _STOP_TIMEOUT)
    _refuse_taken(store)
    store.clear()
    write_private(store.kubeconfig, spec.connection.kubeconfig)
    write_private(store.log, "")
    marker = keeping.keep(spec, store)
    store.mark(marker)
    return marker


def _refuse_taken(store: Store) -> None:
    owner = owner_of(store.port)
    if owner is not None and owner.pid not in {orphan.pid for orphan in kubectls(store.kubeconfig)}:
        raise PortTaken(store.port, owner)


def _refuse_another(port: int, marker: Marker, wanted: Identity) -> None:
    """Unless the forward that runs serves what is wanted, or did so at an address where nothing answers any more."""
    moved = marker.serves == wanted.serves and marker.server != wanted.server
    if marker.identity != wanted and not (moved and not answers(port)):
        raise PortTaken(port, Owner(marker.pid, "the forward's watchdog", f"which serves {marker.identity}"))


def _renew(spec: ForwardSpec, store: Store, marker: Marker) -> None:
    """Gives a running watchdog the credentials of today."""
    if store.kubeconfig.exists() and store.kubeconfig.read_text() == spec.connection.kubeconfig:
        return
    write_private(store.kubeconfig, spec.connection.kubeconfig)
    watchdog = marker.process()
    with suppress(psutil.NoSuchProcess):
        if watchdog is not None:
            watchdog.send_signal(signal.SIGHUP)


def _wait_for_answer(spec: ForwardSpec, marker: Marker, timeout: float) -> bool:
    latest = time.monotonic() + timeout
    while marker.unit or marker.process() is not None:  # systemd starts a unit again
        if answers(spec.port, spec.health):
            return True
        if time.monotonic() >= latest:
            return False
        time.sleep(_POLL)
    return False


def _end(marker: Marker | None, store: Store) -> bool:
    """Ends a watchdog, and the kubectl that a killed one left behind; forgets the forward. Whether anything ran."""
    watchdog = marker.process() if marker else None
    victims = [] if watchdog is None else [watchdog, *_children(watchdog)]  # the watchdog ends its kubectl
    kept = keeping.give_up(store)
    end(victims, _STOP_TIMEOUT)
    orphans = remains(store.kubeconfig)
    end(orphans, _STOP_TIMEOUT)
    store.clear()
    return bool(kept or victims or orphans)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _last_words(store: Store) -> str:
    try:
        lines = store.log.read_text(errors="replace").split("\n")
    except OSError:
        lines = []
    return " ".join(line.strip() for line in lines[-4:] if line.strip()) or "kubectl said nothing"


def _running(port: int, marker: Marker, *, answers: bool, reused: bool = False) -> Forward:
    watchdog = marker.process()
    pid = watchdog.pid if watchdog else marker.pid
    return Forward(f"http://localhost:{port}", pid, answers=answers, reused=reused, unit=marker.unit, remark=marker.remark)
