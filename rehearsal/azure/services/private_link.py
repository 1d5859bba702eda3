"""Private DNS zones, private endpoints, and the groups that join them."""

from __future__ import annotations

from collections.abc import Iterator

from rehearsal.azure.behaviour import Fields, Request, View, derived, farewell, outputs, rule
from rehearsal.azure.errors import ArmError
from rehearsal.azure.ids import ResourceId, key
from rehearsal.azure.resources import Resource
from rehearsal.azure.services.network import SUBNET, delegated_to, prefixes

BAD_REQUEST = 400
ZONE = "Microsoft.Network/privateDnsZones"
LINK = f"{ZONE}/virtualNetworkLinks"
ENDPOINT = "Microsoft.Network/privateEndpoints"
ZONE_GROUP = f"{ENDPOINT}/privateDnsZoneGroups"
GROUPS = {
    "microsoft.cache/redisenterprise": {"redisEnterprise"},
    "microsoft.storage/storageaccounts": {"blob", "blob_secondary", "file", "queue", "table", "web", "dfs", "dfs_secondary"},
    "microsoft.keyvault/vaults": {"vault"},
    "microsoft.cognitiveservices/accounts": {"account"},
    "microsoft.containerservice/managedclusters": {"management"},
    "microsoft.dashboard/grafana": {"grafana"},
    "microsoft.monitor/accounts": {"prometheusMetrics"},
}
"""Parts of services that endpoints lead to (learn.microsoft.com, private endpoint overview, "private-link resource")."""
_APPROVED = {"actionsRequired": "None", "description": "Auto-approved", "status": "Approved"}
_DISCONNECTED = {"actionsRequired": "None", "description": "Consumer endpoint's target was deleted.", "status": "Disconnected"}


@rule(ZONE, LINK)
def _everywhere(request: Request) -> None:
    where = str(request.inputs.get("location", ""))
    if where.lower() != "global":
        sentence = f"The provided location '{where}' is not available for resource type '{request.type}'."
        raise _bad("LocationNotAvailableForResourceType", f"{sentence} List of available regions for the resource type is 'global'.")


@rule(LINK)
def _linked_once(request: Request) -> None:
    target, zone = _target(request.inputs), request.id.rpartition("/virtualNetworkLinks/")[0]
    for other in request.view.resources(LINK):
        same_zone = key(other.id.rpartition("/virtualNetworkLinks/")[0]).rpartition("/")[2] == key(zone).rpartition("/")[2]
        if key(other.id) != key(request.id) and same_zone and _target(other.inputs) == target:
            words = "A virtual network cannot be linked to multiple zones with overlapping namespaces."
            raise _bad("BadRequest", f"{words} You tried to link virtual network with '{request.id}' and '{other.id}'.")


@outputs(ZONE)
def _zone(view: View, resource: Resource) -> Fields:
    links = [one for one in view.resources(LINK) if key(one.id).startswith(f"{key(resource.id)}/")]
    return {
        "internalId": derived(resource, "zone"),
        "maxNumberOfRecordSets": 25000,
        "maxNumberOfVirtualNetworkLinks": 1000,
        "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
        "numberOfRecordSets": 1,
        "numberOfVirtualNetworkLinks": len(links),
        "numberOfVirtualNetworkLinksWithRegistration": sum(bool(one.inputs.get("registrationEnabled")) for one in links),
    }


@outputs(LINK)
def _link(view: View, resource: Resource) -> Fields:  # noqa: ARG001 -- the registry's signature
    return {"virtualNetworkLinkState": "Completed"}


