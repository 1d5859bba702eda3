"""Runs the Pulumi engine on a stack of this project, in the environment that the stack needs."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cli.environment import process_environment
from cli.project import ROOT
from sdg.settings.model import NAMESPACE

PREFIX = f"{NAMESPACE}:"


class PulumiError(RuntimeError):
    """The engine refused a question; its own words are the message."""


@dataclass(frozen=True)
class Engine:
    """The engine bound to one stack.

    Attributes:
        stack: the stack's name.
        environment: environment of every call.
    """

    stack: str
    environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, stack: str) -> Engine:
        return cls(stack, process_environment(stack))

    def stream(self, *arguments: str, on_line: Callable[[str], None]) -> int:
        """Runs a command and hands on every line of its output as it comes; returns its exit code."""
        with subprocess.Popen(
            self._command(arguments),
            env=dict(self.environment),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        ) as process:
            try:
                for line in process.stdout or ():
                    on_line(line.rstrip("\n"))
            except KeyboardInterrupt:
                # the terminal sent it to the engine too, which ends in good order and says how
                for line in process.stdout or ():
                    on_line(line.rstrip("\n"))
            return process.wait()

    def ask(self, *arguments: str) -> str:
        """Runs a command whose output is for us.

        Raises:
            PulumiError: with what the engine printed.
        """
        done = subprocess.run(self._command(arguments), env=dict(self.environment), cwd=ROOT, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise PulumiError((done.stderr.strip() or done.stdout.strip()).removeprefix("error: "))
        return done.stdout

    def backend(self) -> str:
        """URL of the backend that holds the stack."""
        named = self.environment.get("PULUMI_BACKEND_URL")
        if named:
            return named
        asked = subprocess.run(
            [self._program(), "whoami", "--json"], env=dict(self.environment), cwd=ROOT, check=False, capture_output=True, text=True
        )
        if asked.returncode != 0:
            raise PulumiError(asked.stderr.strip().removeprefix("error: "))
        return str(json.loads(asked.stdout)["url"])

    def config(self) -> dict[str, str]:
        """The stack's plain config below `sdg:`; objects as JSON text. Secrets are left out."""
        entries: dict[str, dict[str, Any]] = json.loads(self.ask("config", "--json"))
        ours = {key.removeprefix(PREFIX): entry for key, entry in entries.items() if key.startswith(PREFIX)}
        return {key: entry["value"] for key, entry in ours.items() if not entry["secret"]}

    def state(self) -> dict[str, Any]:
        """The exported state; secrets stay encrypted."""
        exported: dict[str, Any] = json.loads(self.ask("stack", "export"))
        return exported

    def restore(self, state: Mapping[str, Any]) -> None:
        """Puts an exported state back after a change.

        Raises:
            PulumiError: the engine refuses it, and keeps the one it has.
        """
        done = subprocess.run(
            self._command(("stack", "import")),
            env=dict(self.environment),
            cwd=ROOT,
            check=False,
            input=json.dumps(state),
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise PulumiError((done.stderr.strip() or done.stdout.strip()).removeprefix("error: "))

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [self._program(), *arguments, "--stack", self.stack, "--non-interactive"]

    def _program(self) -> str:
        return shutil.which("pulumi", path=self.environment["PATH"]) or "pulumi"
