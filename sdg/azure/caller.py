"""This host's public address, as the internet sees it. For checks and `sdg init` alone: it is never what a stack wants.

Somebody else's update, or CI's, has another address; were it taken for a setting, each would shut the other out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

import requests

from sdg.kube.errors import cause
from sdg.this_host import is_loopback

SOURCES: Final = ("https://checkip.amazonaws.com", "https://api.ipify.org")
"""Both answer with nothing but the IPv4 address that asks. Two of different owners, since one alone could lie."""
SETTING: Final = "sdg:cluster.allowedRanges"

TIMEOUT: Final = 4.0  # seconds
LONGEST: Final = len("255.255.255.255\r\n")
# RFC 6890: never an address that the internet sees
_NOT_PUBLIC: Final = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
    )
)


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known of this host's public address.

    Attributes:
        address: None where it is not known.
        unknown: why not, half a sentence; empty where it is known.
    """

    address: IPv4Address | None
    unknown: str = ""

    def covered_by(self, ranges: Iterable[str]) -> bool | None:
        """Whether one of the ranges (addresses, or CIDRs) holds this host; None where that is not known."""
        if self.address is None:
            return None
        return any(self.address in network for network in map(_network, ranges) if network)


def look(api: Callable[[str], str] = str) -> Caller:
    """Asks both sources at once. Known is what both say.

    Args:
        api: where a web API is asked instead: `Mirror.api`.
    """
    with ThreadPoolExecutor(len(SOURCES)) as threads:
        answers = list(threads.map(lambda source: _ask(source, api(source)), SOURCES))
    seen = sorted({answer for answer in answers if isinstance(answer, IPv4Address)})
    failures = [answer for answer in answers if isinstance(answer, str)]
    if failures:
        return Caller(None, "; ".join(failures))
    if len(seen) > 1:
        return Caller(None, f"it leaves from more than one address: {' and '.join(map(str, seen))} were seen")
    return Caller(seen[0])


def add_line(address: IPv4Address, ranges: Sequence[str]) -> str:
    """The command that adds an address to a stack's ranges and changes none of them."""
    return f"pulumi config set --path '{SETTING}[{len(ranges)}]' {address}/32"


def _network(text: str) -> IPv4Network | None:
    """A range; None for what is none, which the settings' own rules say."""
    try:
        return IPv4Network(text, strict=False)
    except ValueError:
        return None


def _ask(source: str, url: str) -> IPv4Address | str:
    """The address that a source sees, or half a sentence on why it says none."""
    name = urlsplit(source).netloc
    try:
        text = _answer(url)
    except requests.RequestException as error:
        return f"{name} does not answer ({cause(error)})"
    try:
        address = IPv4Address(text.strip())
    except ValueError:
        return f"{name} answers no IPv4 address"
    if any(address in network for network in _NOT_PUBLIC):
        return f"{name} sees {address}, which is not a public address"
    return address


def _answer(url: str) -> str:
    with requests.Session() as session:
        session.trust_env = not is_loopback(url)  # a proxy would never reach this machine
        with session.get(url, timeout=TIMEOUT, allow_redirects=False, stream=True) as response:
            if response.status_code != requests.codes.ok:
                raise requests.HTTPError(f"HTTP {response.status_code}")
            # one byte more than an address has: an answer that is longer is none
            return b"".join(islice(response.iter_content(1), LONGEST + 1)).decode("ascii", errors="replace")
