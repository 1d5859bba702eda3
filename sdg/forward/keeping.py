"""Who keeps a watchdog running: the user's systemd where there is one, else nobody but the watchdog itself."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from sdg.forward import units
from sdg.forward.lifetime import start_of
from sdg.forward.model import ForwardSpec
from sdg.forward.store import Marker, Store


def keep(spec: ForwardSpec, store: Store) -> Marker:
    """Starts the watchdog of a forward whose kubeconfig and log lie in the store."""
    call = _call(spec, store.kubeconfig)
    if not units.usable():
        return _detached(spec, store, call)
    try:
        return _unit(spec, store, call)
    except units.UnitError as error:
        return _detached(spec, store, call, f"it ends with this host's next start, because its unit could not be started: {error}")


def give_up(store: Store) -> bool:
    """Sees to it that nobody starts the watchdog again; whether anybody would have.

    It may still run where the user's systemd cannot be reached from here.
    """
    unit = units.name_of(store.port)
    if not units.starts_with(unit, store.kubeconfig):
        return False
    store.kubeconfig.unlink(missing_ok=True)  # without it the unit does not start
    units.remove(unit)
    others = [other for other in Store.all_of_user() if other.port != store.port and (recorded := other.recorded()) and recorded.unit]
    if store.lingering.exists() and not others:
        with suppress(units.UnitError):
            units.set_lingering(on=False)
        store.lingering.unlink()
    return True


def _unit(spec: ForwardSpec, store: Store, call: list[str]) -> Marker:
    unit = units.name_of(spec.port)
    description = f"localhost:{spec.port} to {spec.identity.serves}"
    pid = units.start(unit, units.text_of(description, call, store.log, store.kubeconfig, os.environ))
    try:
        start = start_of(psutil.Process(pid))
    except psutil.NoSuchProcess:  # it is started again; whoever looks asks systemd for the process of that time
        start = ""
    identity = spec.identity
    return Marker(pid, start, identity.serves, identity.server, spec.connection.context, unit, _lingering(store))


def _lingering(store: Store) -> str:
    """Has the user's systemd run without a session; what to know when it cannot."""
    if units.lingers():
        return ""
    try:
        units.set_lingering(on=True)
    except units.UnitError as error:
        return f"it ends when you log out, because `loginctl enable-linger` was refused: {error}"
    store.lingering.touch(mode=0o600)
    return ""


def _detached(spec: ForwardSpec, store: Store, call: list[str], remark: str = "") -> Marker:
    with store.log.open("a") as log:
        watchdog = subprocess.Popen(
            call,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # outlives the update and its terminal
        )
    identity = spec.identity
    start = start_of(psutil.Process(watchdog.pid))
    return Marker(watchdog.pid, start, identity.serves, identity.server, spec.connection.context, remark=remark)


def _call(spec: ForwardSpec, kubeconfig: Path) -> list[str]:
    target = [spec.target.namespace, spec.target.service, str(spec.target.port), spec.health]
    context = [spec.connection.context] if spec.connection.context else []
    # -P: whatever lies in the folder that it is started in is none of its modules
    return [sys.executable, "-P", "-m", "sdg.forward.watchdog", str(spec.port), str(kubeconfig), *target, *context]
