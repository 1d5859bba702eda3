"""The simulated Azure on a free port of this machine, and a stack whose host is logged in there."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI, Request

from rehearsal.azure.account import SUBSCRIPTION
from rehearsal.azure.ids import GROUP, key
from rehearsal.azure.quota import CLUSTER
from rehearsal.azure.world import Resource, World
from rehearsal.faults import Faults
from rehearsal.services.arm.rest import apis, environment, install
from sdg.azure.account import find as find_account
from sdg.azure.names import Names
from sdg.preflight.model import Subject
from sdg.preflight.stack import problems
from sdg.settings.parse import check

OWNER = "sdg/lab"
GPU_FAMILY = "StandardNCadsH100v5Family"
SWEDEN = {"kind": "azure", "location": "swedencentral", "allowedRanges": ["198.51.100.0/24"], "acceptUnvalidated": True}


@dataclass
class SimulatedAzure:
    """Azure, a host that is logged in to it, and everything that was asked.

    Attributes:
        asked: method and path of every question.
    """

    url: str
    faults: Faults
    world: World
    environ: dict[str, str]
    project: Path
    asked: list[tuple[str, str]] = field(default_factory=list)

    def fault(self, name, **fields):
        self.faults.set(name, fields)

    def config(self, cluster=None, **sections):
        """What the stack says; in a region that has everything, unless it says otherwise."""
        return {"cluster": {**SWEDEN, **(cluster or {})}, "forward": {"enabled": False}, "mirror": {"apis": apis(self.url)}, **sections}

    def subject(self, cluster=None, **sections):
        read, wrong = check(self.config(cluster, **sections))
        account = find_account(read["cluster"].subscription, self.environ)
        self.wrong = wrong
        return Subject(read, owner=OWNER, environ=self.environ, project=self.project, account=account)

    def findings(self, cluster=None, **sections):
        return problems(self.subject(cluster, **sections))

    def found(self, cluster=None, **sections):
        """What is said, by the check that fails."""
        found: dict[str, str] = {}
        for finding in self.findings(cluster, **sections):
            found[finding.check] = "\n".join([*filter(None, [found.get(finding.check)]), str(finding)])
        return found

    def names(self, cluster=None):
        return Names.of(self.subject(cluster).sections["cluster"], OWNER, SUBSCRIPTION)

    def has_group(self, cluster=None):
        """The stack has been deployed, at least its resource group."""
        name = self.names(cluster).resource_group
        made = {"resourceGroupName": name, "location": "swedencentral"}
        self.world.create(GROUP, f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}", made)

    def has_cluster(self, cluster, address):
        """It has been deployed with a private API server."""
        names = self.names(cluster)
        self.has_group(cluster)
        where = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{names.resource_group}/providers/{CLUSTER}/{names.cluster}"
        self.world._resources[key(where)] = Resource(CLUSTER, where, {}, {"location": "swedencentral", "privateFQDN": address})


@pytest.fixture
def azure(tmp_path, monkeypatch) -> Iterator[SimulatedAzure]:
    """A region that has everything, a login that may do everything, and nothing made yet."""
    faults = Faults()
    app, world = FastAPI(), World(faults)
    asked: list[tuple[str, str]] = []

    @app.middleware("http")
    async def remember(request: Request, call_next):
        asked.append((request.method, request.url.path))
        return await call_next(request)

    install(app, world, faults)
    with socket.create_server(("127.0.0.1", 0)) as listening, _served(app, listening):
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        path = tmp_path / "bin"
        path.mkdir()
        environ = {"PATH": str(path), "HOME": str(tmp_path), **environment(url)}
        for name in [name for name in os.environ if name.startswith(("AZURE_", "ARM_")) or name == "CI"]:
            monkeypatch.delenv(name)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)  # azure-identity looks at the process' own
        yield SimulatedAzure(url, faults, world, environ, tmp_path, asked)


@contextlib.contextmanager
def _served(app: FastAPI, listening: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)
