"""The Kubernetes versions that AKS offers, and where a cluster is."""

from __future__ import annotations

from rehearsal.azure.errors import not_found
from rehearsal.azure.offers import PATCHES
from rehearsal.services.arm.rest.asked import Asked, Json, Route
from sdg.catalog.versions import versions

CLUSTER = "Microsoft.ContainerService/managedClusters"


def kubernetes_versions(asked: Asked) -> Json:
    """Minor versions with their patches: an object, which has no pages."""
    offered = asked.offers.kubernetes(asked.location)
    return {"values": [_version(minor, plans) for minor, plans in offered.items()]}


def _version(minor: str, plans: tuple[str, ...]) -> Json:
    patches = [f"{minor}.{patch}" for patch in PATCHES]
    upgrades = {patch: {"upgrades": patches[index + 1 :]} for index, patch in enumerate(patches)}
    is_default = {"isDefault": True} if minor == versions().aks.kubernetes else {}
    return {"version": minor, "capabilities": {"supportPlan": list(plans)}, "patchVersions": upgrades, **is_default}


def cluster(asked: Asked) -> Json:
    """Where a cluster's API server is; the rest is the plugin's, and nobody asks for it here."""
    group, name = asked.places["group"], asked.places["name"]
    found = asked.world.read(CLUSTER, f"/subscriptions/{asked.subscription}/resourceGroups/{group}/providers/{CLUSTER}/{name}")
    if found is None:
        raise not_found(f"{CLUSTER}/{name}")
    names = {key: found.outputs[key] for key in ("fqdn", "privateFQDN") if key in found.outputs}
    return {"id": found.id, "name": found.name, "type": CLUSTER, "properties": names}


ROUTES = (
    Route(
        "GET",
        f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{CLUSTER}/{{name}}",
        ("2024-09-01", "2025-08-01", "2025-09-01"),
        cluster,
    ),
    Route(
        "GET",
        "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{location}/kubernetesVersions",
        ("2024-09-01", "2025-08-01", "2025-09-01"),
        kubernetes_versions,
    ),
)
