"""Small programs against a simulated Azure of their own, run by the real engine with the rehearsal's azure-native plugin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from rehearsal import fence
from rehearsal.azure.account import SUBSCRIPTION
from rehearsal.azure.clock import Clock
from rehearsal.azure.world import World
from rehearsal.faults import Faults
from rehearsal.plugins import install
from rehearsal.services.arm.app import create_app
from rehearsal.serving import listen
from rehearsal.state import StateDir, write_private
from rehearsal.tools import Tools

PROJECT = f"name: azure\nruntime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n"
PASSWORD = "Planted-Secret-4711"


@dataclass
class Stack:
    """One stack, with the simulated Azure that it is deployed to."""

    directory: Path
    world: World
    env: dict[str, str]

    def pulumi(self, *arguments: str, step: str = "one") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.directory,
            env={**self.env, "STEP": step},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def up(self, step: str = "one") -> subprocess.CompletedProcess[str]:
        return self.pulumi("up", "--yes", "--skip-preview", step=step)

    def write(self, program: str) -> None:
        (self.directory / "__main__.py").write_text(program, encoding="utf-8")

    def outputs(self) -> dict[str, Any]:
        outputs: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json", "--show-secrets").stdout)
        return outputs

    def names(self) -> set[str]:
        return {one.name for one in self.world.resources()}


@contextmanager
def stack_of(program: str, tmp_path: Path) -> Iterator[Stack]:
    """A stack that nothing was deployed to yet."""
    tools, state = Tools.locate(), StateDir(tmp_path / "state")
    install(state.bin, tools)
    faults = Faults()
    world = World(faults, Clock(0), state.world)
    with _served(world, faults, state):
        directory = tmp_path / "program"
        for folder in (directory, tmp_path / "backend"):
            folder.mkdir()
        (directory / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
        env = {name: value for name, value in os.environ.items() if not name.startswith(("ARM_", "AZURE_"))} | {
            "PATH": os.pathsep.join([str(state.bin), str(tools.path("pulumi").parent), os.environ["PATH"]]),
            "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "tests",
            "PULUMI_HOME": str(tmp_path / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "SUBSCRIPTION": SUBSCRIPTION,
            "PASSWORD": PASSWORD,
        }
        fence.check(env, directory)
        made = Stack(directory, world, env)
        assert made.pulumi("stack", "init", "azure").returncode == 0
        made.write(program)
        yield made


class _served:  # noqa: N801 -- reads as a context
    """Serve a simulated Azure on a free port, as the rehearsal's daemon does."""

    def __init__(self, world: World, faults: Faults, state: StateDir) -> None:
        self._socket = listen(0)
        self._server = uvicorn.Server(uvicorn.Config(create_app(world, faults), log_level="warning"))
        self._thread = threading.Thread(target=lambda: self._server.run(sockets=[self._socket]), daemon=True)
        port = self._socket.getsockname()[1]
        write_private(state.services, json.dumps({"arm": f"http://127.0.0.1:{port}"}))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()
