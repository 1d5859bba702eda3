"""What the virtual host is and what is installed on it; kept in one file below the rehearsal's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.nodes import NodeGroup, of_sizes
from rehearsal.state import read_json, write_private
from sdg.catalog.vm_sizes import VmSize, vm_size

DRIVER = "570.172.08"
"""Version of the GPU driver that a host with GPUs has."""
DRIVER_FILES = ("/usr/share/nvidia/nvoptix.bin",)
"""What of the driver's files pods may mount."""
LABELS = (("microk8s.io/cluster", "true"), ("node.kubernetes.io/microk8s-controlplane", "microk8s-controlplane"))


@dataclass
class Snap:
    """An installed snap.

    Attributes:
        channel: such as "1.31/stable".
        config: what `snap set` stored.
    """

    channel: str
    config: dict[str, str] = field(default_factory=dict)


@dataclass
class Machine:
    """The virtual host, and the machines of its cluster.

    Attributes:
        sizes: machine sizes to their number. The host is the first with GPUs, else the first.
        snaps: what is installed, by name.
        addons: names of MicroK8s' addons that are enabled.
        members: users that were added to the group `microk8s`; counts from their next login on, which a rehearsal never sees.
        snapshots: snaps whose data was saved when they were removed.
    """

    sizes: dict[str, int]
    snaps: dict[str, Snap] = field(default_factory=dict)
    addons: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    snapshots: list[str] = field(default_factory=list)

    @property
    def host(self) -> VmSize:
        """The machine that commands run on."""
        known = [vm_size(name) for name in self.sizes]
        return next((size for size in known if size.gpu), known[0])

    @property
    def profile(self) -> tuple[NodeGroup, ...]:
        """Nodes of the cluster, their GPUs not offered yet."""
        return of_sizes(self.sizes, LABELS, plugged=False, files=DRIVER_FILES)

    def forget_microk8s(self) -> None:
        """What goes with the snap."""
        self.snaps.pop("microk8s", None)
        self.addons.clear()


def load(file: Path) -> Machine | None:
    """The machine that a file describes; None without one."""
    stored: Mapping[str, Any] = read_json(file)
    if not stored:
        return None
    snaps = {name: Snap(**snap) for name, snap in stored["snaps"].items()}
    return Machine(**{**stored, "snaps": snaps})


def save(machine: Machine, file: Path) -> None:
    """Keeps the machine in a file."""
    write_private(file, json.dumps(asdict(machine), indent=2))
