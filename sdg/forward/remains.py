"""What a watchdog leaves behind when it is killed, or when the file that tells of it is lost."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

WATCHDOG_TITLE: Final = "osmo-pf-watchdog"


def kubectls(kubeconfig: Path) -> list[psutil.Process]:
    """Every kubectl that forwards with this private kubeconfig: nobody but the forward of its port uses that."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if {"port-forward", str(kubeconfig)} <= set(process.info["cmdline"] or ())  # no command line: another user's, or gone
    ]


def remains(kubeconfig: Path) -> list[psutil.Process]:
    """Those processes, after the watchdogs that would start them again."""
    children = kubectls(kubeconfig)
    return [parent for child in children if (parent := _watchdog(child))] + children


def end(processes: list[psutil.Process], patience: float) -> None:
    """Asks processes to end, and ends those that have not after so many seconds."""
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for stubborn in alive:
        with suppress(psutil.Error):
            stubborn.kill()
    psutil.wait_procs(alive, timeout=patience)


def _watchdog(kubectl: psutil.Process) -> psutil.Process | None:
    with suppress(psutil.Error):
        parent = kubectl.parent()
        if parent is not None and " ".join(parent.cmdline()).startswith(WATCHDOG_TITLE):
            return parent
    return None
