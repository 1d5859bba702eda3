"""The state directory of a rehearsal: everything that it writes is below one private directory."""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
PORTS = ("etcd", "etcd-peer", "apiserver", "kubelet", "osmo", "charts", "prices", "arm", "internet", "control", "host")
# below Linux' range of ephemeral ports, so that no outgoing connection takes one between our choice and the server's bind
PORT_RANGE = (20_000, 32_000)
CONTEXT = "rehearsal"


@dataclass(frozen=True, slots=True)
class StateDir:
    """Paths of one rehearsal.

    Attributes:
        root: absolute directory; mode 0700, made by `prepare`.
    """

    root: Path

    @classmethod
    def of_project(cls, project: Path) -> StateDir:
        """The default place: `.sdg/rehearsal` in the project's directory."""
        return cls(project.absolute() / ".sdg" / "rehearsal")

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def processes(self) -> Path:
        return self.root / "processes.json"

    @property
    def ports(self) -> Path:
        """Local ports, chosen once and used again."""
        return self.root / "ports.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def pod_logs(self) -> Path:
        return self.logs / "pods"

    @property
    def etcd(self) -> Path:
        return self.root / "etcd"

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def bin(self) -> Path:
        """Engine plugins of this rehearsal."""
        return self.root / "bin"

    @property
    def helm(self) -> Path:
        """Helm's homes (`HELM_*`)."""
        return self.root / "helm"

    @property
    def pulumi(self) -> Path:
        """`PULUMI_HOME`."""
        return self.root / "pulumi"

    @property
    def backend(self) -> Path:
        """Directory of the `file://` backend."""
        return self.root / "backend"

    @property
    def passphrase(self) -> Path:
        return self.root / "passphrase"

    @property
    def services(self) -> Path:
        """`{"osmo": url, "charts": url, "prices": url, "arm": url, "internet": url, "control": url}`."""
        return self.root / "services.json"

    @property
    def kwok(self) -> Path:
        """kwok's configuration as generated for this state directory."""
        return self.root / "kwok.yaml"

    @property
    def osmo(self) -> Path:
        """What OSMO's stand-in remembers, by the volume of its database."""
        return self.root / "osmo"

    @property
    def charts(self) -> Path:
        """Packed charts and their index."""
        return self.root / "charts"

    @property
    def faults(self) -> Path:
        """Fault switches that are set."""
        return self.root / "faults.json"

    @property
    def functions(self) -> Path:
        """Ids of NVIDIA's functions by name, as the stack says them."""
        return self.root / "functions.json"

    @property
    def profile(self) -> Path:
        """Machines of the virtual cluster, where somebody chose them."""
        return self.root / "nodes.json"

    @property
    def host(self) -> Path:
        """Folder of the virtual host."""
        return self.root / "host"

    @property
    def machine(self) -> Path:
        """What the virtual host is; absent where a rehearsal has none."""
        return self.root / "machine.json"

    @property
    def world(self) -> Path:
        """Everything that there is in the simulated Azure."""
        return self.root / "azure.json"

    @property
    def speed(self) -> Path:
        """How many times faster than Azure the simulated one is, where somebody chose that."""
        return self.root / "speed"

    @property
    def azure(self) -> Path:
        """Folder of the login to the simulated Azure (`AZURE_CONFIG_DIR`); absent where a rehearsal has none."""
        return self.root / "azure"

    @property
    def lock(self) -> Path:
        """Held by whoever starts or stops; beside the directory, so that a purge does not remove it under another's feet."""
        return self.root.with_name(f".{self.root.name}.lock")

    def prepare(self) -> None:
        """Makes the directories, private to the user."""
        for directory in (self.root, self.logs, self.pod_logs, self.etcd, self.pki):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)

    def service_urls(self) -> dict[str, str]:
        """URLs of the local services; empty before the first start."""
        return {str(name): str(url) for name, url in read_json(self.services).items()}


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, whole or not at all."""
    staging = path.with_name(f".{path.name}.{os.getpid()}")
    staging.unlink(missing_ok=True)
    with os.fdopen(os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    staging.replace(path)


def read_json(path: Path) -> dict[str, object]:
    """A JSON object from a file; empty when there is none or it is not whole."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def choose_ports(path: Path, names: Iterable[str] = PORTS, in_use: Iterable[str] = ()) -> dict[str, int]:
    """A port for each name: the one of the last start where it is still free, else another free one.

    Args:
        path: `ports.json`; read and written.
        in_use: names whose port is held by a process of this rehearsal, and therefore kept.
    """
    kept, held = read_json(path), set(in_use)
    chosen: dict[str, int] = {}
    for name in names:
        last = kept.get(name)
        usable = isinstance(last, int) and last not in chosen.values() and (name in held or is_free(last))
        chosen[name] = int(str(last)) if usable else _another(chosen)
    if chosen != kept:
        write_private(path, json.dumps(chosen, indent=2))
    return chosen


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        # servers set this too; without it a port in TIME_WAIT would look taken
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _another(taken: Mapping[str, int]) -> int:
    candidates = random.sample(range(*PORT_RANGE), k=500)
    return next(port for port in candidates if port not in taken.values() and is_free(port))
