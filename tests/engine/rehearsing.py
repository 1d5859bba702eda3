"""`sdg` as a user runs it who has no rehearsal and no forward yet."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from rehearsal.processes import MARK
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
SDG = str(Path(sys.executable).with_name("sdg"))
STEPS = ("preflight", "update", "gates", "preview", "destroy", "inventory")


@dataclass(frozen=True)
class Command:
    """The command, for one stack and in one folder.

    Attributes:
        ports: of the forwards, as assignments.
    """

    stack: str
    state: Path
    environment: dict[str, str]
    ports: list[str]

    def __call__(self, *arguments):
        return self.run(SDG, *arguments)

    def run(self, *words):
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(words, cwd=ROOT, env=self.environment, text=True, timeout=500, check=False, **streams)

    def rehearse(self, *words):
        config = [word for assignment in self.ports for word in ("--config", assignment)]
        return self("rehearse", "--stack", self.stack, *config, *words)

    def fault(self, name, body="{}"):
        """Sets a fault before the stack is rehearsed."""
        assert self("rehearsal", "start", "--stack", self.stack).returncode == 0
        assert self("rehearsal", "fault", name, body, "--stack", self.stack).returncode == 0

    def shell(self, commands):
        """Runs commands in a shell that works on the rehearsal."""
        return self.run("sh", "-c", f'eval "$({SDG} env {self.stack} --rehearsal)" && {commands}')

    def stop(self):
        self("rehearsal", "stop", "--stack", self.stack, "--purge")

    def processes(self):
        """Command lines of what runs for the rehearsal."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK, "").startswith(f"{self.state}:"):
                    found.append(process.cmdline())
            except psutil.Error:
                continue
        return found


def command(folder, stack):
    """The command in an empty folder."""
    state = folder / "state"
    environment = os.environ | {"SDG_REHEARSAL": str(state), "XDG_STATE_HOME": str(folder / "xdg-state")}
    ports = [f"forward.{key}={free_port()}" for key in ("port", "uiPort")]
    return Command(stack, state, environment, ports)


def verdicts(output):
    """Each step with its verdict, from the table at the end."""
    table = output.rpartition("Rehearsal  ")[2]
    return dict(re.findall(r"│ (\w+) +│ +[\d.]* +│ (held|failed|skipped)", table))


def ran_on(output):
    """The node of each smoke workflow's one task, from the evidence of its gate."""
    return dict(re.findall(r"^(verify-\S+) ran on (\S+)$", output, re.MULTILINE))
