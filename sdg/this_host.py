"""What kind of host this is and which: a forward, or an entry of a kubeconfig, exists on one host and for one of its users."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_MACHINE_ID: Final = Path("/etc/machine-id")


def host_id() -> str:
    """Tells this user's host from others; a hash, because machine-id(5) is not to be shown around."""
    try:
        machine = _MACHINE_ID.read_text().strip()
    except OSError:
        machine = ""
    told = "\n".join((machine, socket.gethostname(), str(os.getuid())))
    # the states of stacks that exist hold this hash, so its text stays as it is
    return hashlib.sha256(f"sdg forward\n{told}".encode()).hexdigest()[:16]


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine; no proxy of the environment would."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def in_ci(environ: Mapping[str, str]) -> bool:
    """Whether a CI system runs this: nobody sits at a terminal, and the host is not its to judge."""
    return environ.get("CI", "").strip().lower() in {"1", "true"}
