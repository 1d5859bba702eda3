"""The login of a rehearsal: who it is, what its environment says of it, and programs that stand in for `az` and `kubelogin`.

Nothing of the user's own login is read: neither variables nor az's folder, and its own programs come first on PATH.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rehearsal.azure import programs
from rehearsal.azure.account import CLIENT, SUBSCRIPTION, TENANT
from rehearsal.state import StateDir, write_private

FILE: Final = "login.json"
FOLDER: Final = "AZURE_CONFIG_DIR"
NAMES: Final = ("ARM_SUBSCRIPTION_ID", "ARM_TENANT_ID", "ARM_USE_MSI", FOLDER, "IDENTITY_ENDPOINT", "IDENTITY_HEADER")
"""Variables that say who a rehearsal is logged in as."""
FOREIGN: Final = ("ARM_", "AZURE_", "IDENTITY_", "MSI_", "AAD_", "ACTIONS_ID_TOKEN_")
"""Prefixes of variables that say who somebody is in Azure."""
_COMMENT: Final = "# Stand-in of a rehearsal: it never reaches Azure."


def install(state: StateDir, endpoint: str, header: str) -> None:
    """Makes the login's folder and programs, or brings them up to date.

    Args:
        endpoint: of the simulated Azure, where tokens are given.
        header: what has to be sent along.
    """
    state.azure.mkdir(mode=0o700, exist_ok=True)
    known = {"subscription": SUBSCRIPTION, "tenant": TENANT, "client": CLIENT, "endpoint": endpoint, "header": header}
    write_private(state.azure / FILE, json.dumps(known, indent=2))
    for name in programs.PROGRAMS:
        _write(state.bin / name, shlex.join([sys.executable, "-I", "-S", programs.__file__, str(state.root), name]))


def variables(state: StateDir) -> dict[str, str]:
    """What an environment says of the login; empty before it is made."""
    file = state.azure / FILE
    if not file.exists():
        return {}
    known = json.loads(file.read_text())
    values = (known["subscription"], known["tenant"], "true", str(state.azure), known["endpoint"], known["header"])
    return dict(zip(NAMES, values, strict=True))


def foreign(names: Iterable[str]) -> list[str]:
    """Variables that somebody else's login may stand in."""
    return sorted(name for name in names if name.startswith(FOREIGN))


def _write(program: Path, command: str) -> None:
    staging = program.with_name(f".{program.name}.{os.getpid()}")
    staging.write_text(f'#!/bin/sh\n{_COMMENT}\nexec {command} "$@"\n')
    staging.chmod(0o700)
    staging.replace(program)
