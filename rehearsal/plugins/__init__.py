"""What the Pulumi engine starts during a rehearsal: the language host and the stand-ins for provider plugins.

Nothing is imported here: every plugin is a process that the engine waits for, so each pays only for what it uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rehearsal.tools import Tools

__all__ = ["in_use", "install"]


def install(bin: Path, tools: Tools) -> list[Path]:  # noqa: A002 -- the directory is called bin everywhere
    """Write the plugin executables into `bin`; see `rehearsal.plugins.executables.install`."""
    from rehearsal.plugins.executables import install as write  # noqa: PLC0415 -- plugins are started often and need none of it

    return write(bin, tools)


def in_use(env: Mapping[str, str]) -> list[str]:
    """Say, one sentence each, which plugins the engine would run in this environment: official ones or stand-ins."""
    from rehearsal.plugins.resolution import in_use as say  # noqa: PLC0415 -- plugins are started often and need none of it

    return say(env)
