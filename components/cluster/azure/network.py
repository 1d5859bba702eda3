"""The virtual network: subnets, what may reach them, and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pulumi
from pulumi_azure_native.network import (
    AddressSpaceArgs,
    DelegationArgs,
    NatGateway,
    NatGatewaySkuArgs,
    NetworkSecurityGroup,
    NetworkSecurityGroupArgs,
    PublicIPAddress,
    PublicIPAddressSkuArgs,
    SecurityRuleArgs,
    Subnet,
    SubResourceArgs,
    VirtualNetwork,
)

from components.cluster.azure.base import NetworkHandle, Place, Subnets
from sdg.azure.network import Layout
from sdg.settings import azure as settings_of
from sdg.settings.osmo import POSTGRES_PORT

POSTGRES_PORTS: Final = (str(POSTGRES_PORT), "6432")  # the server, and the connection pool in front of it
ENDPOINT_PORTS: Final = ("443", "10000")  # storage and key vault, and Redis
# priorities: what is allowed comes first; Azure's own rules, which begin at 65000, let the whole network in
_ALLOW: Final = 1000
_DENY: Final = 4000


@dataclass(frozen=True, slots=True)
class _Range:
    """A subnet before it is made.

    Attributes:
        nat: whether its machines reach the internet through the NAT gateway, where there is one.
        delegated: the service that has it to itself.
        policies: whether its security group holds for private endpoints too.
    """

    name: str
    prefix: str
    group: NetworkSecurityGroup
    nat: bool = False
    delegated: str | None = None
    policies: str = "Disabled"
    options: pulumi.ResourceOptions = field(default_factory=pulumi.ResourceOptions)


def virtual_network(place: Place, settings: settings_of.Network, *, retain: bool) -> NetworkHandle:
    """Makes the network.

    Args:
        retain: whether destroy leaves what the database lies in.
    """
    names, layout = place.names, Layout.of(settings)
    kept = pulumi.ResourceOptions(retain_on_delete=retain)
    network = VirtualNetwork(
        "network",
        virtual_network_name=names.network,
        resource_group_name=place.resource_group_name,
        location=place.location,
        address_space=AddressSpaceArgs(address_prefixes=[str(layout.network)]),
        # its subnets are resources of their own: what ARM lists here is not this one's business
        opts=place.options(more=pulumi.ResourceOptions.merge(kept, pulumi.ResourceOptions(ignore_changes=["subnets"]))),
    )
    address = _address(place) if settings.egress == "nat-gateway" else None
    gateway = _gateway(place, address) if address else None
    groups = _Groups(place, layout)
    ranges = (
        _Range("nodes", str(layout.nodes), groups.nodes(names.nsg_nodes, "nodes"), nat=True),
        _Range("gpu-nodes", str(layout.gpu_nodes), groups.nodes(names.nsg_gpu_nodes, "gpu-nodes"), nat=True),
        _Range(
            "database", str(layout.database), groups.database(kept), delegated="Microsoft.DBforPostgreSQL/flexibleServers", options=kept
        ),
        _Range("endpoints", str(layout.endpoints), groups.endpoints(), policies="NetworkSecurityGroupEnabled"),
    )
    made = _subnets(place, network, gateway, ranges)
    return NetworkHandle(
        names=names,
        location=place.location,
        group=place.group,
        parent=place.parent,
        provider=place.provider,
        network=network,
        subnets=Subnets(nodes=made[0].id, gpu_nodes=made[1].id, database=made[2].id, endpoints=made[3].id),
        layout=layout,
        nat_ip=address.ip_address.apply(str) if address else None,
    )


def _address(place: Place) -> PublicIPAddress:
    return PublicIPAddress(
        "nat-ip",
        public_ip_address_name=place.names.nat_ip,
        resource_group_name=place.resource_group_name,
        location=place.location,
        public_ip_allocation_method="Static",
        sku=PublicIPAddressSkuArgs(name="Standard", tier="Regional"),
        opts=place.options(),
    )


def _gateway(place: Place, address: PublicIPAddress) -> NatGateway:
    return NatGateway(
        "nat-gateway",
        nat_gateway_name=place.names.nat_gateway,
        resource_group_name=place.resource_group_name,
        location=place.location,
        sku=NatGatewaySkuArgs(name="Standard"),
        public_ip_addresses=[SubResourceArgs(id=address.id)],
        opts=place.options(),
    )


def _subnets(place: Place, network: VirtualNetwork, gateway: NatGateway | None, ranges: Sequence[_Range]) -> list[Subnet]:
    """One after the other, in the order in which they are needed: Azure refuses two writes to one network at a time."""
    made: list[Subnet] = []
    for each in ranges:
        through = gateway if each.nat else None
        made.append(
            Subnet(
                f"subnet-{each.name}",
                subnet_name=getattr(place.names, f"subnet_{each.name.replace('-', '_')}"),
                virtual_network_name=place.names.network,
                resource_group_name=place.resource_group_name,
                address_prefixes=[each.prefix],
                network_security_group=NetworkSecurityGroupArgs(id=each.group.id),
                nat_gateway=SubResourceArgs(id=through.id) if through else None,
                # the only way out is the one that was asked for; a service that has a subnet to itself has its own
                default_outbound_access=None if each.delegated else False,
                delegations=[DelegationArgs(name="postgres", service_name=each.delegated)] if each.delegated else None,
                private_endpoint_network_policies=each.policies,
                opts=place.options(network, *made[-1:], more=each.options),
            )
        )
    return made


class _Groups:
    """Network security groups: each allows what its subnet is for, and denies the rest by a rule of its own."""

    def __init__(self, place: Place, layout: Layout) -> None:
        self._place = place
        self._nodes = [str(layout.nodes), str(layout.gpu_nodes)]
        self._pods = str(layout.pods)
        self._database = str(layout.database)

    def nodes(self, name: str, resource: str) -> NetworkSecurityGroup:
        # pods of an overlay keep their own addresses from node to node
        inside = [*self._nodes, self._pods]
        return self._group(
            f"nsg-{resource}",
            name,
            [
                _allow("AllowCluster", "Nodes and pods of the cluster reach each other.", inside, to=inside),
                _deny("DenyInternet", "Nothing in the cluster is served to the internet.", "Internet"),
            ],
        )

    def database(self, options: pulumi.ResourceOptions) -> NetworkSecurityGroup:
        return self._group(
            "nsg-database",
            self._place.names.nsg_database,
            [
                _allow("AllowPostgreSql", "Nodes, and pods by their nodes' addresses, reach PostgreSQL.", self._nodes, POSTGRES_PORTS),
                _allow("AllowStandby", "The server and its standby reach each other.", [self._database], priority=_ALLOW + 1),
                _deny("DenyNetwork", "Nobody else in the network, nor in one that is peered with it, does.", "VirtualNetwork"),
            ],
            options,
        )

    def endpoints(self) -> NetworkSecurityGroup:
        return self._group(
            "nsg-endpoints",
            self._place.names.nsg_endpoints,
            [
                _allow("AllowCluster", "Nodes, and pods by their nodes' addresses, reach the services.", self._nodes, ENDPOINT_PORTS),
                _deny("DenyNetwork", "Nobody else in the network, nor in one that is peered with it, does.", "VirtualNetwork"),
            ],
        )

    def _group(
        self, resource: str, name: str, rules: Sequence[SecurityRuleArgs], options: pulumi.ResourceOptions | None = None
    ) -> NetworkSecurityGroup:
        return NetworkSecurityGroup(
            resource,
            network_security_group_name=name,
            resource_group_name=self._place.resource_group_name,
            location=self._place.location,
            security_rules=rules,
            opts=self._place.options(more=options),
        )


def _allow(
    name: str,
    purpose: str,
    sources: Sequence[str],
    ports: Sequence[str] = (),
    *,
    to: Sequence[str] = (),
    priority: int = _ALLOW,
) -> SecurityRuleArgs:
    """Lets sources in: with TCP to the given ports, else with every protocol to all of them."""
    return SecurityRuleArgs(
        name=name,
        description=purpose,
        access="Allow",
        direction="Inbound",
        priority=priority,
        protocol="Tcp" if ports else "*",
        source_address_prefixes=sources,
        source_port_range="*",
        destination_address_prefix=None if to else "*",
        destination_address_prefixes=to or None,
        destination_port_range=None if ports else "*",
        destination_port_ranges=ports or None,
    )


def _deny(name: str, purpose: str, source: str) -> SecurityRuleArgs:
    return SecurityRuleArgs(
        name=name,
        description=purpose,
        access="Deny",
        direction="Inbound",
        priority=_DENY,
        protocol="*",
        source_address_prefix=source,
        source_port_range="*",
        destination_address_prefix="*",
        destination_port_range="*",
    )
