"""Writing the plugin executables that the engine finds on PATH."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rehearsal.host.fence import HOST_VARIABLE
from rehearsal.plugins.azure_native.client import STATE_VARIABLE
from rehearsal.plugins.resolution import MARK, official

if TYPE_CHECKING:
    from rehearsal.tools import Tools


ALWAYS = {"pulumi-resource-azure-native": "rehearsal.plugins.azure_native", "pulumi-resource-command": "rehearsal.plugins.command"}
UNLESS_OFFICIAL = {
    "pulumi-language-python": "rehearsal.plugins.language",
    "pulumi-resource-kubernetes": "rehearsal.plugins.kubernetes",
    "pulumi-resource-pulumi-python": "pulumi.dynamic",
}


def install(bin: Path, tools: Tools) -> list[Path]:  # noqa: A002 -- the directory is called bin everywhere
    """Write the executables that are needed into `bin` and return their paths.

    Those for azure-native and Command are always ours. The others are written only where no official one would be found; one of ours
    that is no longer needed is removed, or it would hide the official one.
    """
    bin.mkdir(parents=True, exist_ok=True, mode=0o700)
    helm = tools.path("helm")
    path = os.pathsep.join(entry for entry in os.environ.get("PATH", "").split(os.pathsep) if Path(entry) != bin)
    env = {**os.environ, "PATH": path}
    # the host's folder exists only where a stack that runs commands is rehearsed: the plugin looks when it is asked for one
    variables = {
        "SDG_HELM": str(helm),
        "SDG_HELM_HOME": str(bin.parent / "helm"),
        HOST_VARIABLE: str(bin.parent / "host"),
        # the simulated Azure is asked where this folder says that it listens, and nowhere else
        STATE_VARIABLE: str(bin.parent),
    }
    written = []
    for name, module in {**ALWAYS, **UNLESS_OFFICIAL}.items():
        executable = bin / name
        if name in UNLESS_OFFICIAL and official(name, env, tools.path("pulumi")):
            executable.unlink(missing_ok=True)
            continue
        _write(executable, module, variables)
        written.append(executable)
    return written


def _write(executable: Path, module: str, variables: Mapping[str, str]) -> None:
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    # `exec`, so that the engine is the plugin's parent: a plugin ends when its parent does.
    command = f'exec {shlex.quote(sys.executable)} -u -m {module} "$@"\n'
    temporary = executable.with_name(f".{executable.name}.{os.getpid()}")
    temporary.write_text(f"#!/bin/sh\n{MARK}\n{exports}{command}", encoding="utf-8")
    temporary.chmod(0o700)
    temporary.replace(executable)
