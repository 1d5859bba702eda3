"""Virtual networks and what lies in them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from rehearsal.azure.behaviour import Fields, Request, View, derived, outputs, rule
from rehearsal.azure.errors import ArmError
from rehearsal.azure.ids import ResourceId, key
from rehearsal.azure.resources import Resource

BAD_REQUEST = 400
NETWORK = "Microsoft.Network/virtualNetworks"
SUBNET = f"{NETWORK}/subnets"
ADDRESS, GATEWAY = "Microsoft.Network/publicIPAddresses", "Microsoft.Network/natGateways"
GROUP = "Microsoft.Network/networkSecurityGroups"
POSTGRES = "Microsoft.DBforPostgreSQL/flexibleServers"
SMALLEST = 29  # prefix length of the smallest subnet
RESERVED = 5  # addresses of each subnet that Azure keeps
DOCUMENTATION = ipaddress.ip_network("203.0.113.0/24")
"""Public addresses come from here: a range for documentation (RFC 5737), where nothing real answers."""
# words that stand for addresses in rules, beside service tags, which begin with a capital too
_ANY = "*"

Range = ipaddress.IPv4Network | ipaddress.IPv6Network


@rule(ADDRESS)
def _static(request: Request) -> None:
    sku = str((request.inputs.get("sku") or {}).get("name", "Standard"))
    if sku != "Basic" and str(request.inputs.get("publicIPAllocationMethod", "Dynamic")) != "Static":
        raise _bad("PublicIPAddressWithStandardSkuMustUseStaticAllocation", f"{request.name}: a {sku} public IP address must be Static.")


@outputs(ADDRESS)
def _address(view: View, resource: Resource) -> Fields:  # noqa: ARG001 -- the registry's signature
    number = int(derived(resource, "address").replace("-", ""), 16) % (DOCUMENTATION.num_addresses - 2) + 1
    return {
        "ipAddress": str(DOCUMENTATION[number]),
        "idleTimeoutInMinutes": 4,
        "publicIPAddressVersion": "IPv4",
        "resourceGuid": derived(resource, "guid"),
    }


@rule(GATEWAY)
def _gateway_addresses(request: Request) -> None:
    for each in request.inputs.get("publicIpAddresses") or []:
        address = request.view.read(ADDRESS, str(each.get("id", "")))
        if address and str((address.outputs.get("sku") or {}).get("name", "Basic")) == "Basic":
            raise _bad("PublicIPAddressMustBeStandardSku", f"{request.name}: {address.id} must have the SKU Standard.")
        for other in request.view.resources(GATEWAY):
            taken = [key(str(one.get("id", ""))) for one in other.inputs.get("publicIpAddresses") or []]
            if address and key(other.id) != key(request.id) and key(address.id) in taken:
                sentence = f"Resource {request.id} is referencing public IP address {address.id} that is already allocated to {other.id}."
                raise _bad("PublicIPAddressInUse", sentence)


@outputs(GATEWAY, NETWORK)
def _idle(view: View, resource: Resource) -> Fields:  # noqa: ARG001
    return {"resourceGuid": derived(resource, "guid"), **({"idleTimeoutInMinutes": 4} if resource.type == GATEWAY else {})}


@rule(GROUP)
def _security_rules(request: Request) -> None:
    given = request.inputs.get("securityRules") or []
    for one in given:
        name, priority = str(one.get("name", "")), one.get("priority")
        if not isinstance(priority, int) or not 100 <= priority <= 4096:  # noqa: PLR2004 -- Azure's own limits
            raise _bad("SecurityRuleInvalidPriority", f"Security rule {name} has invalid priority {priority}: it must be from 100 to 4096.")
        for side in ("source", "destination"):
            _rule_addresses(name, side, one)
            _rule_ports(name, side, one)
    for one, other in combinations(given, 2):
        same = [str(one.get(field, "")).lower() == str(other.get(field, "")).lower() for field in ("direction", "priority")]
        if all(same) or one.get("name") == other.get("name"):
            sentence = f"Security rule {one.get('name')} conflicts with rule {other.get('name')}."
            raise _bad("SecurityRuleConflict", f"{sentence} Rules cannot have the same Priority and Direction, nor the same name.")


def _rule_addresses(name: str, side: str, given: Mapping[str, Any]) -> None:
    one, many = given.get(f"{side}AddressPrefix"), given.get(f"{side}AddressPrefixes") or []
    groups = given.get(f"{side}ApplicationSecurityGroups")
    if one is not None and many:
        raise _bad(
            "SecurityRuleParameterConflict", f"Security rule {name}: {side}AddressPrefix and {side}AddressPrefixes exclude each other."
        )
    if one is None and not many and not groups:
        raise _bad("SecurityRuleAddressPrefixNotSpecified", f"Security rule {name} must specify {side}AddressPrefix or a list of them.")
    for text in many or [one]:
        if text != _ANY and not str(text)[:1].isupper() and _range(str(text)) is None:
            raise _bad("SecurityRuleInvalidAddressPrefix", f"Security rule {name} has invalid Address prefix. Value provided: {text}")


def _rule_ports(name: str, side: str, given: Mapping[str, Any]) -> None:
    one, many = given.get(f"{side}PortRange"), given.get(f"{side}PortRanges") or []
    if (one is None) == (not many):
        raise _bad(
            "SecurityRulePortRangeNotSpecified", f"Security rule {name} must specify {side}PortRange, or a list of them, and not both."
        )
    for text in many or [one]:
        low, _, high = str(text).partition("-")
        if text != _ANY and not (low.isdigit() and (high or low).isdigit() and int(low) <= int(high or low) <= 65535):  # noqa: PLR2004 -- ports
            raise _bad("SecurityRuleInvalidPortRange", f"Security rule {name} has invalid Port range. Value provided: {text}")


@rule(NETWORK)
def _network_ranges(request: Request) -> None:
    found = _ranges((request.inputs.get("addressSpace") or {}).get("addressPrefixes"), request.name)
    if not found:
        raise _bad("InvalidRequestFormat", f"The address space of virtual network {request.name} is empty.")
    for one, other in combinations(found, 2):
        if one.overlaps(other):
            raise _bad("NetcfgInvalidVirtualNetworkSite", f"Address prefixes {one} and {other} of virtual network {request.name} overlap.")
    for subnet in _siblings(request.view, request.id):
        for prefix in prefixes(subnet.inputs):
            if not any(prefix.subnet_of(space) for space in found if space.version == prefix.version):  # type: ignore[arg-type]
                sentence = f"Address space of virtual network {request.name} no longer contains {prefix} of subnet {subnet.id}."
                raise _bad("InUsePrefixCannotBeDeleted", sentence)


@rule(SUBNET)
def _subnet_ranges(request: Request) -> None:
    parsed = ResourceId.parse(request.id)
    network = request.view.read(NETWORK, parsed.parent) if parsed else None
    if network is None:
        return
    given = prefixes(request.inputs)
    if not given:
        raise _bad("SubnetAddressPrefixNotSpecified", f"Subnet '{request.name}' needs an address prefix.")
    spaces = _ranges((network.outputs.get("addressSpace") or {}).get("addressPrefixes"), network.name)
    for prefix in given:
        inside = any(prefix.subnet_of(space) for space in spaces if space.version == prefix.version)  # type: ignore[arg-type]
        if not inside or (prefix.version == 4 and prefix.prefixlen > SMALLEST):  # noqa: PLR2004 -- IPv4
            raise _bad("NetcfgInvalidSubnet", f"Subnet '{request.name}' is not valid in virtual network '{network.name}': {prefix}.")
        for other in _siblings(request.view, network.id):
            if key(other.id) != key(request.id) and any(prefix.overlaps(one) for one in prefixes(other.inputs)):
                raise _bad("NetcfgSubnetRangesOverlap", f"Subnet '{request.name}' is not valid because its IP address range overlaps "
                           f"with that of an existing subnet in virtual network '{network.name}'.")  # fmt: skip
    if request.old and given != prefixes(request.old.inputs) and users(request.view, request.id):
        raise _bad("InUsePrefixCannotBeDeleted", f"Subnet '{request.name}' is in use and its address prefix cannot be changed.")


@outputs(SUBNET)
def _subnet(view: View, resource: Resource) -> Fields:  # noqa: ARG001
    done = "Succeeded"
    delegations = [
        {
            "actions": [f"{NETWORK}/subnets/join/action"],
            "id": f"{resource.id}/delegations/{one.get('name')}",
            "provisioningState": done,
            **one,
        }
        for one in resource.inputs.get("delegations") or []
    ]
    endpoints = [{"locations": ["*"], "provisioningState": done, **one} for one in resource.inputs.get("serviceEndpoints") or []]
    return {"delegations": delegations, "serviceEndpoints": endpoints}


def prefixes(inputs: Mapping[str, Any]) -> list[Range]:
    """A subnet's ranges."""
    given = inputs.get("addressPrefixes") or ([inputs["addressPrefix"]] if inputs.get("addressPrefix") else [])
    return _ranges(given, "subnet")


def delegated_to(subnet: Resource | None) -> list[str]:
    """The services that a subnet is delegated to, in lower case."""
    return [str(one.get("serviceName", "")).lower() for one in (subnet.inputs.get("delegations") if subnet else None) or []]


def users(view: View, subnet: str) -> Iterator[str]:
    """Ids of what lies in a subnet."""
    from rehearsal.azure.references import referrers  # noqa: PLC0415 -- references needs the registry that this module fills

    return iter(referrers(view, subnet))


def _siblings(view: View, network: str) -> list[Resource]:
    below = f"{key(network)}/"
    return [one for one in view.resources(SUBNET) if key(one.id).startswith(below)]


def _ranges(given: Any, name: str) -> list[Range]:  # noqa: ANN401 -- whatever a list may hold
    found = []
    for text in given or []:
        one = _range(str(text))
        if one is None:
            sentence = f"Address prefix {text} of resource {name} is not formatted correctly. It should follow CIDR notation."
            raise _bad("InvalidAddressPrefixFormat", f"{sentence} For example 10.0.0.0/24.")
        found.append(one)
    return found


def _range(text: str) -> Range | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def _bad(code: str, message: str) -> ArmError:
    return ArmError(BAD_REQUEST, code, message)
