"""The Kubernetes versions that AKS offers."""

from __future__ import annotations

from rehearsal.azure.offers import PATCHES
from rehearsal.services.arm.rest.asked import Asked, Json, Route
from sdg.catalog.versions import versions


def kubernetes_versions(asked: Asked) -> Json:
    """Minor versions with their patches: an object, which has no pages."""
    offered = asked.offers.kubernetes(asked.location)
    return {"values": [_version(minor, plans) for minor, plans in offered.items()]}


def _version(minor: str, plans: tuple[str, ...]) -> Json:
    patches = [f"{minor}.{patch}" for patch in PATCHES]
    upgrades = {patch: {"upgrades": patches[index + 1 :]} for index, patch in enumerate(patches)}
    is_default = {"isDefault": True} if minor == versions().aks.kubernetes else {}
    return {"version": minor, "capabilities": {"supportPlan": list(plans)}, "patchVersions": upgrades, **is_default}


ROUTES = (
    Route(
        "GET",
        "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{location}/kubernetesVersions",
        ("2024-09-01", "2025-08-01", "2025-09-01"),
        kubernetes_versions,
    ),
)
