"""The programs that a rehearsal runs: found on PATH or in the per-user cache, built there from Go modules when missing.

`python -m rehearsal.tools` builds what is missing. A second clone builds nothing: the cache is keyed by what goes into the build.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from rehearsal import toolchain
from rehearsal.families import BUILD_FLAGS, FAMILIES, Family, Found
from rehearsal.locks import exclusive
from rehearsal.toolchain import CommandFailed, Say

BUILD = "python -m rehearsal.tools"


class ToolMissing(RuntimeError):
    """A program that the rehearsal runs is neither on PATH nor in the cache."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not there. Build what is missing with `{BUILD}` (or `make demo`, which does it by itself).")


def cache_directory() -> Path:
    """Per-user cache of built tools: `$XDG_CACHE_HOME/sdg`, by default `~/.cache/sdg`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sdg"


@dataclass(frozen=True, slots=True)
class Tools:
    """Where the programs are.

    Attributes:
        paths: program name → absolute path of what exists.
    """

    paths: Mapping[str, Path]

    @classmethod
    def locate(cls, cache: Path | None = None) -> Tools:
        """Looks on PATH and in the cache; builds nothing."""
        root = cache or cache_directory()
        return cls({name: path for family in FAMILIES for name, path in _located(family, root).items()})

    def path(self, name: str) -> Path:
        """Absolute path of a program.

        Raises:
            ToolMissing: it has to be built first.
        """
        if name not in self.paths:
            raise ToolMissing(name)
        return self.paths[name]


def build(say: Say, families: Iterable[Family] = FAMILIES, cache: Path | None = None) -> Tools:
    """Builds what is missing, one family after the other, and says so before and after each.

    Raises:
        CommandFailed: a build failed; names the command, its last lines and the remedy.
    """
    root = cache or cache_directory()
    missing = [family for family in families if not _located(family, root)]
    if missing:
        go = toolchain.go(root, say)
        for family in missing:
            _build(family, go, root, say)
    return Tools.locate(root)


def home(family: Family, cache: Path) -> Path:
    """Directory of a family's binaries."""
    return cache / "tools" / f"{family.name}-{family.key}"


def _located(family: Family, cache: Path) -> dict[str, Path]:
    if family.on_path and (found := _from_path(family.name, family.on_path)):
        return {family.name: found}
    directory = home(family, cache)
    return {name: directory / name for name in family.packages} if directory.is_dir() else {}


def _from_path(name: str, wanted: Found) -> Path | None:
    found = shutil.which(name)
    if found is None:
        return None
    try:
        asked = subprocess.run([found, *wanted.ask], capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(wanted.pattern, asked, re.MULTILINE)
    good = version is not None and Version(version[1]) >= Version(wanted.minimum)
    return Path(found).absolute() if good else None


def _build(family: Family, go: Path, cache: Path, say: Say) -> None:
    """Builds into a directory beside the final one and renames it: what exists is whole."""
    final = home(family, cache)
    what = f"{', '.join(family.packages)} {family.version}"
    with exclusive(final.with_name(f".{final.name}.lock"), lambda: say(f"waiting for another build of {family.name}")):
        if final.is_dir():
            return
        say(f"building {what} (about {_minutes(family.minutes)} on two cores, less when partly built before)")
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f".{final.name}.", dir=final.parent) as staging:
            whole = Path(staging) / "whole"
            whole.mkdir()
            for name, package in family.packages.items():
                _compile(family, go, package, whole / name)
            whole.rename(final)
        say(f"built {what} in {time.monotonic() - started:.0f} s")


def _compile(family: Family, go: Path, package: str, binary: Path) -> None:
    remedy = (
        f"Check that the Go module proxy is reachable (`go env GOPROXY`) and that the disk has 5 GB free, then run `{BUILD}` again: "
        "it continues where it stopped."
    )
    command = [str(go), "build", *BUILD_FLAGS, f"-ldflags={family.link_flags}", "-o", str(binary), package]
    toolchain.run(command, remedy, cwd=family.source, env=toolchain.environment())


def _minutes(minutes: float) -> str:
    whole, seconds = divmod(round(minutes * 60), 60)
    return " ".join(part for part in (f"{whole} min" if whole else "", f"{seconds} s" if seconds else "") if part)


def main() -> int:
    """Builds what is missing; exit code 1 with the failed command when that is not possible."""
    try:
        build(lambda line: print(line, flush=True))
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
