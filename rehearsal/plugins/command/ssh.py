"""What an SSH connection would ask for before a command runs. No socket is opened: the host behind it is the virtual one."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from rehearsal.plugins.properties import Properties, Property
from rehearsal.plugins.provider import ProviderError

_AGENT = "SSH_AUTH_SOCK"
_UNSUPPORTED = "a rehearsal has no host behind a proxy; connect to it directly"


def check(connection: Property, environment: Mapping[str, str]) -> None:
    """Refuse a connection that could not be made.

    Args:
        connection: the resource's `connection`, without secret marks.
        environment: where the SSH agent's socket is looked up.

    Raises:
        ProviderError: host or means to log in are missing, or the private key cannot be read.
    """
    if not isinstance(connection, dict) or not connection.get("host"):
        raise ProviderError("connection: host is required")
    if connection.get("proxy"):
        raise ProviderError(f"connection: {_UNSUPPORTED}")
    user, host = connection.get("user") or "root", connection["host"]
    agent = connection.get("agentSocketPath") or environment.get(_AGENT)
    if connection.get("privateKey"):
        _check_key(connection)
    elif agent:
        _check_agent(Path(str(agent)))
    elif not connection.get("password"):
        raise ProviderError(
            f"ssh: handshake failed: ssh: unable to authenticate {user}@{host}, attempted methods [none], no supported methods remain"
        )


def unsettable(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that an SSH server with its usual `AcceptEnv LANG LC_*` does not take."""
    return [name for name in environment if name != "LANG" and not name.startswith("LC_")]


def _check_key(connection: Properties) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 -- half a tenth of a second, which only SSH needs
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    text = str(connection["privateKey"]).encode()
    password = str(connection["privateKeyPassword"]).encode() if connection.get("privateKeyPassword") else None
    readers: list[Callable[..., object]] = [serialization.load_ssh_private_key, serialization.load_pem_private_key]
    reader = readers[0] if b"BEGIN OPENSSH PRIVATE KEY" in text else readers[1]
    try:
        reader(text, password)
    except TypeError:
        raise ProviderError(
            "ssh: this private key is passphrase protected"
            if password is None
            else "ssh: not an encrypted key, but privateKeyPassword is given"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ProviderError("ssh: no key found, or its passphrase is wrong: privateKey is no private key that SSH could use") from None


def _check_agent(socket: Path) -> None:
    try:
        listening = stat.S_ISSOCK(os.stat(socket).st_mode)  # noqa: PTH116 -- the mode is what is wanted
    except OSError as error:
        raise ProviderError(f"dial unix {socket}: {error.strerror}") from None
    if not listening:
        raise ProviderError(f"dial unix {socket}: it is no socket of an SSH agent")
