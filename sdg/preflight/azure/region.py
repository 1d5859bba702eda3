"""What a region offers, except for VM sizes: services, Kubernetes versions, PostgreSQL, Redis, models. Pure: ARM's answers come in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any, Final, get_args

from sdg.catalog.azure_requirements import SoldOut, azure_requirements
from sdg.catalog.foundry_models import FoundryModel, foundry_model
from sdg.preflight.azure.wanted import WantedStack
from sdg.preflight.model import Finding
from sdg.settings.azure import PostgreSql, Storage

COMMUNITY: Final = "KubernetesOfficial"
LONG_TERM: Final = "AKSLongTermSupport"
_TIERS: Final = {"B": "Burstable", "GP": "GeneralPurpose", "MO": "MemoryOptimized"}
_HA: Final = {"same-zone": "SameZone", "zone-redundant": "ZoneRedundant"}
_STANDARD: Final = "Standard_"
_BLOBS: Final = "StorageV2"
_SHOWN: Final = 6

Json = Mapping[str, Any]


def short_name(location: str) -> str:
    """A region's short name, which is its display name without spaces and in small letters."""
    return location.replace(" ", "").lower()


def known(wanted: WantedStack, locations: Iterable[Json]) -> Iterator[Finding]:
    """Whether the subscription has the region at all."""
    names = [str(location["name"]) for location in locations]
    if wanted.region not in names:
        near = get_close_matches(wanted.region, names, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        yield Finding.of("azure-region", f"sdg:cluster.location: {wanted.region} is no region of subscription {wanted.subscription}.{hint}")


def services(wanted: WantedStack, providers: Iterable[Json]) -> Iterator[Finding]:
    """Types of resources that the region doesn't offer. A provider that lists no regions for a type offers it everywhere."""
    offered = {
        f"{provider['namespace']}/{kind['resourceType']}".lower(): [short_name(str(place)) for place in kind.get("locations") or ()]
        for provider in providers
        for kind in provider.get("resourceTypes") or ()
    }
    missing = [kind for kind in wanted.types if (places := offered.get(kind.lower())) and not {wanted.region, "global"} & set(places)]
    if missing:
        yield Finding.of("azure-services", f"{wanted.region} does not offer {', '.join(missing)}, which the stack makes.")


def kubernetes(wanted: WantedStack, answer: Json) -> Iterator[Finding]:
    """Whether AKS makes clusters of the wanted version there, with the wanted support."""
    version, plan = wanted.cluster.kubernetes, LONG_TERM if wanted.cluster.lts else COMMUNITY
    offered = {str(entry["version"]): entry for entry in answer["values"]}
    supported = [name for name, entry in offered.items() if plan in _plans(entry) and not entry.get("isPreview")]
    minor = ".".join(version.split(".")[:2])
    entry = offered.get(minor)
    support = " with long-term support" if wanted.cluster.lts else ""
    listed = f"Offered there are {', '.join(sorted(supported, key=_numbers)) or 'none'}{support}."
    asked = f"sdg:cluster.kubernetes: {version}"
    choose = f"{listed} Choose one of them with sdg:cluster.kubernetes."
    if entry is None:
        yield Finding("azure-kubernetes", f"{asked} is not offered in {wanted.region}.", choose)
    elif plan not in _plans(entry):
        yield _without_plan(wanted, asked, _plans(entry), choose)
    elif version != minor and version not in (entry.get("patchVersions") or {}):
        patches = ", ".join(sorted(entry.get("patchVersions") or {}, key=_numbers))
        remedy = f"Use {minor}, or one of its patches: {patches}."
        yield Finding("azure-kubernetes", f"{asked} is no patch that {wanted.region} offers.", remedy)


def _without_plan(wanted: WantedStack, asked: str, plans: list[str], choose: str) -> Finding:
    if not wanted.cluster.lts and LONG_TERM in plans:
        seen = f"{asked} has long-term support alone in {wanted.region}: its community support has ended."
        return Finding("azure-kubernetes", seen, f"{choose} Or pay for it: sdg:cluster.lts true with sdg:cluster.tier Premium.")
    return Finding("azure-kubernetes", f"{asked} has no long-term support in {wanted.region}, which sdg:cluster.lts asks for.", choose)


def _plans(entry: Json) -> list[str]:
    return list((entry.get("capabilities") or {}).get("supportPlan") or ())


def _numbers(version: str) -> list[int]:
    return [int(part) if part.isdigit() else -1 for part in version.split(".")]


def database(wanted: WantedStack, capabilities: Iterable[Json]) -> Iterator[Finding]:
    """Why PostgreSQL cannot be made as wanted; every reason in one finding."""
    reasons = [reason for capability in capabilities for reason in _database(wanted.cluster.database, capability)]
    if reasons:
        yield Finding.of("azure-database", f"PostgreSQL in {wanted.region}: {'; '.join(reasons)}.")


def _database(settings: PostgreSql, region: Json) -> Iterator[str]:
    if region.get("restricted") == "Enabled" or region.get("status") == "Disabled":
        said = f" ({str(region['reason']).rstrip('.')})" if region.get("reason") else ""
        yield f"the region is closed to this subscription{said}"
        return
    listed = [str(entry["name"]) for entry in region.get("supportedServerVersions") or () if entry.get("status") != "Disabled"]
    if settings.version not in listed:
        yield f"version {settings.version} is not offered, but {', '.join(listed) or 'none'}"
    if settings.geo_backup and region.get("geoBackupSupported") == "Disabled":
        yield "sdg:cluster.database.geoBackup is not offered"
    yield from _server(settings, region)


def _server(settings: PostgreSql, region: Json) -> Iterator[str]:
    prefix, _, name = settings.size.partition("_")
    tier = _TIERS[prefix]
    editions = {str(edition["name"]): edition for edition in region.get("supportedServerEditions") or ()}
    skus = {
        str(sku["name"]).lower(): sku
        for sku in (editions.get(tier) or {}).get("supportedServerSkus") or ()
        if sku.get("status") != "Disabled"
    }
    sku = skus.get(name.lower())
    if sku is None:
        near = [str(known["name"]) for known in skus.values()][:_SHOWN]
        yield f"size {settings.size} is not offered, but in tier {tier} {', '.join(near) or 'none'}"
        return
    zones = [str(zone) for zone in sku.get("supportedZones") or ()]
    if settings.zone and settings.zone not in zones:
        yield f"size {settings.size} is not in zone {settings.zone} (sdg:cluster.database.zone), but in {', '.join(zones) or 'no zone'}"
    mode = _HA.get(settings.high_availability)
    if mode and mode not in (sku.get("supportedHaMode") or ()):
        offered = ", ".join(key for key, value in _HA.items() if value in (sku.get("supportedHaMode") or ())) or "none"
        yield f"size {settings.size} has no high availability {settings.high_availability}, but {offered}"


def storage(wanted: WantedStack, skus: Iterable[Json]) -> Iterator[Finding]:
    """Whether the wanted redundancy of storage is offered there.

    Args:
        skus: of storage, of all regions.
    """
    offered = [
        str(sku["name"]).removeprefix(_STANDARD)
        for sku in skus
        if sku.get("kind") == _BLOBS and wanted.region in map(short_name, sku.get("locations") or ()) and not sku.get("restrictions")
    ]
    redundancy = wanted.cluster.storage.redundancy
    if redundancy not in offered:
        legal = ", ".join(name for name in get_args(Storage.model_fields["redundancy"].annotation) if name in offered)
        seen = f"sdg:cluster.storage.redundancy: {redundancy} is not offered in {wanted.region}, but {legal or 'none'}."
        yield Finding.of("azure-storage", seen)


def redis_capacity(wanted: WantedStack) -> Iterator[Finding]:
    """Whether the wanted size could not be had there of late, which ARM says only when one is made."""
    size = wanted.cluster.redis.size
    for entry in azure_requirements().redis.sold_out:
        if wanted.has("redis") and entry.region == wanted.region and size in entry.sizes:
            yield _sold_out(entry, size)


def _sold_out(entry: SoldOut, size: str) -> Finding:
    seen = f"sdg:cluster.redis.size: {size} could not be had in {entry.region} on {entry.seen} (AllocationFailed), although it is offered."
    worked = " or ".join(entry.worked)
    return Finding("azure-redis-capacity", seen, f"If it fails again: {worked} could be had; or choose another region, or no replica.")


def models(wanted: Mapping[str, FoundryModel], region: str, offered: Iterable[Json], today: date) -> Iterator[Finding]:
    """Whether a region offers each of Foundry's models that the stack names, by its own list or by the catalog, and none has been retired.

    Args:
        wanted: by their names in the catalog.
        offered: the region's list of models.
    """
    there: dict[str, list[Json]] = {}
    for entry in offered:
        there.setdefault(str(entry["model"]["name"]).lower(), []).append(entry["model"])
    unusable = {
        name: reason for name, model in wanted.items() if (reason := _unusable(model, region, there.get(model.name.lower(), []), today))
    }
    if unusable:
        said = "; ".join(f"{name} {reason}" for name, reason in unusable.items())
        yield Finding.of("azure-models", f"Foundry cannot serve every model of the stack in {region}: {said}.")


def _unusable(model: FoundryModel, region: str, versions: list[Json], today: date) -> str | None:
    """Why a model serves nobody in a region: retired by the catalog or by ARM, or not offered; None when it does.

    Args:
        versions: of it, in the region's list.
    """
    retired = min(model.retired or date.max, max((_retired(version) for version in versions), default=date.max))
    if retired <= today:
        return f"has been retired since {retired}{f' ({foundry_model(model.successor).name} came after it)' if model.successor else ''}"
    elsewhere = f", but in {', '.join(model.regions)}" if model.regions else ""
    return None if versions or region in model.regions else f"is not offered there{elsewhere}"


def _retired(version: Json) -> date:
    """The day from which a version serves nobody; the last of all days where ARM says none."""
    said = (version.get("deprecation") or {}).get("inference")
    return date.fromisoformat(str(said)[:10]) if said else date.max
