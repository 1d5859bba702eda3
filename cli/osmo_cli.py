"""OSMO's command-line client, for the people who use a stack."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import platformdirs

from cli.pulumi import Engine
from sdg.catalog.versions import versions
from sdg.osmo_cli import installed
from sdg.osmo_cli import login as client_login
from sdg.osmo_cli.errors import OsmoCliError
from sdg.osmo_cli.installer import fetch, installer
from sdg.osmo_cli.installer import install as install_client
from sdg.settings.model import StackSettings
from sdg.settings.parse import parse

TARGET: Final = Path("~/.local/bin")


def install(stack: str, target: Path) -> Iterator[str]:
    """Installs the client of a stack's OSMO profile; says what it fetched, where it put it, and what is left to do.

    Raises:
        OsmoCliError, DownloadFailedError, DigestChangedError: and nothing was installed.
    """
    settings = parse(Engine.of(stack).config())
    wanted = installer(_version(settings))
    folder = platformdirs.user_data_path("sdg") / "osmo-cli"
    fetched = fetch(wanted, folder, settings.mirror)
    yield f"fetched {wanted.url}, its digest is in {folder / 'digests.yaml'}"
    if wanted.is_package:
        yield f"only the system can install it, as an administrator: sudo installer -pkg {fetched} -target /"
        return
    link = install_client(fetched, wanted.version, folder, target.expanduser())
    yield f"installed OSMO's client {installed.version(link)} as {link}"
    if str(link.parent) not in os.environ.get("PATH", "").split(os.pathsep):
        yield f"{link.parent} is not on PATH; add it in your shell's profile"


def check(target: Path) -> str:
    """Says which client there is.

    Raises:
        OsmoCliError: there is none, or it is too old.
    """
    program = installed.find(target.expanduser())
    found = installed.version(program)
    if problem := installed.problem(program, found):
        raise OsmoCliError(problem)
    return f"{program} is OSMO's client {found}"


def login(stack: str, method: client_login.Method, user: str, url: str | None, secret_file: Path | None) -> None:
    """Logs the client in to a stack's OSMO.

    Args:
        url: where OSMO answers; the stack's forward when None.
        secret_file: holds the access token or the password; asked for on the terminal, or read from standard input, when None.

    Raises:
        OsmoCliError: there is no client, no forward, or the login failed.
    """
    client = installed.find(TARGET.expanduser())
    address = url or _forward(parse(Engine.of(stack).config()), stack)
    client_login.login(client, address, method, user, _secret(method, secret_file))


def _version(settings: StackSettings) -> str:
    release = versions().profiles[settings.osmo.profile].release(settings.osmo.chart_version)
    if release is None:  # the settings' own rules refuse it before
        raise OsmoCliError(f"profile {settings.osmo.profile} has no release with chart {settings.osmo.chart_version}")
    return release.cli


def _forward(settings: StackSettings, stack: str) -> str:
    if not settings.forward.enabled:
        raise OsmoCliError(f"stack {stack} has no forward to OSMO; name its address with --url.")
    return f"http://localhost:{settings.forward.port}"


def _secret(method: client_login.Method, file: Path | None) -> str | None:
    what = client_login.SECRETS.get(method)
    if what is None:
        return None
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    return getpass.getpass(f"{what}: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
