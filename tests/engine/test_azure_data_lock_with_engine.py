"""The real engine with a data lock: what is refused before anything is done, and what is replaced together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rehearsal.plugins import install
from rehearsal.state import StateDir
from rehearsal.tools import Tools

pytestmark = pytest.mark.timeout(180)

PROJECT = f"name: locked\nruntime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n"
# any resource stands for the server here: the engine, not Azure, replaces it with its lock
PROGRAM = """
import json, os, pulumi
from components.cluster.azure.data_lock import DataLock
from components.generated import GeneratedSecret
asked = json.loads(os.environ["ASKED"])
lock = DataLock("database", asked["made"], unlocked=asked.get("unlocked", False))
GeneratedSecret("server", "password", lock.held)
"""
MADE = {"made": "on", "name": "psql-one", "storageGib": "64", "geoBackup": "off"}
GROWN = MADE | {"storageGib": "128"}
MOVED = GROWN | {"geoBackup": "on"}


@dataclass
class Stack:
    """One stack."""

    directory: Path
    env: dict[str, str]

    def pulumi(self, *arguments: str, **asked: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Tools.locate().path("pulumi")), *arguments, "--non-interactive"],
            cwd=self.directory,
            env={**self.env, "ASKED": json.dumps(asked)},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def steps(self, **asked: Any) -> dict[str, str]:
        """What a preview would do, by resource."""
        found = self.pulumi("preview", "--json", **asked)
        assert found.returncode == 0, found.stdout + found.stderr
        steps = {step["urn"].rpartition("::")[2]: step["op"] for step in json.loads(found.stdout)["steps"]}
        return {name: op for name, op in steps.items() if name in ("database-lock", "server") and op != "same"}

    def update(self, **asked: Any) -> None:
        found = self.pulumi("up", "--yes", "--skip-preview", **asked)
        assert found.returncode == 0, found.stdout + found.stderr

    def server(self) -> str:
        """Id of what stands for the server."""
        deployment = json.loads(self.pulumi("stack", "export").stdout)["deployment"]
        return next(str(each["id"]) for each in deployment["resources"] if each["urn"].endswith("::server"))


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    tools, state = Tools.locate(), StateDir(tmp_path / "state")
    install(state.bin, tools)
    directory = tmp_path / "program"
    for folder in (directory, tmp_path / "backend"):
        folder.mkdir()
    (directory / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
    (directory / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    env = {
        **os.environ,
        "PATH": os.pathsep.join([str(state.bin), str(tools.path("pulumi").parent), os.environ["PATH"]]),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "tests",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    made = Stack(directory, env)
    assert made.pulumi("stack", "init", "test").returncode == 0
    return made


def test_data_is_made_anew_only_when_the_stack_says_so(stack: Stack) -> None:
    stack.update(made=MADE)
    first = stack.server()
    assert stack.steps(made=MADE) == {}
    assert stack.steps(made=GROWN) == {"database-lock": "update"}
    stack.update(made=GROWN)

    refused = stack.pulumi("up", "--yes", "--skip-preview", made=MOVED)
    assert refused.returncode != 0
    assert "sdg:cluster.database.geoBackup was off and is on now" in refused.stdout + refused.stderr
    assert stack.pulumi("preview", made=GROWN | {"storageGib": "64"}).returncode != 0
    assert stack.server() == first

    planned = stack.steps(made=MOVED, unlocked=True)
    assert {name: op for name, op in planned.items() if "replace" in op}.keys() == {"database-lock", "server"}
    stack.update(made=MOVED, unlocked=True)
    assert stack.server() != first
    assert stack.steps(made=MOVED) == {}
