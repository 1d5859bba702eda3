"""What ARM says, in its own shapes, and what a stack wants of it."""

from __future__ import annotations

from sdg.azure.names import Names
from sdg.preflight.azure.wanted import WantedStack
from sdg.settings.parse import check

SUBSCRIPTION = "5d600000-0000-4000-8000-000000000001"
OWNER = "sdg/lab"
D16, H100 = "Standard_D16ds_v5", "Standard_NC40ads_H100_v5"


def said(findings):
    """Each finding as a sentence."""
    return [f"{finding.seen} {finding.remedy}" for finding in findings]


def one(findings):
    """The only finding, as a sentence."""
    [sentence] = said(findings)
    return sentence


def sections(cluster=None, **others):
    """Settings of a stack in Azure, wrong or not."""
    read, _wrong = check({"cluster": {"kind": "azure", "allowedRanges": ["198.51.100.7/32"], **(cluster or {})}, **others})
    return read


def wanted(cluster=None, **others):
    read = sections(cluster, **others)
    azure = read["cluster"]
    return WantedStack(azure, read, Names.of(azure, OWNER, SUBSCRIPTION), SUBSCRIPTION, azure.location)


def sku(name, family, vcpus, zones=("1", "2", "3"), restrictions=()):
    return {
        "resourceType": "virtualMachines",
        "name": name,
        "family": family,
        "locations": ["EastUS2"],
        "locationInfo": [{"location": "EastUS2", "zones": list(zones)}],
        "capabilities": [{"name": "vCPUs", "value": str(vcpus)}, {"name": "GPUs", "value": "1"}],
        "restrictions": list(restrictions),
    }


def kept_back(*zones, reason="NotAvailableForSubscription"):
    info = {"locations": ["EastUS2"], **({"zones": list(zones)} if zones else {})}
    return {"type": "Zone" if zones else "Location", "values": ["EastUS2"], "restrictionInfo": info, "reasonCode": reason}


def usage(name, used, limit):
    return {"unit": "Count", "currentValue": used, "limit": limit, "name": {"value": name, "localizedValue": name}}


SYSTEM_SKU = sku(D16, "standardDDSv5Family", 16)
GPU_SKU = sku(H100, "standardNCADSH100v5Family", 40)
T4_SKU = sku("Standard_NC4as_T4_v3", "Standard NCASv3_T4 Family", 4)


def version(minor, *plans, patches=(), preview=None):
    return {
        "version": minor,
        "capabilities": {"supportPlan": list(plans)},
        "isPreview": preview,
        "patchVersions": {patch: {"upgrades": []} for patch in patches},
    }


BOTH = ("KubernetesOfficial", "AKSLongTermSupport")
VERSIONS = {
    "values": [
        version("1.33", "AKSLongTermSupport", patches=["1.33.11"]),
        version("1.35", *BOTH, patches=["1.35.1", "1.35.10"]),
        version("1.36", "KubernetesOfficial"),
        version("1.37", "KubernetesOfficial", preview=True),
    ]
}


def server_sku(name, zones=("1", "2", "3"), modes=("SameZone", "ZoneRedundant"), status=None):
    return {"name": name, "vCores": 2, "supportedZones": list(zones), "supportedHaMode": list(modes), "status": status}


def capability(*skus, tier="GeneralPurpose", **others):
    return {
        "name": "FlexibleServerCapabilities",
        "restricted": "Disabled",
        "geoBackupSupported": "Enabled",
        "supportedServerVersions": [{"name": "15"}, {"name": "16"}],
        "supportedServerEditions": [{"name": tier, "supportedServerSkus": list(skus)}],
        **others,
    }
