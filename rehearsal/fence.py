"""The fence: a rehearsal does not start when the engine would run a plugin that can touch something real.

azure-native and Command are always the rehearsal's own plugins. The Kubernetes plugin may be the official one: it is bound to the virtual
cluster's kubeconfig.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from rehearsal.plugins.resolution import ignores_path, ours, resolve

FENCED = ("azure-native", "command")
_ATTACH = "PULUMI_DEBUG_PROVIDERS"


class FenceError(RuntimeError):
    """What the engine would run is not the rehearsal's own plugin."""


def check(env: Mapping[str, str], project: Path | None = None) -> None:
    """Make sure that every fenced plugin would be ours.

    Args:
        env: The environment that the engine is going to run in.
        project: The directory with Pulumi.yaml, which may name plugins that win over everything else.

    Raises:
        FenceError: one or more would not be; names each with what would run instead and what to do about it.
    """
    problems = [problem for name in FENCED for problem in _problems(name, env, project)]
    if problems:
        raise FenceError("\n".join(["the rehearsal does not start, because the engine would reach past its fence:", *problems]))


def _problems(name: str, env: Mapping[str, str], project: Path | None) -> Iterator[str]:
    executable = f"pulumi-resource-{name}"
    if name in _attached(env):
        yield f"  {name}: {_ATTACH} attaches the engine to a provider that is already running; unset {_ATTACH}"
    if named := _project_plugin(name, project):
        yield f"  {name}: Pulumi.yaml names the plugin {named} under `plugins`; remove that entry"
    found = resolve(executable, env)
    if found is None:
        yield f"  {name}: {_nowhere(env)}"
    elif not ours(found):
        yield f"  {name}: {executable} would be {found}, not the rehearsal's; {_remedy(env)}"


def _attached(env: Mapping[str, str]) -> set[str]:
    return {entry.partition(":")[0].strip() for entry in env.get(_ATTACH, "").split(",")}


def _project_plugin(name: str, project: Path | None) -> str | None:
    file = project / "Pulumi.yaml" if project else None
    if file is None or not file.is_file():
        return None
    content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    plugins = (content.get("plugins") or {}).get("providers") or []
    return next((str(entry.get("path")) for entry in plugins if entry.get("name") == name), None)


def _nowhere(env: Mapping[str, str]) -> str:
    if ignores_path(env):
        return "PULUMI_IGNORE_AMBIENT_PLUGINS hides the rehearsal's plugin, and the engine would download the official one; unset it"
    return "it is not on PATH, and the engine would download the official one; put the rehearsal's bin directory first on PATH"


def _remedy(env: Mapping[str, str]) -> str:
    if ignores_path(env):
        return "unset PULUMI_IGNORE_AMBIENT_PLUGINS, which hides what is on PATH"
    return "put the rehearsal's bin directory first on PATH"
