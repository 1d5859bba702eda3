"""Who may reach an Azure cluster from outside: what is wrong with `sdg:cluster.allowedRanges`."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Final

from sdg.settings.azure import Azure

KEY: Final = "sdg:cluster.allowedRanges"
AT_MOST: Final = 200  # that AKS' API server takes
SMALLEST_PREFIX: Final = 8  # of a range that is still somebody's
WIDE: Final = 24  # larger ranges are worth a warning

# that no packet from the internet comes from; ranges for documentation are not among them, since rehearsals use these
_NOBODYS: Final = {
    "0.0.0.0/8": "no address at all",
    "10.0.0.0/8": "a private network",
    "100.64.0.0/10": "a provider's own network",
    "127.0.0.0/8": "each machine itself",
    "169.254.0.0/16": "a link",
    "172.16.0.0/12": "a private network",
    "192.168.0.0/16": "a private network",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}


def access_problems(cluster: Azure) -> Iterator[str]:
    """Ranges that let in nobody, or everybody, a sentence each. That the list lets this host in is the preflight's business, which knows
    its address; without a range, the cluster's own is the only one that gets in."""
    if cluster.api_server.access == "private":
        if cluster.allowed_ranges:
            yield f'{KEY} must be empty where sdg:cluster.apiServer.access is "private": the API server is reached from its network alone.'
        return
    most = AT_MOST - (cluster.network.egress == "nat-gateway")
    if len(cluster.allowed_ranges) > most:
        yield f"{KEY} must hold at most {most} ranges beside the cluster's own way out; it holds {len(cluster.allowed_ranges)}."
    seen: dict[IPv4Network, int] = {}
    for index, text in enumerate(cluster.allowed_ranges):
        key = f"{KEY}[{index}]"
        wrong, network = _read(text)
        if network is None:
            yield f"{key} {wrong}"
        elif network in seen:
            yield f"{key} must be there once; it is {KEY}[{seen[network]}] again, {network}."
        else:
            seen[network] = index


def access_warnings(cluster: Azure) -> Iterator[str]:
    """Ranges that are larger than those of people and build machines, a sentence each."""
    for index, text in enumerate(cluster.allowed_ranges):
        _wrong, network = _read(text)
        if network and network.prefixlen < WIDE:
            yield f"{KEY}[{index}] lets {network.num_addresses} addresses reach the API server; a range of your own is a /{WIDE} at most."


def _read(text: str) -> tuple[str, IPv4Network | None]:
    """A range, or what is wrong with it as the rest of a sentence."""
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        return f'must be a public address or range such as "198.51.100.7/32"; it is "{text}".', None
    if network.prefixlen < SMALLEST_PREFIX:
        return f'must be a /{SMALLEST_PREFIX} at most, since larger ranges let in everybody; it is "{text}".', None
    for known, what in _NOBODYS.items():
        if network.overlaps(IPv4Network(known)):
            return f'must be public, as the internet sees you; it is "{text}", and {known} is {what}.', None
    if str(network) not in {text, f"{text}/32"}:
        return f'must begin at its first address; it is "{text}": write "{network}".', None
    return "", network
