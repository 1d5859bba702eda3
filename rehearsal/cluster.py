"""The virtual cluster: a real control plane with virtual nodes, on this machine, below one state directory.

`python -m rehearsal.cluster start|stop|status --state DIR`
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from rehearsal import controlplane, nodes
from rehearsal.api import ACCOUNTS, DEFINITIONS, LEASES, LOGS, PORT_FORWARDS, STORAGE_CLASSES, Api, ApiError, Resource
from rehearsal.locks import exclusive
from rehearsal.nodes import DEFAULT_PROFILE, NodeGroup
from rehearsal.pki import Pki
from rehearsal.processes import Command, ProcessEnded, ProcessTable, end_all
from rehearsal.state import HOST, StateDir, choose_ports, write_private
from rehearsal.tools import ToolMissing, Tools

# which ports each process listens on
LISTENERS: Mapping[str, tuple[str, ...]] = {
    "etcd": ("etcd", "etcd-peer"),
    "kube-apiserver": ("apiserver",),
    "kwok": ("kubelet",),
    "daemon": ("osmo", "charts", "prices", "arm", "internet", "control"),
    "host": ("host",),
}
DAEMON = "daemon"
PROCESSES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", DAEMON)
OBJECTS = controlplane.STAGES / "objects"
POLL = 0.05  # seconds
MANY = 100  # nodes; from here on a look at all of them is not cheap
SERVICES = ("osmo", "charts", "prices", "arm", "internet", "control")


class StartFailed(RuntimeError):
    """The cluster did not become ready in time; names what it still waited for and where the logs are."""


@dataclass(frozen=True, slots=True)
class Status:
    """What runs.

    Attributes:
        processes: process name → id, or None when it does not run.
        ready: whether API server and services answer.
        services: URLs of the local services.
    """

    processes: Mapping[str, int | None]
    ready: bool
    services: Mapping[str, str]

    @property
    def running(self) -> bool:
        """Whether every process runs."""
        return all(pid is not None for pid in self.processes.values())

    @property
    def stopped(self) -> bool:
        """Whether no process runs."""
        return all(pid is None for pid in self.processes.values())


class VirtualCluster:
    """Starts, looks at and stops the cluster of one state directory.

    Args:
        deadline: seconds until a start that is not ready has failed.
    """

    def __init__(self, state: StateDir, tools: Tools, deadline: float = 60.0) -> None:
        self._state, self._tools, self._deadline = state, tools, deadline
        self._table, self._pki = ProcessTable(state), Pki(state.pki)
        self._expected: set[str] = set()
        self._http = requests.Session()
        self._http.trust_env = False  # a proxy would not know 127.0.0.1

    def start(self, profile: Sequence[NodeGroup] = DEFAULT_PROFILE, *, storage_class: bool = True, daemon: bool = True) -> Status:
        """Brings up what does not run, and returns when the cluster can be used. Repeating it is cheap and restores what went missing.

        Args:
            storage_class: whether the cluster comes with a default class for volumes.
            daemon: whether the daemon is started too, or anew where its code has changed; False when it is the daemon that asks.

        Raises:
            ToolMissing: a program has to be built first.
            ProcessEnded: a process ended while the cluster started.
            StartFailed: the cluster was not ready in time.
        """
        with exclusive(self._state.lock):
            self._expected.clear()
            ports = self._prepare()
            self._start_api_server(ports, daemon=daemon)
            api = Api.of_kubeconfig(self._state.kubeconfig, self._pki.authority)
            self._await("the API server", api.is_ready)
            self._ensure(controlplane.controller_manager(self._state, self._tools, ports, self._pki))
            self._ensure(controlplane.scheduler(self._state, self._tools, ports, self._pki))
            self._start_nodes(api, ports, profile, storage_class=storage_class)
            self._await_usable(api, profile)
        return self.status()

    def start_services(self) -> Status:
        """Brings up the services alone: whether there is a cluster is up to what was deployed to one of them.

        Raises as `start` does.
        """
        with exclusive(self._state.lock):
            self._expected.clear()
            self._start_services(self._prepare())
        return self.status()

    def start_host(self) -> Status:
        """Brings up the services and the virtual host alone: whether there is a cluster is up to what is installed on that host.

        Raises as `start` does.
        """
        with exclusive(self._state.lock):
            self._expected.clear()
            ports = self._prepare()
            self._start_services(ports)
            self._ensure(controlplane.host(self._state, ports))
            self._await("the virtual host", lambda: _listens(ports["host"]))
        return self.status()

    def wipe(self, *, daemon: bool = True) -> None:
        """Takes the cluster away with everything in it; the services and the host stay.

        Args:
            daemon: whether the daemon begins anew, and with it OSMO's databases; False when it is the daemon that asks.

        Raises as `start` does.
        """
        with exclusive(self._state.lock):
            self._expected.clear()
            # the daemon remembers what was in the cluster, until its watches see another one
            self._table.end([name for name in PROCESSES if daemon or name != DAEMON])
            for folder in (self._state.etcd, self._state.pod_logs, *([self._state.osmo] if daemon else [])):
                shutil.rmtree(folder, ignore_errors=True)
            ports = self._prepare()
            if daemon:
                self._start_services(ports)

    def _start_services(self, ports: Mapping[str, int]) -> None:
        self._ensure(controlplane.daemon(self._state, ports, self._pki))
        self._await("the services", lambda: bool(self._health(self._state.service_urls())))

    def stop(self, *, purge: bool = False) -> list[str]:
        """Ends every process of the state directory; returns the names of those that ran.

        Args:
            purge: removes the state directory too.
        """
        with exclusive(self._state.lock):
            ended = self._table.end()
            self._state.faults.unlink(missing_ok=True)
            if purge:
                shutil.rmtree(self._state.root, ignore_errors=True)
        if purge:
            self._state.lock.unlink(missing_ok=True)
        return ended

    def status(self) -> Status:
        """What runs now."""
        running = self._table.running()
        names = (*PROCESSES, "host") if self._state.machine.exists() else PROCESSES
        processes = {name: running[name].pid if name in running else None for name in names}
        urls = self._state.service_urls()
        ready = all(processes.values()) and self._daemon_is_ready(urls) and self._api_is_ready()
        return Status(processes, ready, urls)

    def _prepare(self) -> dict[str, int]:
        """Everything that the processes read: directories, keys, ports, configuration."""
        self._state.prepare()
        self._end_strays()
        running = self._table.running()
        ports = choose_ports(self._state.ports, in_use=[port for name in running for port in LISTENERS.get(name, ())])
        self._pki.ensure()
        write_private(self._state.kubeconfig, controlplane.kubeconfig(self._pki, ports["apiserver"]))
        write_private(self._state.kwok, controlplane.kwok_configuration(self._state))
        write_private(self._state.services, json.dumps({name: f"http://{HOST}:{ports[name]}" for name in SERVICES}, indent=2))
        (self._state.pod_logs / "empty.log").touch(mode=0o600)
        return ports

    def _end_strays(self) -> None:
        """Ends what a start left that was killed before it could record it."""
        end_all(self._table.strays())

    def _start_api_server(self, ports: Mapping[str, int], *, daemon: bool) -> None:
        self._ensure(controlplane.etcd(self._state, self._tools, ports, self._pki))
        if daemon:
            self._ensure(controlplane.daemon(self._state, ports, self._pki))
        # the API server looks again only after a second when etcd does not listen yet
        self._await("etcd", lambda: _listens(ports["etcd"]))
        self._ensure(controlplane.apiserver(self._tools, ports, self._pki))

    def _start_nodes(self, api: Api, ports: Mapping[str, int], profile: Sequence[NodeGroup], *, storage_class: bool) -> None:
        for name, resource in (("definitions", DEFINITIONS), *([("storage-classes", STORAGE_CLASSES)] if storage_class else [])):
            for item in yaml.safe_load_all((OBJECTS / f"{name}.yaml").read_text()):
                api.apply(resource, item)
        nodes.create_missing(api, profile, ports["kubelet"])
        nodes.create_runtime_class(api, profile)
        # kwok looks only once in a while for kinds that are not served yet
        self._await("kwok's kinds", lambda: _is_served(api, PORT_FORWARDS) and _is_served(api, LOGS))
        kwok = controlplane.kwok(self._state, self._tools, ports, self._pki)
        if not self._table.is_current(kwok):
            self._table.end([kwok.name])
            # an earlier kwok's leases would keep a new one from its nodes until they run out
            api.delete_all(LEASES, "kube-node-lease")
        self._ensure(kwok)

    def _ensure(self, command: Command) -> None:
        self._expected.add(command.name)
        if not self._table.is_current(command):
            self._table.end([command.name])
            self._table.start(command)

    def _await_usable(self, api: Api, profile: Sequence[NodeGroup]) -> None:
        urls = self._state.service_urls()
        self._await("the services", lambda: self._daemon_is_ready(urls))
        if absent := self._health(urls).get("absent"):
            raise StartFailed("\n".join(f"The service {name} cannot start: {reason}" for name, reason in absent.items()))
        # made by the controllers: pods of a namespace are refused until it exists
        self._await("the default service account", lambda: api.get(ACCOUNTS, "default", "default") is not None)
        self._await(
            "schedulable nodes",
            lambda: not nodes.unschedulable(api, profile),
            POLL if sum(group.count for group in profile) < MANY else 10 * POLL,
        )

    def _await(self, what: str, holds: Callable[[], bool], poll: float = POLL) -> None:
        deadline = time.monotonic() + self._deadline
        while not holds():
            self._table.require(self._expected)
            if time.monotonic() > deadline:
                raise StartFailed(f"The virtual cluster still waits for {what} after {self._deadline:.0f} s. Logs: {self._state.logs}")
            time.sleep(poll)

    def _api_is_ready(self) -> bool:
        return self._state.kubeconfig.exists() and Api.of_kubeconfig(self._state.kubeconfig, self._pki.authority).is_ready()

    def _daemon_is_ready(self, urls: Mapping[str, str]) -> bool:
        return bool(self._health(urls).get("ready"))

    def _health(self, urls: Mapping[str, str]) -> dict[str, Any]:
        try:
            health = self._http.get(f"{urls['control']}/health", timeout=2)
            return dict(health.json()) if health.ok else {}
        except (requests.RequestException, KeyError, ValueError):
            return {}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def _is_served(api: Api, resource: Resource) -> bool:
    try:
        api.list(resource)
    except ApiError:
        return False
    return True


def main() -> int:
    """Starts, looks at or stops the cluster of a state directory."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.cluster", description=main.__doc__)
    parser.add_argument("action", choices=("start", "status", "stop"))
    parser.add_argument("--state", type=Path, default=StateDir.of_project(Path.cwd()).root, help="state directory")
    parser.add_argument("--purge", action="store_true", help="with stop: remove the state directory")
    chosen = parser.parse_args()
    state = StateDir(chosen.state.absolute())
    cluster = VirtualCluster(state, Tools.locate())
    if chosen.action == "stop":
        print("stopped", ", ".join(cluster.stop(purge=chosen.purge)) or "nothing")
        return 0
    started = time.monotonic()
    try:
        status = cluster.start() if chosen.action == "start" else cluster.status()
    except (ProcessEnded, StartFailed, ToolMissing) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps({"ready": status.ready, "processes": dict(status.processes), "services": dict(status.services)}, indent=2))
    if chosen.action == "start":
        print(f"ready after {time.monotonic() - started:.1f} s; export KUBECONFIG={state.kubeconfig}")
    return 0 if status.ready else 1


if __name__ == "__main__":
    raise SystemExit(main())
