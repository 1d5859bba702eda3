"""Machines, addresses and storage accounts: what a region has, and how many of them the subscription may have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rehearsal.azure.errors import ArmError
from rehearsal.azure.regions import Region, regions
from rehearsal.services.arm.rest.asked import BAD_REQUEST, Asked, Json, Page, Route
from sdg.catalog.vm_sizes import VmSize, vm_sizes

_FILTER = re.compile(r"\s*location\s+eq\s+'([^']+)'\s*", re.IGNORECASE)
_LABELS = {"cores": "Total Regional vCPUs", "lowPriorityCores": "Total Regional Low-priority vCPUs"}
_MACHINES = {"virtualMachines": ("Virtual Machines", 25_000), "virtualMachineScaleSets": ("Virtual Machine Scale Sets", 2_500)}
_BOTH_GENERATIONS = re.compile(r"_T4_|_A10_|^Standard_[DE]\d+[a-z]*_v[35]$")
_NETWORK = {
    "StandardSkuPublicIpAddresses": ("Public IPv4 Addresses - Standard", 20, "Microsoft.Network/publicIPAddresses"),
    "NatGateways": ("NAT Gateways", 100, "Microsoft.Network/natGateways"),
    "VirtualNetworks": ("Virtual Networks", 1000, "Microsoft.Network/virtualNetworks"),
    "NetworkSecurityGroups": ("Network Security Groups", 5000, "Microsoft.Network/networkSecurityGroups"),
}
_DISKS = ("Premium_LRS", "StandardSSD_LRS", "Standard_LRS")


def usages(asked: Asked) -> Page:
    """vCPUs by family, and their sums."""
    region = _region(asked, asked.location)
    used = asked.world.quota.used(asked.location)
    labels = {regions().usage(name): f"{family.label} vCPUs" for name, family in regions().families.items()} | _LABELS
    page = Page(_usage(name, label, 0, limit) for name, (label, limit) in _MACHINES.items())
    for name, label in labels.items():
        page.append(_usage(name, label, used.get(name, 0), region.limits.get(name, 0)))
    return page


def skus(asked: Asked) -> Page:
    """Everything that compute sells, in one region or in all."""
    text = asked.query.get("$filter", "")
    match = _FILTER.fullmatch(text)
    if text and not match:
        raise ArmError(BAD_REQUEST, "InvalidFilter", f"The filter '{text}' is not supported. Only location eq 'value' is.")
    names = [match[1].replace(" ", "").lower()] if match else list(asked.offers.names())
    return Page(sku for name in names if asked.offers.region(name) for sku in _skus(name, _region(asked, name)))


def network_usages(asked: Asked) -> Page:
    """Addresses, gateways and networks."""
    page = Page()
    for name, (label, limit, type_) in _NETWORK.items():
        there = [one for one in asked.world.resources(type_) if _in(one.outputs, asked.location)]
        page.append(_usage(name, label, len(there), limit))
    return page


def storage_usages(asked: Asked) -> Page:
    """Storage accounts."""
    there = [one for one in asked.world.resources("Microsoft.Storage/storageAccounts") if _in(one.outputs, asked.location)]
    return Page([_usage("StorageAccounts", "Storage Accounts", len(there), 250)])


def _in(outputs: Mapping[str, object], location: str) -> bool:
    return str(outputs.get("location", "")).replace(" ", "").lower() == location


def _region(asked: Asked, name: str) -> Region:
    region = asked.offers.region(name)
    if region is None:
        raise LookupError(name)
    return region


def _usage(name: str, label: str, value: int, limit: int) -> Json:
    return {"unit": "Count", "currentValue": value, "limit": limit, "name": {"value": name, "localizedValue": label}}


def _skus(name: str, region: Region) -> Iterator[Json]:
    for size, described in vm_sizes().items():
        family = regions().family(size)
        if family and size not in region.without:
            yield _machine(name, region, size, described) | {"family": family}
    for tier in _DISKS:
        yield {
            "resourceType": "disks",
            "name": tier,
            "tier": tier.partition("_")[0],
            "locations": [name],
            "locationInfo": [{"location": name, "zones": list(region.zones)}],
            "capabilities": [{"name": "MaxSizeGiB", "value": "32767"}],
            "restrictions": [],
        }


def _machine(name: str, region: Region, size: str, described: VmSize) -> Json:
    return {
        "resourceType": "virtualMachines",
        "name": size,
        "tier": "Standard",
        "size": size.removeprefix("Standard_"),
        "locations": [name],
        "locationInfo": [{"location": name, "zones": list(region.zones), "zoneDetails": []}],
        "capabilities": [{"name": key, "value": value} for key, value in _capabilities(size, described)],
        "restrictions": _restrictions(name, region, size),
    }


def _capabilities(size: str, described: VmSize) -> Iterator[tuple[str, str]]:
    yield "MaxResourceVolumeMB", str(described.temp_disk_gib * 1024)
    yield "vCPUs", str(described.vcpus)
    yield "MemoryGB", str(described.memory_gib)
    yield "HyperVGenerations", "V1,V2" if _BOTH_GENERATIONS.search(size) else "V2"
    yield "CpuArchitectureType", "Arm64" if described.architecture == "arm64" else "x64"
    yield "LowPriorityCapable", "True"
    yield "PremiumIO", "True"
    yield "vCPUsAvailable", str(described.vcpus)
    yield "AcceleratedNetworkingEnabled", "True"
    if described.gpu:
        yield "GPUs", str(described.gpu.count)


def _restrictions(name: str, region: Region, size: str) -> list[Json]:
    found = region.restricted.get(size)
    if found is None:
        return []
    where: Json = {"locations": [name], "zones": list(found.zones)} if found.zones else {"locations": [name]}
    kind = "Zone" if found.zones else "Location"
    return [{"type": kind, "values": [name], "restrictionInfo": where, "reasonCode": found.reason}]


_P = "/subscriptions/{subscription}/providers"
ROUTES = (
    Route("GET", f"{_P}/Microsoft.Compute/locations/{{location}}/usages", ("2024-03-01", "2024-07-01", "2024-11-01"), usages),
    Route("GET", f"{_P}/Microsoft.Compute/skus", ("2019-04-01", "2021-07-01"), skus),
    Route("GET", f"{_P}/Microsoft.Network/locations/{{location}}/usages", ("2024-05-01", "2025-05-01"), network_usages),
    Route("GET", f"{_P}/Microsoft.Storage/locations/{{location}}/usages", ("2024-01-01", "2025-06-01"), storage_usages),
)
