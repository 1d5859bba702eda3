"""What PostgreSQL and storage offer in a region."""

from __future__ import annotations

from rehearsal.azure.regions import Region
from rehearsal.services.arm.rest.asked import Asked, Json, Page, Route

# of each tier: vCores and memory per vCore, in MiB, by size
_SIZES = {
    "Burstable": {"Standard_B1ms": (1, 2048), "Standard_B2s": (2, 2048), "Standard_B2ms": (2, 4096), "Standard_B4ms": (4, 4096)},
    "GeneralPurpose": {
        "Standard_D2s_v3": (2, 4096),
        "Standard_D4s_v3": (4, 4096),
        "Standard_D8s_v3": (8, 4096),
        "Standard_D2ds_v5": (2, 4096),
        "Standard_D4ds_v5": (4, 4096),
    },
    "MemoryOptimized": {"Standard_E2ds_v5": (2, 8192), "Standard_E4ds_v5": (4, 8192)},
}
_VERSIONS = ("13", "14", "15", "16", "17", "18")
_STORAGE_GIB = (32, 64, 128, 256, 512, 1024, 2048, 4096)
_REDUNDANCIES = ("LRS", "ZRS", "GRS", "RAGRS", "GZRS", "RAGZRS")
_ZONAL = ("ZRS", "GZRS", "RAGZRS")
ENABLED, DISABLED = "Enabled", "Disabled"


def postgresql(asked: Asked) -> Page:
    """One entry: what a region has, and whether this subscription may have it."""
    region = asked.offers.region(asked.location)
    return Page([_capability(region)] if region else [])


def _capability(region: Region) -> Json:
    said, zonal = region.postgresql, region.postgresql.zone_redundant and bool(region.zones)
    found: Json = {
        "name": "FlexibleServerCapabilities",
        "supportedServerEditions": [_edition(name, region) for name in _SIZES] if not said.restricted else [],
        "supportedServerVersions": [
            {"name": version, "supportedVersionsToUpgrade": list(_VERSIONS[index + 1 :]), "supportedFeatures": []}
            for index, version in enumerate(_VERSIONS)
        ],
        "supportedFeatures": [],
        "fastProvisioningSupported": DISABLED,
        "geoBackupSupported": _switch(on=said.geo_backup),
        "zoneRedundantHaSupported": _switch(on=zonal),
        "zoneRedundantHaAndGeoBackupSupported": _switch(on=zonal and said.geo_backup),
        "storageAutoGrowthSupported": ENABLED,
        "onlineResizeSupported": ENABLED,
        "restricted": _switch(on=bool(said.restricted)),
        "status": "Disabled" if said.restricted else "Available",
    }
    return found | ({"reason": said.restricted} if said.restricted else {})


def _edition(name: str, region: Region) -> Json:
    sizes = _SIZES[name]
    zonal = region.postgresql.zone_redundant and bool(region.zones)
    modes = [] if name == "Burstable" else ["SameZone", *(["ZoneRedundant"] if zonal else [])]
    return {
        "name": name,
        "defaultSkuName": next(iter(sizes)),
        "supportedStorageEditions": [
            {
                "name": "ManagedDisk",
                "defaultStorageSizeMb": 32 * 1024,
                "supportedStorageMb": [{"storageSizeMb": size * 1024} for size in _STORAGE_GIB],
            }
        ],
        "supportedServerSkus": [
            {
                "name": size,
                "vCores": cores,
                "supportedMemoryPerVcoreMb": memory,
                "supportedZones": list(region.zones),
                "supportedHaMode": modes,
                "supportedFeatures": [],
            }
            for size, (cores, memory) in sizes.items()
        ],
        "status": "Available",
    }


def _switch(*, on: bool) -> str:
    return ENABLED if on else DISABLED


def storage(asked: Asked) -> Page:
    """Kinds of storage accounts, in every region."""
    page = Page()
    for name in asked.offers.names():
        region = asked.offers.region(name)
        zonal = bool(region and region.zones)
        for redundancy in _REDUNDANCIES:
            if zonal or redundancy not in _ZONAL:
                page.append(
                    {
                        "resourceType": "storageAccounts",
                        "name": f"Standard_{redundancy}",
                        "tier": "Standard",
                        "kind": "StorageV2",
                        "locations": [name],
                        "restrictions": [],
                        "capabilities": [],
                    }
                )
    return page


_P = "/subscriptions/{subscription}/providers"
ROUTES = (
    Route("GET", f"{_P}/Microsoft.DBforPostgreSQL/locations/{{location}}/capabilities", ("2024-08-01", "2025-08-01"), postgresql),
    Route("GET", f"{_P}/Microsoft.Storage/skus", ("2024-01-01", "2025-06-01"), storage),
)
