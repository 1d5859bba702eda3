"""Azure's roles inside a cluster: who may do what there by an assignment in Azure, with `enableAzureRBAC`."""

from __future__ import annotations

from typing import Final

from rehearsal.api import Api, Object
from rehearsal.api import Resource as Kind
from rehearsal.azure.ids import key
from rehearsal.azure.world import Resource, World

ASSIGNMENT: Final = "Microsoft.Authorization/roleAssignments"
ROLES: Final = {
    "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b": "cluster-admin",  # AKS RBAC Cluster Admin
    "7f6c6a51-bcf8-42ba-9220-52d62157d7db": "view",  # AKS RBAC Reader
}
"""Azure's role → the ClusterRole that says the same here."""
PROPAGATION: Final = 300.0
"""Azure's seconds until an assignment holds in a cluster: up to five minutes (AKS, "Use Azure RBAC for Kubernetes authorization")."""
BINDINGS: Final = Kind("rbac.authorization.k8s.io/v1", "clusterrolebindings")
GROUP: Final = "rbac.authorization.k8s.io"


def grant_all(api: Api, world: World, cluster: Resource) -> None:
    """Lets everybody in whom an assignment lets in."""
    for assignment in world.resources(ASSIGNMENT):
        grant(api, cluster, assignment)


def grant(api: Api, cluster: Resource, assignment: Resource) -> None:
    """Lets a principal in, if that is what the assignment is about."""
    role = ROLES.get(str(assignment.inputs.get("roleDefinitionId") or "").rpartition("/")[2].lower())
    scope = key(str(assignment.inputs.get("scope") or ""))
    profile = cluster.outputs.get("aadProfile") or {}
    if role and profile.get("enableAzureRBAC") and f"{key(cluster.id)}/".startswith(f"{scope.rstrip('/')}/"):
        api.apply(BINDINGS, _binding(assignment, role))


def revoke(api: Api, assignment: Resource) -> None:
    """Takes back what an assignment granted."""
    api.delete(BINDINGS, _name(assignment))


def _binding(assignment: Resource, role: str) -> Object:
    kind = "Group" if assignment.inputs.get("principalType") == "Group" else "User"
    return {
        "apiVersion": BINDINGS.group_version,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": _name(assignment)},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": GROUP, "kind": kind, "name": str(assignment.inputs.get("principalId"))}],
    }


def _name(assignment: Resource) -> str:
    return f"azure-{assignment.name.lower()}"
