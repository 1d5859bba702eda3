"""Which plugin executable the engine would run, looked up as the engine does.

PATH comes first, then what is bundled beside the `pulumi` executable, then the plugin cache (source: the engine's
`sdk/go/common/workspace/plugins.go`, `getPluginInfoAndPath`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

MARK = "# Written by the rehearsal: stand-in plugin"
"""The second line of every executable of ours."""


def resolve(name: str, env: Mapping[str, str], pulumi: Path | None = None) -> Path | None:
    """Return the executable that the engine would run for `pulumi-resource-X` / `pulumi-language-X`; None when there is none."""
    return next(candidates(name, env, pulumi), None)


def candidates(name: str, env: Mapping[str, str], pulumi: Path | None = None) -> Iterator[Path]:
    """Yield every executable that could be run under this name, the one that wins first."""
    for directory in env.get("PATH", "").split(os.pathsep):
        found = shutil.which(name, path=directory) if directory else None
        if found:
            yield Path(found)
    yield from _bundled(name, env, pulumi)
    yield from _cached(name, env)


def ours(executable: Path) -> bool:
    """Say whether an executable was written by the rehearsal."""
    try:
        with executable.open("rb") as file:
            return MARK.encode() in file.read(512)
    except OSError:
        return False


def official(name: str, env: Mapping[str, str], pulumi: Path | None = None) -> Path | None:
    """Return the official executable that the engine would find if ours were not there."""
    return next((path for path in candidates(name, env, pulumi) if not ours(path)), None)


def in_use(env: Mapping[str, str]) -> list[str]:
    """Say, one sentence each, which plugins the engine would run."""
    names = {
        "Python language host": "pulumi-language-python",
        "Kubernetes provider": "pulumi-resource-kubernetes",
        "azure-native provider": "pulumi-resource-azure-native",
        "Command provider": "pulumi-resource-command",
    }
    return [f"{what}: {_describe(resolve(name, env))}" for what, name in names.items()]


def _describe(executable: Path | None) -> str:
    if executable is None:
        return "none"
    return "the rehearsal's stand-in" if ours(executable) else f"the official one, {executable}"


def _bundled(name: str, env: Mapping[str, str], pulumi: Path | None) -> Iterator[Path]:
    found = pulumi or shutil.which("pulumi", path=env.get("PATH", ""))
    if found:
        bundled = shutil.which(name, path=str(Path(found).resolve().parent))
        if bundled:
            yield Path(bundled)


def _cached(name: str, env: Mapping[str, str]) -> Iterator[Path]:
    kind, plugin = name.removeprefix("pulumi-").split("-", 1)
    home = Path(env.get("PULUMI_HOME") or Path(env.get("HOME") or Path.home()) / ".pulumi")
    for directory in sorted((home / "plugins").glob(f"{kind}-{plugin}-v*"), reverse=True):
        cached = shutil.which(name, path=str(directory))
        if cached and directory.is_dir():
            yield Path(cached)
