"""Which plugin executable the engine would run, looked up as the engine does.

PATH comes first, then, for language hosts and dynamic providers alone, what is bundled beside the `pulumi` executable, then the plugin
cache (source: the engine's `sdk/go/common/workspace/plugins.go`, `getPluginInfoAndPath`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

MARK = "# Written by the rehearsal: stand-in plugin"
"""The second line of every executable of ours."""

_BUNDLED = {"pulumi-language-python", "pulumi-resource-pulumi-python"}
_NAMES = {
    "Python language host": "pulumi-language-python",
    "Kubernetes provider": "pulumi-resource-kubernetes",
    "azure-native provider": "pulumi-resource-azure-native",
    "Command provider": "pulumi-resource-command",
}


def resolve(name: str, env: Mapping[str, str], pulumi: Path | None = None) -> Path | None:
    """Return the executable that the engine would run for `pulumi-resource-X` / `pulumi-language-X`; None when there is none."""
    return next(_candidates(name, env, pulumi), None)


def official(name: str, env: Mapping[str, str], pulumi: Path | None = None) -> Path | None:
    """Return the official executable that the engine would find if ours were not there."""
    return next((path for path in _candidates(name, env, pulumi) if not ours(path)), None)


def ours(executable: Path) -> bool:
    """Say whether an executable was written by the rehearsal."""
    try:
        with executable.open("rb") as file:
            return MARK.encode() in file.read(512)
    except OSError:
        return False


def ignores_path(env: Mapping[str, str]) -> bool:
    """Say whether the engine was told not to look on PATH."""
    return env.get("PULUMI_IGNORE_AMBIENT_PLUGINS", "").lower() not in {"", "0", "false"}


def in_use(env: Mapping[str, str]) -> list[str]:
    """Say, one sentence each, which plugins the engine would run."""
    return [f"{what}: {_describe(resolve(name, env))}" for what, name in _NAMES.items()]


def _candidates(name: str, env: Mapping[str, str], pulumi: Path | None) -> Iterator[Path]:
    """Yield every executable that could be run under this name, the one that wins first."""
    if not ignores_path(env):
        yield from _on_path(name, env)
    if name in _BUNDLED:
        yield from _beside_engine(name, env, pulumi)
    yield from _cached(name, env)


def _on_path(name: str, env: Mapping[str, str]) -> Iterator[Path]:
    for directory in env.get("PATH", "").split(os.pathsep):
        found = shutil.which(name, path=directory or os.curdir)
        if found and not Path(directory).is_absolute():
            return  # the engine refuses to run what a relative entry offers, and looks no further on PATH
        if found:
            yield Path(found)


def _beside_engine(name: str, env: Mapping[str, str], pulumi: Path | None) -> Iterator[Path]:
    engine = pulumi or shutil.which("pulumi", path=env.get("PATH", ""))
    bundled = shutil.which(name, path=str(Path(engine).resolve().parent)) if engine else None
    if bundled:
        yield Path(bundled)


def _cached(name: str, env: Mapping[str, str]) -> Iterator[Path]:
    kind, plugin = name.removeprefix("pulumi-").split("-", 1)
    home = Path(env.get("PULUMI_HOME") or Path(env.get("HOME") or Path.home()) / ".pulumi")
    for directory in sorted((home / "plugins").glob(f"{kind}-{plugin}-v*"), reverse=True):
        if directory.is_dir():
            yield directory / name


def _describe(executable: Path | None) -> str:
    if executable is None:
        return "none"
    return "the rehearsal's stand-in" if ours(executable) else f"the official one, {executable}"
