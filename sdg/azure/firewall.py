"""Public addresses as the firewalls of Azure's data services take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network
from typing import Final

_SMALLEST: Final = 30  # bits: storage accounts refuse longer prefixes, and want such addresses one by one


def addresses(ranges: Iterable[str]) -> tuple[str, ...]:
    """What the firewall of a storage account or a key vault lets in.

    Args:
        ranges: networks of public addresses, or single addresses with or without their prefix length.
    """
    return tuple(dict.fromkeys(_taken(ranges)))


def _taken(ranges: Iterable[str]) -> Iterator[str]:
    for text in ranges:
        network = IPv4Network(text, strict=False)
        if network.prefixlen > _SMALLEST:
            yield from (str(address) for address in network)
        else:
            yield str(network)
