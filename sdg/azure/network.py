"""Addresses of an Azure cluster's network: where its subnets lie, and whether everything fits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from itertools import combinations, islice
from typing import Final

from sdg.settings.azure import Azure, Network, Pool

_SPLIT: Final = 4  # bits: a subnet is a sixteenth of the network unless a stack says another range
_DNS: Final = 10  # of the range of Services, by convention

RESERVED: Final = 5  # addresses of each subnet that Azure keeps: "Azure Virtual Network frequently asked questions"
SURGE: Final = 10  # so many nodes get one more during an upgrade: AKS' default, of 10 %, rounded up
NODE_PREFIX: Final = 24  # of an overlay's pods, a node each: "Azure CNI Overlay networking"
SMALLEST_SUBNET: Final = 29  # that a virtual network takes
SMALLEST_DATABASE: Final = 28  # that PostgreSQL Flexible Server takes
WIDEST_SERVICES: Final = 12  # AKS wants fewer addresses than that; and the Kubernetes API server takes 20 bits at most
SMALLEST_SERVICES: Final = 28  # that holds the address of DNS

_PRIVATE: Final = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
_SHARED: Final = IPv4Network("100.64.0.0/10")  # what never leaves a cluster may lie here too
# AKS has other uses for them, on nodes: "Azure CNI networking prerequisites"
_TAKEN: Final = tuple(IPv4Network(text) for text in ("169.254.0.0/16", "172.30.0.0/16", "172.31.0.0/16", "192.0.2.0/24"))

_KEY: Final = "sdg:cluster.network"
_SUBNETS: Final = ("nodes", "gpuNodes", "database", "endpoints")


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
            ValueError: a range is none, or too small to be split; `problems` says so better.
        """
        network = IPv4Network(settings.range)
        given = settings.subnets
        services = IPv4Network(settings.services)

        def subnet(said: str | None, place: int) -> IPv4Network:
            return IPv4Network(said) if said else next(islice(network.subnets(prefixlen_diff=_SPLIT), place, None))

        return cls(
            network=network,
            nodes=subnet(given.nodes, 1),
            gpu_nodes=subnet(given.gpu_nodes, 2),
            database=subnet(given.database, 3),
            endpoints=subnet(given.endpoints, 4),
            pods=IPv4Network(settings.pods),
            services=services,
            dns=services[min(_DNS, services.num_addresses - 1)],
        )

    @property
    def subnets(self) -> Mapping[str, IPv4Network]:
        """The subnets by their keys."""
        return dict(zip(_SUBNETS, (self.nodes, self.gpu_nodes, self.database, self.endpoints), strict=True))