@rule(ENDPOINT)
def _leads_somewhere(request: Request) -> None:
    subnet = request.view.read(SUBNET, str((request.inputs.get("subnet") or {}).get("id", "")))
    connections = [
        *(request.inputs.get("privateLinkServiceConnections") or []),
        *(request.inputs.get("manualPrivateLinkServiceConnections") or []),
    ]
    if subnet is None or not connections:
        raise _bad("InvalidRequestFormat", f"Private endpoint {request.name} needs a subnet and a connection.")
    if delegated_to(subnet):
        sentence = f"Private endpoint {request.id} cannot be created in subnet {subnet.id} since it is delegated."
        raise _bad("PrivateEndpointCreationNotAllowedAsSubnetIsDelegated", sentence)
    for one in connections:
        parsed = ResourceId.parse(str(one.get("privateLinkServiceId", "")))
        legal = GROUPS.get(parsed.type.lower()) if parsed else None
        if parsed is None or legal is None:
            what = one.get("privateLinkServiceId")
            raise _bad("PrivateEndpointCannotConnectToResource", f"Private endpoint {request.name} cannot lead to {what}.")
        given = one.get("groupIds") or []
        if len(given) != 1 or given[0] not in legal:
            sentence = f"Call to {parsed.type} failed. Error message: group ids {given} are invalid, one of {sorted(legal)} is needed."
            raise _bad("PrivateLinkServiceGroupIdsInvalid", sentence)


@outputs(ENDPOINT)
def _endpoint(view: View, resource: Resource) -> Fields:
    interface = f"{resource.id.rpartition('/providers/')[0]}/providers/Microsoft.Network/networkInterfaces/{resource.name}.nic"
    subnet = view.read(SUBNET, str((resource.inputs.get("subnet") or {}).get("id", "")))
    dead = _disconnected(view.read(ENDPOINT, resource.id))
    connections = [
        {
            "id": f"{resource.id}/privateLinkServiceConnections/{one.get('name')}",
            "provisioningState": "Succeeded",
            "privateLinkServiceConnectionState": _DISCONNECTED if _leads_to(one) in dead else _APPROVED,
            "type": f"{ENDPOINT}/privateLinkServiceConnections",
            **one,
        }
        for one in resource.inputs.get("privateLinkServiceConnections") or []
    ]
    return {
        "networkInterfaces": [{"id": interface}],
        "customDnsConfigs": [{"ipAddresses": [_inside(resource, subnet)]}] if subnet else [],
        "privateLinkServiceConnections": connections,
    }


@farewell(*GROUPS)
def _disconnect(view: View, resource: Resource) -> Iterator[tuple[Resource, Fields]]:
    """An endpoint outlives what it leads to, and never leads to another resource of that id."""
    for endpoint in view.resources(ENDPOINT):
        said = endpoint.outputs.get("privateLinkServiceConnections") or []
        lost = [_leads_to(one) == key(resource.id) for one in said]
        if any(lost):
            dead = {"privateLinkServiceConnectionState": _DISCONNECTED}
            connections = [{**one, **dead} if ended else one for one, ended in zip(said, lost, strict=True)]
            yield endpoint, {"privateLinkServiceConnections": connections}


def _disconnected(endpoint: Resource | None) -> set[str]:
    """What an endpoint led to once."""
    said = (endpoint.outputs.get("privateLinkServiceConnections") if endpoint else None) or []
    return {_leads_to(one) for one in said if (one.get("privateLinkServiceConnectionState") or {}).get("status") == "Disconnected"}


def _leads_to(connection: Fields) -> str:
    return key(str(connection.get("privateLinkServiceId", "")))


@outputs(ZONE_GROUP)
def _zone_group(view: View, resource: Resource) -> Fields:
    endpoint = view.read(ENDPOINT, resource.id.rpartition("/privateDnsZoneGroups/")[0])
    configs = (endpoint.outputs.get("customDnsConfigs") if endpoint else None) or []
    addresses = [address for one in configs for address in one.get("ipAddresses") or []]
    records = [
        {**one, "recordSets": [{"recordType": "A", "ttl": 10, "provisioningState": "Succeeded", "ipAddresses": addresses}]}
        for one in resource.inputs.get("privateDnsZoneConfigs") or []
    ]
    return {"privateDnsZoneConfigs": records}


def _inside(resource: Resource, subnet: Resource) -> str:
    """An address of the subnet, beyond those that Azure keeps."""
    prefix = prefixes(subnet.inputs)[0]
    free = max(min(prefix.num_addresses, 1 << 16) - 5, 1)
    return str(prefix[4 + int(derived(resource, "address").replace("-", ""), 16) % free])


def _target(inputs: Fields) -> str:
    return key(str((inputs.get("virtualNetwork") or {}).get("id", "")))


def _bad(code: str, message: str) -> ArmError:
    return ArmError(BAD_REQUEST, code, message)
