"""`microk8s`: says whether the cluster runs, switches addons, hands out its kubeconfig.

The words and exit codes are those of MicroK8s' own scripts (`scripts/wrappers`), among them that `status` ends well whatever it found, and
that `enable` runs nothing of what follows an addon that failed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import yaml

from rehearsal.host.calls import Answer, Call, Host, refused
from rehearsal.host.gpu import GpuAddon
from rehearsal.host.snap import NAME, revision, version

POLL: Final = 0.1  # seconds between looks at a cluster that comes up
ADDON_TIMEOUT: Final = 30  # seconds that `enable` waits for the cluster
MANIFESTS: Final = Path(__file__).resolve().parent / "addons"
DESCRIPTIONS: Final[Mapping[str, str]] = {
    "cert-manager": "Cloud native certificate management",
    "community": "The community addons repository",
    "dashboard": "The Kubernetes dashboard",
    "dns": "CoreDNS",
    "ha-cluster": "Configure high availability on the current node",
    "helm": "Helm - the package manager for Kubernetes",
    "helm3": "Helm 3 - the package manager for Kubernetes",
    "hostpath-storage": "Storage class; allocates storage from host directory",
    "ingress": "Ingress controller for external access",
    "metallb": "Loadbalancer for your Kubernetes cluster",
    "metrics-server": "K8s Metrics Server for API access to service metrics",
    "minio": "MinIO object storage",
    "nvidia": "NVIDIA hardware (GPU and network) support",
    "rbac": "Role-Based Access Control for authorisation",
    "registry": "Private image registry exposed on localhost:32000",
}
_SWITCHES: Final = {"rbac": "RBAC", "helm": "Helm", "helm3": "Helm 3", "ha-cluster": "HA"}
"""Addons that change how the cluster runs, and add nothing to it that a rehearsal would see."""

_NOT_RUNNING: Final = "microk8s is not running. Use microk8s inspect for a deeper inspection."
_NO_ACCESS: Final = """\
Insufficient permissions to access MicroK8s.
You can either try again with sudo or add the user {user} to the 'microk8s' group:

    sudo usermod -a -G microk8s {user}
    sudo chown -R {user} ~/.kube

After this, reload the user groups either via a reboot or by running 'newgrp microk8s'.
"""
_REFUSED_CONNECTION: Final = "The connection to the server 127.0.0.1:16443 was refused - did you specify the right host or port?"


class Cluster(Protocol):
    """The cluster that MicroK8s runs."""

    def ready(self) -> bool:
        """Whether its API answers and a node is ready."""

    def kubeconfig(self) -> str:
        """The administrator's kubeconfig, as MicroK8s prints it."""

    def apply(self, manifest: Mapping[str, Any]) -> None:
        """Creates an object, or brings its fields back."""

    def delete(self, manifest: Mapping[str, Any]) -> None:
        """Deletes an object if it is there."""

    def tool(self, name: str, arguments: tuple[str, ...], stdin: str = "") -> Answer:
        """Runs `kubectl` or `helm` on it."""


