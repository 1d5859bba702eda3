"""The rehearsal's daemon: `python -m rehearsal.daemon STATE`.

One process per state directory: kubelets' admission of pods, volumes, port-forwards, the OSMO service, the chart repository, Azure's
price API, what else lies on the internet, and the control API.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from rehearsal import control
from rehearsal.api import ACCOUNTS, CLAIMS, DEFINITIONS, NODES, PODS, Api
from rehearsal.azure.aks import Aks
from rehearsal.azure.aks_autoscaler import Autoscaler
from rehearsal.azure.aks_virtual import VirtualAks
from rehearsal.azure.clock import Clock
from rehearsal.azure.world import Resource, World
from rehearsal.devices import Devices
from rehearsal.faults import Faults
from rehearsal.forwards import Forwards
from rehearsal.kubelet import Ending, Kubelet, first_of, runs
from rehearsal.nims.operator import Operator
from rehearsal.nims.programs import Programs
from rehearsal.nims.serving import Servers
from rehearsal.pki import Pki
from rehearsal.podlogs import PodLogs
from rehearsal.references import References
from rehearsal.services.osmo.installation import Server
from rehearsal.serving import built, listen, serve
from rehearsal.state import StateDir, read_json
from rehearsal.volumes import Provisioner
from rehearsal.watching import Watcher

log = logging.getLogger(__name__)
CHARTS = Path(__file__).resolve().parent / "charts"
SERVICES = ("control", "charts", "prices", "osmo", "arm", "internet")
SERVER = "Microsoft.DBforPostgreSQL/flexibleServers"
DATABASE, PORT = f"{SERVER}/databases", "5432"
POLL = 0.05  # seconds between looks at an API server that is starting


class Daemon:
    """Composes services and loops over one cluster.

    Attributes:
        faults: the switches that services and loops obey.
        world: the simulated Azure; empty where none is deployed to.
        apps: the services by the names of their ports.
    """

    def __init__(self, state: StateDir, ports: Mapping[str, int]) -> None:
        self._state, self._ports = state, ports
        self._api = Api.of_kubeconfig(state.kubeconfig, Pki(state.pki).authority)
        self._logs = PodLogs(self._api, state.pod_logs)
        self._ready = threading.Event()
        self._absent: dict[str, str] = {}
        self.faults = Faults(state.faults)
        self.world = World(self.faults, Clock.of_file(state.speed), state.world)
        self._aks = Aks(self.world, VirtualAks(state))
        self._autoscaler = Autoscaler(self._api, self._aks.fleet, self._aks, self.world.clock)
        self.apps: Mapping[str, FastAPI] = {
            "control": control.create_app(self.faults, self._health, self._azure),
            "arm": built("arm", self._arm, self._absent),
            "charts": built("charts", self._charts, self._absent),
            "internet": built("internet", self._internet, self._absent),
            "prices": built("prices", self._prices, self._absent),
            "osmo": built("osmo", self._osmo, self._absent),
        }
        # the services' own loop over the cluster, where one has any
        self._runner = getattr(self.apps["osmo"].state, "runner", None)
        self._ending: Ending = getattr(self.apps["osmo"].state, "ending", runs)

    def start(self) -> None:
        """Follows the cluster in threads of its own, as soon as its API server answers, and brings back the one that ARM knows of."""
        self._aks.register()
        self.world.on_deleted(DATABASE, self._forget)
        threading.Thread(target=self._aks.resume, name="resume", daemon=True).start()
        threading.Thread(target=self._follow, name="follow", daemon=True).start()

    def stop(self) -> None:
        """Ends what does not end with the process."""
        self.world.clock.end()
        if self._runner is not None and self._ready.is_set():
            self._runner.stop()

    def _forget(self, database: Resource) -> None:
        """OSMO's tables go with the database in Azure that they are in."""
        server = self.world.read(SERVER, database.id.rpartition("/databases/")[0])
        service = getattr(self.apps["osmo"].state, "service", None)
        if server and service:
            host = str(server.outputs.get("fullyQualifiedDomainName", ""))
            service.store.forget(Server(host, PORT, database.name).key)

    def _follow(self) -> None:
        while not self._api.is_ready():
            threading.Event().wait(POLL)
        known, volumes = References(), Provisioner(self._api)
        nims, servers = Programs(self._api, self.faults, self._logs, self.world.clock.scale), Servers()
        kubelet = Kubelet(self._api, self.faults, known, self._logs, first_of(nims.ending, self._ending))
        forwards, operator = Forwards(self._api, self._ports, servers.ports), Operator(self._api, servers)
        devices = Devices(self._api)
        also = {
            CLAIMS: (volumes.on_claim,),
            NODES: (devices.on_node, self._autoscaler.on_node, nims.on_node),
            ACCOUNTS: (operator.on_owned,),
        }
        watchers = [
            *(
                Watcher(self._api, resource, (handler, kubelet.on_reference, *also.get(resource, ())))
                for resource, handler in known.handlers().items()
            ),
            *volumes.watchers(),
            *operator.watchers(),
            Watcher(self._api, DEFINITIONS, (operator.on_definition,)),
            Watcher(
                self._api, PODS, (nims.on_pod, servers.on_pod, kubelet.on_pod, forwards.on_pod, devices.on_pod, self._autoscaler.on_pod)
            ),
        ]
        for watcher in watchers:
            watcher.start()
        for watcher in watchers:
            watcher.synced.wait()
        kubelet.start()
        volumes.start()
        devices.start()
        operator.start()
        self._autoscaler.start()
        if self._runner is not None:
            self._runner.start()
        self._ready.set()
        log.info("ready")

    def _health(self) -> dict[str, Any]:
        return {"ready": self._ready.is_set(), "absent": self._absent}

    def _azure(self) -> dict[str, Any]:
        resources = [one.id for one in self.world.resources()]
        return {"cluster": self._aks.state, "resources": resources, "gone": [one.id for one in self.world.gone()]}

    def _arm(self) -> FastAPI:
        services = importlib.import_module("rehearsal.services.arm.app")
        app: FastAPI = services.create_app(self.world, self.faults)
        return app

    def _internet(self) -> FastAPI:
        services = importlib.import_module("rehearsal.services.internet.app")
        app: FastAPI = services.create_app(self.world, self.faults, lambda: read_json(self._state.functions))
        return app

    def _charts(self) -> FastAPI:
        services = importlib.import_module("rehearsal.services.charts")
        self._state.charts.mkdir(mode=0o700, exist_ok=True)
        app: FastAPI = services.create_app(CHARTS, self._state.charts, self.faults)
        return app

    def _prices(self) -> FastAPI:
        services = importlib.import_module("rehearsal.services.azure_prices")
        app: FastAPI = services.create_app(self.faults)
        return app

    def _osmo(self) -> FastAPI:
        services = importlib.import_module("rehearsal.services.osmo")
        app: FastAPI = services.create_app(self._api, self.faults, data=self._state.osmo)
        # what tasks print may be registered here, so that `kubectl logs` shows it
        app.state.pod_logs = self._logs
        return app


def main(arguments: list[str]) -> int:
    """Runs until it is told to end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    state = StateDir(Path(arguments[0]).absolute())
    ports = {name: int(str(port)) for name, port in read_json(state.ports).items()}
    sockets = {name: listen(ports[name]) for name in SERVICES}
    daemon = Daemon(state, ports)
    daemon.start()
    try:
        asyncio.run(serve(daemon.apps, sockets))
    finally:
        daemon.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
