"""The real engine with the rehearsal's Command plugin: commands on a virtual host, from the first update to destroy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rehearsal import fence as plugin_fence
from rehearsal.host import fence
from rehearsal.plugins import install
from rehearsal.state import StateDir
from rehearsal.tools import Tools

pytestmark = pytest.mark.timeout(120)

PROJECT = f"name: commands\nruntime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n"
PROGRAM = """
import os, pulumi
from pulumi_command import local, remote
step = os.environ["STEP"]
made = local.Command("made", create="echo made >>log; snap list", update='echo "updated after: $PULUMI_COMMAND_STDOUT" >>log; echo second',
    delete="echo removed >>log", environment={"STEP": step.partition("-")[0]})
again = local.Command("again", create="echo again >>log", triggers=[step])
secret = local.Command("secret", create="cat", stdin=pulumi.Output.secret("planted-secret-value"),
    opts=pulumi.ResourceOptions(additional_secret_outputs=["stdout"]))
pulumi.export("stdout", made.stdout)
pulumi.export("secret", secret.stdout)
"""


@dataclass
class Stack:
    """One stack, with the folder of its virtual host."""

    directory: Path
    host: Path
    env: dict[str, str]

    def pulumi(self, *arguments: str, step: str = "one") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.directory,
            env={**self.env, "STEP": step},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def write(self, program: str) -> None:
        (self.directory / "__main__.py").write_text(program, encoding="utf-8")

    def outputs(self) -> dict[str, Any]:
        outputs: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json").stdout)
        return outputs

    def log(self) -> list[str]:
        return (self.host / "home" / "log").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    tools, state = Tools.locate(), StateDir(tmp_path / "state")
    install(state.bin, tools)
    host = state.root / "host"
    fence.prepare(host)
    snap = host / "bin" / "snap"
    snap.write_text("#!/bin/sh\necho the stand-in\n", encoding="utf-8")
    snap.chmod(0o700)
    directory = tmp_path / "program"
    for folder in (directory, tmp_path / "backend"):
        folder.mkdir()
    (directory / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
    env = {
        **os.environ,
        "PATH": os.pathsep.join([str(state.bin), str(tools.path("pulumi").parent), os.environ["PATH"]]),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "tests",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    plugin_fence.check(env, directory)
    made = Stack(directory, host, env)
    assert made.pulumi("stack", "init", "commands").returncode == 0
    return made


def test_commands_run_on_the_host_and_are_updated_replaced_and_removed(stack: Stack) -> None:
    stack.write(PROGRAM)
    first = stack.pulumi("up", "--yes", "--skip-preview")
    assert first.returncode == 0, first.stdout + first.stderr
    assert stack.outputs() == {"stdout": "the stand-in", "secret": "[secret]"}
    assert sorted(stack.log()) == ["again", "made"]
    assert stack.pulumi("preview", "--expect-no-changes").returncode == 0
    assert stack.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes").returncode == 0

    second = stack.pulumi("up", "--yes", "--skip-preview", step="two")
    assert "1 updated" in second.stdout, second.stdout
    assert "1 replaced" in second.stdout
    assert stack.outputs()["stdout"] == "second"
    assert "updated after: the stand-in" in stack.log()

    assert "planted-secret-value" not in stack.pulumi("stack", "export").stdout
    assert stack.pulumi("destroy", "--yes", "--skip-preview", step="two").returncode == 0
    assert stack.log()[-1] == "removed"


def test_a_command_that_could_leave_the_host_is_refused_in_the_preview(stack: Stack) -> None:
    stack.write('from pulumi_command import local\nlocal.Command("out", create="/snap/bin/microk8s status")\n')
    preview = stack.pulumi("preview")
    assert preview.returncode != 0
    assert "this one could leave it: `/snap/bin/microk8s` is outside the virtual host" in preview.stdout


def test_without_a_virtual_host_no_command_is_run(stack: Stack) -> None:
    stack.host.rename(stack.host.with_name("elsewhere"))
    stack.write('from pulumi_command import local\nlocal.Command("any", create="true")\n')
    preview = stack.pulumi("preview")
    assert preview.returncode != 0
    assert "a rehearsal runs no commands on this machine" in preview.stdout
