"""Private endpoints: a service of Azure's at an address inside the network, and the DNS zone in which its name means that address."""

from __future__ import annotations

from typing import Final, Literal

import pulumi
from pulumi_azure_native.network import PrivateDnsZoneConfigArgs, PrivateDnsZoneGroup, PrivateEndpoint, PrivateLinkServiceConnectionArgs
from pulumi_azure_native.privatedns import PrivateZone, SubResourceArgs, VirtualNetworkLink

from components.cluster.azure.base import NetworkHandle

EndpointKind = Literal["redis", "blob", "vault", "nfs"]
# part of a service that an endpoint leads to, as Azure calls it
GROUPS: Final = {"redis": "redisEnterprise", "blob": "blob", "vault": "vault", "nfs": "file"}
EVERYWHERE: Final = "Global"


def private_zone(
    kind: str, zone: str, network: NetworkHandle, more: pulumi.ResourceOptions | None = None
) -> tuple[PrivateZone, VirtualNetworkLink]:
    """A DNS zone that the network alone knows, with its link to it.

    Args:
        zone: name of the zone.
        more: what else holds for both.
    """
    made = PrivateZone(
        f"{kind}-zone",
        private_zone_name=zone,
        resource_group_name=network.resource_group_name,
        location=EVERYWHERE,
        opts=network.options(more=more),
    )
    link = VirtualNetworkLink(
        f"{kind}-zone-link",
        virtual_network_link_name=network.names.zone_link(kind),
        private_zone_name=zone,
        resource_group_name=network.resource_group_name,
        location=EVERYWHERE,
        registration_enabled=False,
        virtual_network=SubResourceArgs(id=network.network_id),
        opts=network.options(made, more=more),
    )
    return made, link


def private_endpoint(
    kind: EndpointKind, target: pulumi.CustomResource, zone: str, network: NetworkHandle, *after: pulumi.Resource
) -> PrivateDnsZoneGroup:
    """Lets the network reach a service by its public name. What needs the service comes after what this returns.

    Args:
        target: the service.
        zone: name of the DNS zone that such services have.
        after: what must have been done to the service before, since its next change would be refused meanwhile.
    """
    names = network.names
    made, link = private_zone(kind, zone, network)
    # a new service under the old id is not what the old connection leads to; names stay the same
    fixed = pulumi.ResourceOptions(replace_with=[target], delete_before_replace=True)
    endpoint = PrivateEndpoint(
        f"{kind}-endpoint",
        private_endpoint_name=names.private_endpoint(kind),
        resource_group_name=network.resource_group_name,
        location=network.location,
        subnet={"id": network.subnets.endpoints},  # the class would send properties of the subnet along
        private_link_service_connections=[
            PrivateLinkServiceConnectionArgs(name=names.connection(kind), private_link_service_id=target.id, group_ids=[GROUPS[kind]])
        ],
        opts=network.options(*after, more=fixed),
    )
    return PrivateDnsZoneGroup(
        f"{kind}-zone-group",
        private_dns_zone_group_name=names.zone_group(kind),
        private_endpoint_name=names.private_endpoint(kind),
        resource_group_name=network.resource_group_name,
        private_dns_zone_configs=[PrivateDnsZoneConfigArgs(name=kind, private_dns_zone_id=made.id)],
        opts=network.options(endpoint, link, more=fixed),
    )
