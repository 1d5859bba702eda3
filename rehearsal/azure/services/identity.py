"""Identities, federated credentials, and who may do what."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rehearsal.azure.account import OBJECT, TENANT
from rehearsal.azure.behaviour import Fields, Request, View, derived, outputs, rule
from rehearsal.azure.errors import ArmError
from rehearsal.azure.ids import key
from rehearsal.azure.resources import Resource

BAD_REQUEST, CONFLICT = 400, 409
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
CREDENTIAL = f"{IDENTITY}/federatedIdentityCredentials"
ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
MOST_CREDENTIALS = 20
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DEFINITION = re.compile(rf"(?:/subscriptions/[^/]+)?/providers/Microsoft\.Authorization/roleDefinitions/({_GUID.pattern})", re.IGNORECASE)


@outputs(IDENTITY)
def _identity(view: View, resource: Resource) -> Fields:  # noqa: ARG001 -- the registry's signature
    return {"clientId": derived(resource, "client"), "principalId": derived(resource, "principal"), "tenantId": TENANT}


@rule(CREDENTIAL)
def _credential(request: Request) -> None:
    issuer, audiences = str(request.inputs.get("issuer", "")), request.inputs.get("audiences") or []
    if not issuer.startswith("https://"):
        raise _bad("InvalidIssuer", f"The issuer of federated identity credential {request.name} must be an https URL: {issuer}")
    if len(audiences) != 1:
        raise _bad("InvalidAudiences", f"Federated identity credential {request.name} must have exactly one audience.")
    below = key(request.id).rpartition("/")[0]
    others = [one for one in request.view.resources(CREDENTIAL) if key(one.id).startswith(f"{below}/") and key(one.id) != key(request.id)]
    for other in others:
        if all(other.inputs.get(field) == request.inputs.get(field) for field in ("issuer", "subject")):
            sentence = f"Issuer and subject combination already exists for this Managed Identity: {other.name}."
            raise ArmError(CONFLICT, "FederatedIdentityCredentialAlreadyExists", sentence)
    if len(others) >= MOST_CREDENTIALS:
        raise _bad("MaxCredentialsReached", f"An identity can have {MOST_CREDENTIALS} federated identity credentials at most.")


@rule(ASSIGNMENT)
def _assignment(request: Request) -> None:
    if request.old and _of(request.old.inputs) != _of(request.inputs):
        sentence = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
        raise _bad("RoleAssignmentUpdateNotPermitted", sentence)
    definition = str(request.inputs.get("roleDefinitionId", ""))
    if not _DEFINITION.fullmatch(definition):
        sentence = f"The specified role definition with ID '{definition.rpartition('/')[2]}' does not exist."
        raise _bad("RoleDefinitionDoesNotExist", sentence)
    principal, type_ = str(request.inputs.get("principalId", "")), str(request.inputs.get("principalType") or "User")
    if not _GUID.fullmatch(principal):
        raise _bad("InvalidPrincipalId", f"A valid principal ID must be provided for role assignment: '{principal}'.")
    _check_principal(request.view, principal, type_)
    for other in request.view.resources(ASSIGNMENT):
        if key(other.id) != key(request.id) and _of(other.inputs) == _of(request.inputs):
            raise ArmError(CONFLICT, "RoleAssignmentExists", f"The role assignment already exists. The ID of it is {other.name}.")


def _check_principal(view: View, principal: str, type_: str) -> None:
    """Identities of the simulated Azure are known, as is whoever deploys; of people and groups nobody here knows anything."""
    if principal.lower() in {one.lower() for one in principals(view)}:
        if type_ != "ServicePrincipal":
            words = f"The PrincipalId '{principal.replace('-', '')}' has type 'ServicePrincipal' , which is different from specified"
            raise _bad("UnmatchedPrincipalType", f"{words} PrincipalType '{type_}'.")
    elif type_ == "ServicePrincipal" and principal.lower() != OBJECT:
        words = "This may be caused by a deleted identity, or by one that was made a moment ago."
        raise _bad("PrincipalNotFound", f"Principal {principal.replace('-', '')} does not exist in the directory {TENANT}. {words}")


def principals(view: View) -> Iterator[str]:
    """Object ids of every identity of every resource."""
    for resource in view.resources():
        said = resource.outputs
        candidates = [said.get("principalId") if resource.type == IDENTITY else None, (said.get("identity") or {}).get("principalId")]
        candidates += [one.get("objectId") for one in (said.get("identityProfile") or {}).values()]
        yield from (str(one) for one in candidates if one)


def system_assigned(resource: Resource, view: View) -> Fields:
    """What ARM adds to the `identity` of a resource."""
    given = resource.inputs.get("identity") or {}
    found: dict[str, object] = {}
    if "systemassigned" in str(given.get("type", "")).lower():
        found |= {"principalId": derived(resource, "principal"), "tenantId": TENANT}
    if assigned := given.get("userAssignedIdentities"):
        found["userAssignedIdentities"] = {str(one): _assigned(view, str(one)) for one in assigned}
    return {"identity": found} if found else {}


def _assigned(view: View, id: str) -> dict[str, object]:  # noqa: A002 -- it is called id everywhere
    identity = view.read(IDENTITY, id)
    return {name: identity.outputs.get(name) for name in ("clientId", "principalId")} if identity else {}


def _of(inputs: Fields) -> tuple[str, ...]:
    role = str(inputs.get("roleDefinitionId", "")).rpartition("/")[2]
    return key(str(inputs.get("scope", ""))), role.lower(), str(inputs.get("principalId", "")).lower()


def _bad(code: str, message: str) -> ArmError:
    return ArmError(BAD_REQUEST, code, message)