def nodes_at_most(pools: Iterable[Pool]) -> int:
    """Nodes of pools that have grown to their maximum and are being upgraded."""
    return sum(pool.max + -(-pool.max // SURGE) for pool in pools)


def problems(settings: Azure) -> Iterator[str]:
    """Why the network cannot be, a sentence each; nothing when it can."""
    network = settings.network
    written = _written(network)
    wrong = [sentence for key, text in written.items() if (sentence := _unreadable(key, text))]
    if wrong:  # what isn't a range says nothing about the others
        yield from wrong
        return
    for key, text in written.items():
        yield from _not_ours(key, IPv4Network(text))
    yield from _services(IPv4Network(network.services))
    derived = [key for key in _SUBNETS if f"subnets.{key}" not in written]
    smallest = SMALLEST_SUBNET - _SPLIT
    if derived and IPv4Network(network.range).prefixlen > smallest:
        yield (
            f"{_KEY}.range must be a /{smallest} or larger, so that a sixteenth of it can be a subnet; it is {network.range}: "
            f"take a larger one, or set {_KEY}.subnets.{derived[0]} and every other range of subnets."
        )
        return
    layout = Layout.of(network)
    yield from _misplaced(layout)
    yield from _overlapping(layout)
    yield from _too_small(settings, layout, derived)


def _written(network: Network) -> Mapping[str, str]:
    """Every range that a stack says or leaves at its default, by its key."""
    given = network.subnets
    subnets = zip(_SUBNETS, (given.nodes, given.gpu_nodes, given.database, given.endpoints), strict=True)
    own = {f"subnets.{key}": said for key, said in subnets if said}
    return {"range": network.range, **own, "pods": network.pods, "services": network.services}


def _unreadable(key: str, text: str) -> str | None:
    try:
        IPv4Network(text)
    except (AddressValueError, NetmaskValueError):
        return f'{_KEY}.{key} must be a range of addresses such as "10.0.0.0/16"; it is "{text}".'
    except ValueError:  # bits of a host
        return f'{_KEY}.{key} must begin at its first address; it is "{text}": write "{IPv4Network(text, strict=False)}".'
    return None


def _not_ours(key: str, network: IPv4Network) -> Iterator[str]:
    """Ranges that others have."""
    inside = key in {"pods", "services"}
    if not any(network.subnet_of(private) for private in (*_PRIVATE, *((_SHARED,) if inside else ()))):
        legal = ", ".join(map(str, _PRIVATE))
        yield f"{_KEY}.{key} must lie within one private range ({legal}); it is {network}."
    elif taken := next((taken for taken in _TAKEN if network.overlaps(taken)), None):
        yield f"{_KEY}.{key} must not overlap {taken}, which AKS uses itself; it is {network}."


def _services(services: IPv4Network) -> Iterator[str]:
    if not WIDEST_SERVICES < services.prefixlen <= SMALLEST_SERVICES:
        yield (
            f"{_KEY}.services must be smaller than a /{WIDEST_SERVICES}, and a /{SMALLEST_SERVICES} at least, which holds the "
            f"address of the cluster's DNS; it is {services}."
        )


def _misplaced(layout: Layout) -> Iterator[str]:
    for key, subnet in layout.subnets.items():
        if not subnet.subnet_of(layout.network):
            yield f"{_KEY}.subnets.{key} must lie within {_KEY}.range, which is {layout.network}; it is {subnet}."


def _overlapping(layout: Layout) -> Iterator[str]:
    subnets = {f"subnets.{key}": subnet for key, subnet in layout.subnets.items()}
    whole = {"range": layout.network, "pods": layout.pods, "services": layout.services}
    for one, other in [*combinations(subnets.items(), 2), *combinations(whole.items(), 2)]:
        if one[1].overlaps(other[1]):
            yield f"{_KEY}.{other[0]} must not overlap {_KEY}.{one[0]}; they are {other[1]} and {one[1]}."


def _too_small(settings: Azure, layout: Layout, derived: Collection[str]) -> Iterator[str]:
    common = [settings.system_pool, *([settings.cpu_pool] if settings.cpu_pool else [])]
    private = settings.api_server.access == "private"
    services = 2 + settings.key_vault.enabled  # redis and storage always have an endpoint
    needs = {
        "nodes": (nodes_at_most(common) + private, _pools(common, "without GPUs") + (" and the API server's endpoint" if private else "")),
        "gpuNodes": (nodes_at_most(settings.gpu_pools), _pools(settings.gpu_pools, "with GPUs")),
        "endpoints": (services, f"{services} private endpoints"),
    }
    for key, (needed, why) in needs.items():
        subnet = layout.subnets[key]
        usable = max(subnet.num_addresses - RESERVED, 0)
        if needed > usable or subnet.prefixlen > SMALLEST_SUBNET:
            yield (
                f"{_KEY}.subnets.{key} must hold {needed} addresses for {why}, beside {RESERVED} that Azure keeps; "
                f"{_shown(key, subnet, derived)} holds {usable}: take a /{_prefix_for(needed)} or larger."
            )
    if layout.database.prefixlen > SMALLEST_DATABASE:
        shown = _shown("database", layout.database, derived)
        yield f"{_KEY}.subnets.database must be a /{SMALLEST_DATABASE} or larger, as PostgreSQL wants it; it is {shown.rstrip(',')}."
    yield from _pods(layout.pods, nodes_at_most([*common, *settings.gpu_pools]))


def _shown(key: str, subnet: IPv4Network, derived: Collection[str]) -> str:
    return f"{subnet}, a sixteenth of {_KEY}.range," if key in derived else str(subnet)


def _pools(pools: Sequence[Pool], which: str) -> str:
    largest = sum(pool.max for pool in pools)
    return f"the {largest} nodes {which} that there may be and {nodes_at_most(pools) - largest} more during an upgrade"


def _pods(pods: IPv4Network, nodes: int) -> Iterator[str]:
    room = max(pods.num_addresses // 2 ** (32 - NODE_PREFIX), 0)
    if nodes > room:
        prefix = NODE_PREFIX - (nodes - 1).bit_length()
        yield (
            f"{_KEY}.pods must hold a /{NODE_PREFIX} for each of the {nodes} nodes that there may be during an upgrade; {pods} holds "
            f"{room}: take a /{prefix} or larger."
        )


def _prefix_for(addresses: int) -> int:
    """The smallest subnet that holds so many addresses."""
    return min(32 - (addresses + RESERVED - 1).bit_length(), SMALLEST_SUBNET)
