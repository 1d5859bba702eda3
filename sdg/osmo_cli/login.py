"""Logging the client in, by each of its methods. A secret goes through its standard input and never onto a command line."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final, Literal

import requests

from sdg.osmo_cli.errors import OsmoCliError

Method = Literal["dev", "token", "password", "code"]
METHODS: Final[tuple[Method, ...]] = ("dev", "token", "password", "code")
SECRETS: Final[dict[Method, str]] = {"token": "access token", "password": "password"}
"""What a method wants to be told, by method."""
_ASKED_OF: Final[dict[Method, str]] = {"password": "token_endpoint", "code": "device_endpoint"}
_STDIN: Final = "/dev/stdin"
TIMEOUT: Final = 5.0
"""Seconds until OSMO must have said how one logs in."""


def arguments(url: str, method: Method, user: str) -> list[str]:
    """What to call the client with (source: `osmo login --help` of 6.3)."""
    given = {"dev": ["--username", user], "password": ["--username", user, "--password-file", _STDIN], "token": ["--token-file", _STDIN]}
    return ["login", url, "--method", method, *given.get(method, [])]


def check_offered(url: str, method: Method) -> None:
    """Refuse a method that this OSMO cannot serve: without an identity provider, the client would end in a traceback.

    Raises:
        OsmoCliError: OSMO does not answer, or has no endpoint for the method.
    """
    if method not in _ASKED_OF:
        return
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy would never reach a forward on this host
            answer = session.get(f"{url.rstrip('/')}/api/auth/login", timeout=TIMEOUT)
            answer.raise_for_status()
            endpoint = answer.json().get(_ASKED_OF[method])
    except (requests.RequestException, ValueError, AttributeError) as error:
        raise OsmoCliError(
            f"OSMO at {url} does not say how one logs in ({type(error).__name__}); is its forward up? `sdg forward status`."
        ) from None
    if endpoint is None:
        raise OsmoCliError(f"OSMO at {url} has no identity provider, which --method {method} needs; use --method dev, or --method token.")


def login(program: Path, url: str, method: Method, user: str, secret: str | None) -> None:
    """Log the client in; it prints what it has to say, a code to enter in a browser for one.

    Raises:
        OsmoCliError: the method is not offered, or the client failed.
    """
    check_offered(url, method)
    command = [str(program), *arguments(url, method, user)]
    done = subprocess.run(command, input=secret, text=True, check=False)
    if done.returncode != 0:
        raise OsmoCliError(f"`{' '.join(command)}` ended with exit code {done.returncode}; what it said stands above.")
