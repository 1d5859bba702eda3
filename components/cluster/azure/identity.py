"""Who may do what: the cluster's identity, OSMO's, and the roles of both and of whoever makes the stack."""

from __future__ import annotations

from typing import Final, Literal

import pulumi
from pulumi_azure_native import authorization
from pulumi_azure_native.authorization import RoleAssignment
from pulumi_azure_native.containerservice import ManagedCluster
from pulumi_azure_native.managedidentity import FederatedIdentityCredential, UserAssignedIdentity

from components.cluster.azure.base import NetworkHandle, Place, told
from sdg.azure.roles import Role, definition_id
from sdg.osmo import layout

# what Entra ID takes a Kubernetes token for, and nothing else (AKS, workload identity)
AUDIENCE: Final = "api://AzureADTokenExchange"
PrincipalType = Literal["Group", "ServicePrincipal", "User"]


def cluster_identity(place: Place) -> UserAssignedIdentity:
    """The identity that AKS works as in this network. The stack's own, so that it has its roles before the cluster asks for them."""
    return _identity(place, "aks-identity", place.names.cluster_identity)


def cluster_roles(network: NetworkHandle, identity: UserAssignedIdentity) -> list[RoleAssignment]:
    """The subnets that AKS puts machines into, and nothing else of the network.

    The cluster comes after both: its GPU pools are deleted with it, so it has to be gone before their subnet.
    """
    subnets = {"aks-nodes": network.subnets.nodes, "aks-gpu-nodes": network.subnets.gpu_nodes}
    return [
        granted(network, purpose, "Network Contributor", scope=subnet, principal=identity.principal_id, whose=identity)
        for purpose, subnet in subnets.items()
    ]


def osmo_identity(place: Place) -> UserAssignedIdentity:
    """The identity that OSMO's pods log in to storage as."""
    return _identity(place, "osmo-identity", place.names.osmo_identity)


def osmo_login(place: Place, identity: UserAssignedIdentity, cluster: ManagedCluster) -> FederatedIdentityCredential:
    """Lets the pods of OSMO's service account log in as its identity."""
    account = layout.SERVICE_ACCOUNT
    return FederatedIdentityCredential(
        "osmo-login",
        federated_identity_credential_resource_name=place.names.federated_credential(account),
        resource_name_=place.names.osmo_identity,
        resource_group_name=place.resource_group_name,
        issuer=cluster.oidc_issuer_profile.apply(lambda issuer: told(issuer.issuer_url if issuer else None, "aks", "its OIDC issuer")),
        subject=f"system:serviceaccount:{layout.SERVICE_NAMESPACE}:{account}",
        audiences=[AUDIENCE],
        opts=place.options(identity, more=_as_long_as(cluster, "issuer", pulumi.ResourceOptions(deleted_with=identity))),
    )


def tenant(place: Place) -> pulumi.Output[str]:
    """Id of the tenant that the update is logged in to."""
    return client(place).apply(lambda client: client.tenant_id)


def granted_to_deployer(
    place: Place, purpose: str, role: Role, *, scope: pulumi.Input[str], principal_type: PrincipalType, more: pulumi.ResourceOptions
) -> RoleAssignment:
    """A role for whoever makes the stack.

    Whoever updates it later doesn't take the role away from them: two people, or CI, would do that to each other at every update.
    """
    stays = pulumi.ResourceOptions.merge(more, pulumi.ResourceOptions(ignore_changes=["principalId", "principalType"]))
    principal = client(place).apply(lambda client: client.object_id)
    return granted(place, purpose, role, scope=scope, principal=principal, principal_type=principal_type, more=stays)


def granted(
    place: Place,
    purpose: str,
    role: Role,
    *,
    scope: pulumi.Input[str],
    principal: pulumi.Input[str],
    principal_type: PrincipalType = "ServicePrincipal",
    whose: pulumi.Resource | None = None,
    more: pulumi.ResourceOptions | None = None,
) -> RoleAssignment:
    """Gives a role.

    Its name, a GUID, is the provider's to make when the role is given. One that is made of the stack's name would be the same in the next
    life of the stack, whose principals are others: ARM refuses a name to another principal as long as an assignment has it anywhere, which
    may be some time after assignment, scope or principal were deleted.

    Args:
        purpose: what it is for, once per stack.
        scope: id of the resource that it holds for.
        principal: object id of who gets it.
        principal_type: of the principal; ARM refuses another one, and the SDK takes everybody for a person.
        whose: the resource that the principal belongs to.
        more: what else holds for it.
    """
    renewed = _as_long_as(whose, "principalId") if whose else pulumi.ResourceOptions(delete_before_replace=True)
    return RoleAssignment(
        f"role-{purpose}",
        role_definition_id=definition_id(place.names.subscription, role),
        scope=scope,
        principal_id=principal,
        principal_type=principal_type,
        opts=place.options(more=pulumi.ResourceOptions.merge(renewed, more)),
    )


def _as_long_as(source: pulumi.Resource, key: str, more: pulumi.ResourceOptions | None = None) -> pulumi.ResourceOptions:
    """Options of what is made anew whenever the source of an input is, and stays otherwise.

    A preview doesn't know what an update of the source will answer, and would announce another input each time.
    """
    # two of one scope, role and principal, or of one name, can't be: the old one has to go before another can come
    anew = pulumi.ResourceOptions(ignore_changes=[key], replace_with=[source], delete_before_replace=True)
    return pulumi.ResourceOptions.merge(anew, more)


def client(place: Place) -> pulumi.Output[authorization.GetClientConfigResult]:
    """Who the update is logged in as."""
    return authorization.get_client_config_output(opts=place.asking())


def _identity(place: Place, resource: str, name: str) -> UserAssignedIdentity:
    return UserAssignedIdentity(
        resource,
        resource_name_=name,
        resource_group_name=place.resource_group_name,
        location=place.location,
        opts=place.options(),
    )
