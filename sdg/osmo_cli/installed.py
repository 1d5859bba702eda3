"""The client on this machine: where, and whether it is new enough."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from packaging.version import Version

from sdg.catalog.versions import versions
from sdg.osmo_cli.errors import OsmoCliError
from sdg.osmo_cli.installer import NAME

TIMEOUT: Final = 30.0
"""Seconds for the client to say its version: it is one large file that unpacks itself first."""
_INSTALL: Final = "install one with `sdg osmo-cli install --stack NAME`"
_VERSION = re.compile(r"client version:\s*v?(\d+(?:\.\d+)+)")


def find(target: Path) -> Path:
    """The client on PATH, else the one in `target`.

    Raises:
        OsmoCliError: there is none.
    """
    found = shutil.which(NAME) or shutil.which(NAME, path=str(target))
    if found is None:
        raise OsmoCliError(f"there is no `{NAME}` on PATH nor in {target}; {_INSTALL}.")
    return Path(found)


def version(program: Path, timeout: float = TIMEOUT) -> str:
    """The client's version, asked without its login, so that it contacts no service.

    Args:
        timeout: seconds to say it.

    Raises:
        OsmoCliError: it does not run, or says something else.
    """
    with tempfile.TemporaryDirectory() as nothing:
        environment = {**os.environ, "OSMO_CONFIG_FILE_DIR": nothing, "OSMO_LOG_FILE_DIR": nothing}
        try:
            done = subprocess.run([str(program), "version"], env=environment, capture_output=True, text=True, timeout=timeout, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise OsmoCliError(f"{program} cannot be run ({type(error).__name__}); {_INSTALL}.") from None
    found = _VERSION.search(done.stdout)
    if found is None:
        raise OsmoCliError(f"{program} does not say which version of OSMO's client it is; {_INSTALL}.")
    return found[1]


def problem(program: Path, found: str) -> str | None:
    """Why the client is no good for these services, in a sentence; None when it is."""
    oldest = versions().osmo_cli.oldest
    if Version(found) >= Version(oldest):
        return None
    return f"{program} is OSMO's client {found}, and {oldest} or newer is needed; {_INSTALL}."


def look(program: Path, timeout: float) -> str | None:
    """Why the client is no good, in a sentence, whatever is wrong with it; None when it is."""
    try:
        return problem(program, version(program, timeout))
    except OsmoCliError as error:
        return str(error)