@dataclass(frozen=True)
class MicroK8s:
    """The program, on one host and its cluster."""

    host: Host
    cluster: Cluster

    def answer(self, call: Call) -> Answer:
        """What `microk8s` says and does."""
        verb, *rest = call.arguments or ("",)
        if verb == "version":
            snap = self.host.machine.snaps[NAME]
            return Answer(f"MicroK8s {version(snap)} revision {revision(snap)}\n")
        verbs: dict[str, Callable[[], Answer]] = {
            "status": lambda: self._status(call),
            "start": Answer,  # what keeps the virtual cluster from running is a fault, and starting it ends none
            "enable": lambda: self._switch(rest, self._enable, "enabled"),
            "disable": lambda: self._switch(rest, self._disable, "disabled"),
            "config": lambda: Answer(self.cluster.kubeconfig()),
            "kubectl": lambda: self.cluster.tool("kubectl", tuple(rest), call.stdin),
            "helm": lambda: self.cluster.tool("helm", tuple(rest), call.stdin),
            "helm3": lambda: self.cluster.tool("helm", tuple(rest), call.stdin),
        }
        if verb not in verbs:
            return refused(f"'{verb}' is not a valid MicroK8s subcommand.\nPlease use the --help flag for more information.")
        return verbs[verb]() if call.root else Answer(_NO_ACCESS.format(user=call.user), code=1)

    def _status(self, call: Call) -> Answer:
        ready = self._wait(float(call.value("--timeout", call.value("-t", "0")))) if _waits(call) else self._ready()
        style = "yaml" if "--yaml" in call.arguments else call.value("--format", "pretty")
        if addon := call.value("--addon", call.value("-a")):
            return Answer("enabled\n" if ready and addon in self.host.machine.addons else "disabled\n")
        return Answer({"yaml": self._yaml, "short": self._short}.get(style, self._pretty)(ready))

    def _ready(self) -> bool:
        return self.host.fault("host.microk8s") is None and self.cluster.ready()

    def _wait(self, seconds: float) -> bool:
        """Waits until the cluster is ready; without a limit for 0 seconds."""
        end = time.monotonic() + seconds
        while not self._ready():
            if seconds and time.monotonic() > end:
                return False
            time.sleep(POLL)
        return True

    def _addons(self) -> list[tuple[str, str]]:
        """Every addon with its status, those that are enabled first, as `status` lists them."""
        enabled = set(self.host.machine.addons)
        states = [(name, "enabled" if name in enabled else "disabled") for name in DESCRIPTIONS]
        return sorted(states, key=lambda state: (state[1] != "enabled", state[0]))

    def _short(self, ready: bool) -> str:
        lines = ["microk8s is running", "addons:", *(f"core/{name}: {state}" for name, state in self._addons())]
        return "\n".join(lines if ready else [_NOT_RUNNING]) + "\n"

    def _yaml(self, ready: bool) -> str:
        if not ready:
            return f"microk8s:\n  running: False\n  message: {_NOT_RUNNING}\n"
        entry = "  - name: {0}\n    repository: core\n    description: {2}\n    version: 1.0.0\n    status: {1}\n"
        return _YAML_HEAD + "".join(entry.format(name, state, DESCRIPTIONS[name]) for name, state in self._addons())

    def _pretty(self, ready: bool) -> str:
        lines = ["microk8s is running", *_NO_HA, "addons:"]
        for wanted in ("enabled", "disabled"):
            lines.append(f"  {wanted}:")
            lines += [f"    {name:<20} # (core) {DESCRIPTIONS[name]}" for name, state in self._addons() if state == wanted]
        return "\n".join(lines if ready else [_NOT_RUNNING]) + "\n"

    def _switch(self, rest: list[str], act: Callable[[str, tuple[str, ...]], Answer], done: str) -> Answer:
        """Switches several addons without arguments, or one with its own; ends with the first that fails."""
        if not rest:
            return refused("Usage: microk8s enable ADDON...\n\nError: Missing argument 'ADDONS...'.", 2)
        several = all(_name(word) in DESCRIPTIONS for word in rest)
        chosen = [(_name(word), ()) for word in rest] if several else [(_name(rest[0]), tuple(rest[1:]))]
        said = Answer(out=_SEVERAL if len(chosen) > 1 else "")
        for name, arguments in chosen:
            found = self._switch_one(name, arguments, act, done)
            said = Answer(said.out + found.out, said.err + found.err, found.code)
            if said.code:
                break
        return said

    def _switch_one(self, name: str, arguments: tuple[str, ...], act: Callable[[str, tuple[str, ...]], Answer], done: str) -> Answer:
        if name not in DESCRIPTIONS:
            return refused(f"Addon {name} was not found in any repository")
        inferred = f"Infer repository core for addon {name}\n"
        if (name in self.host.machine.addons) == (done == "enabled"):
            return Answer(f"Addon core/{name} is already {done}\n", inferred)
        if not self._wait(ADDON_TIMEOUT):
            return refused(_REFUSED_CONNECTION)
        found = act(name, arguments)
        self.host.keep()
        return Answer(found.out, inferred + found.err, found.code)

    def _enable(self, name: str, arguments: tuple[str, ...]) -> Answer:
        if name == "nvidia":
            return self._gpus().enable(arguments)
        if name not in _SWITCHES and not _manifests(name):
            return refused(f"a rehearsal cannot enable the addon {name}: it knows nothing of what that would make", 2)
        for manifest in _manifests(name):
            self.cluster.apply(manifest)
        self.host.machine.addons.append(name)
        return Answer(f"Enabling {_SWITCHES.get(name, DESCRIPTIONS[name])}\n{name} is enabled\n")

    def _disable(self, name: str, _arguments: tuple[str, ...]) -> Answer:
        if name == "nvidia":
            return self._gpus().disable()
        for manifest in reversed(_manifests(name)):
            self.cluster.delete(manifest)
        self.host.machine.addons.remove(name)
        return Answer(f"Disabling {_SWITCHES.get(name, DESCRIPTIONS[name])}\n{name} is disabled\n")

    def _gpus(self) -> GpuAddon:
        return GpuAddon(self.host, self.cluster.tool, lambda name: self._switch([name], self._enable, "enabled"))


_NO_HA: Final = ("high-availability: no", "  datastore master nodes: 127.0.0.1:19001", "  datastore standby nodes: none")
_YAML_HEAD: Final = """\
microk8s:
  running: True
high-availability:
  enabled: False
  nodes:
    - address: 127.0.0.1:19001
      role: voter
addons:
"""
_SEVERAL: Final = """\
WARNING: Do not enable or disable multiple addons in one command.
         This form of chained operations on addons will be DEPRECATED in the future.
         Please, enable one addon at a time: 'microk8s enable <addon>'
"""


def _name(word: str) -> str:
    return word.removeprefix("core/").partition(":")[0]


def _waits(call: Call) -> bool:
    return bool({"-w", "--wait-ready"} & set(call.arguments))


def _manifests(addon: str) -> list[dict[str, Any]]:
    file = MANIFESTS / f"{addon}.yaml"
    return list(yaml.safe_load_all(file.read_text())) if file.exists() else []
