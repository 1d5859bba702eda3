"""The virtual host of a rehearsal, around a stack: what was there before it, and what it left."""

from __future__ import annotations

import subprocess

from cli.derived import NotRehearsable
from rehearsal.host import by_hand
from rehearsal.host import machine as machines
from rehearsal.state import StateDir
from sdg.catalog.gpu_driver import CHART
from sdg.catalog.versions import versions
from sdg.settings.cluster import MicroK8s
from sdg.settings.model import StackSettings


def prepare_adoption(state: StateDir, settings: StackSettings) -> None:
    """Installs, by hand, the MicroK8s that a stack is to adopt.

    Raises:
        NotRehearsable: it could not be installed.
    """
    cluster = settings.cluster
    if not (isinstance(cluster, MicroK8s) and cluster.adopt):
        return
    pins, operator = versions().microk8s, versions().charts[CHART].version
    try:
        by_hand.install_microk8s(state.host, cluster.channel or pins.channel, pins.addons, str(operator) if cluster.gpus else "")
    except subprocess.CalledProcessError as error:
        words = f"exit code {error.returncode}; what it said stands above"
        raise NotRehearsable(f"the MicroK8s that the stack is to adopt could not be installed ({words})") from None


def left_on_host(state: StateDir, settings: StackSettings) -> list[str]:
    """Snaps and memberships that a destroy should have taken back, or that it should have left, one sentence each."""
    machine, cluster = machines.load(state.machine), settings.cluster
    if machine is None or not isinstance(cluster, MicroK8s):
        return []
    stays = cluster.adopt or settings.data == "retain"
    there = [f"the snap {name}" for name in machine.snaps]
    joined = [] if stays else [f"{user} in MicroK8s' group" for user in machine.members]
    return joined if bool(there) == stays else there + joined or ["no MicroK8s, which should have stayed"]
