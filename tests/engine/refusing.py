"""A rehearsal of a shipped stack that the preflight is to refuse, and the commands that meet the refusal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli import rehearsal
from cli.environment import process_environment
from rehearsal.state import StateDir
from tests.ports import free_port

WIDE = "240"  # columns: no sentence of a table is broken where a test looks for it


@contextmanager
def rehearsed(stack: str, folder: Path) -> Iterator[StateDir]:
    """The rehearsal of a stack, started; the environment leads to it until it is stopped."""
    before = dict(os.environ)
    os.environ |= {"SDG_REHEARSAL": str(folder / "state"), "XDG_STATE_HOME": str(folder / "xdg-state")}
    os.environ.pop("CI", None)
    try:
        rehearsal.start(stack=stack, values={"forward.port": free_port(), "forward.uiPort": free_port()})
        os.environ |= process_environment(stack, rehearsed=True)
        yield StateDir(folder / "state")
        rehearsal.stop(stack, purge=True)
    finally:
        os.environ.clear()
        os.environ.update(before)


def run(*command: str) -> tuple[int, str]:
    """Exit code and output of a command; `sdg` is this project's."""
    program = [str(Path(sys.executable).with_name("sdg")), *command[1:]] if command[0] == "sdg" else list(command)
    environment = {**os.environ, "COLUMNS": WIDE}
    done = subprocess.run(program, cwd=rehearsal.ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def in_state(stack: str) -> list[str]:
    """Types of the resources that the stack's state holds."""
    code, exported = run("pulumi", "stack", "export", "--stack", stack)
    assert code == 0, exported
    resources = json.loads(exported)["deployment"].get("resources") or []
    return [resource["type"] for resource in resources if resource["type"] != "pulumi:pulumi:Stack"]
