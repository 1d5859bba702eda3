"""The functions of the azure-native provider: keys, credentials, who is logged in, and every resource by its names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.azure import kinds
from rehearsal.azure.account import CLIENT, OBJECT, TENANT
from rehearsal.azure.errors import ArmError, not_found
from rehearsal.azure.kinds import PREFIX, Kind
from rehearsal.azure.world import Resource, World

Fields = Mapping[str, Any]
NOT_FOUND, CONFLICT, FORBIDDEN = 404, 409, 403


def answer(world: World, token: str, arguments: Fields, subscription: str) -> Fields:
    """What a function answers.

    Raises:
        ArmError: there is no such function, no such resource, or ARM refuses.
    """
    module, _, function = token.removeprefix(PREFIX).partition(":")
    if (module, function) == ("authorization", "getClientConfig"):
        return {"clientId": CLIENT, "objectId": OBJECT, "subscriptionId": subscription, "tenantId": TENANT}
    found = _KEYS.get(f"{module}:{function}")
    if found is None and not function.startswith("get"):
        raise ArmError(NOT_FOUND, "InvalidResourceType", f"{token} is not simulated.")
    name, asked = found or (function.removeprefix("get"), _shown)
    kind = _kind(f"{PREFIX}{module}:{name}", token)
    id_ = kind.id_of(subscription, arguments)
    resource = world.read(kind.type, id_)
    if resource is None:
        raise not_found(id_)
    if own := world.answer(function):
        return own(resource, arguments)
    return asked(resource)


def _kind(token: str, function: str) -> Kind:
    try:
        return kinds.of_token(token)
    except LookupError:
        raise ArmError(NOT_FOUND, "InvalidResourceType", f"{function} is not simulated.") from None


def _shown(resource: Resource) -> Fields:
    return resource.outputs


def _storage_keys(resource: Resource) -> Fields:
    # keys are listed also where they may not be used
    return {"keys": [{"keyName": name, "value": value, "permissions": "FULL"} for name, value in resource.secrets.items()]}


def _redis_keys(resource: Resource) -> Fields:
    if resource.outputs.get("accessKeysAuthentication") != "Enabled":
        raise ArmError(CONFLICT, "AccessKeysAuthenticationDisabled", f"Access keys of {resource.id} are disabled.")
    return dict(resource.secrets)


def _foundry_keys(resource: Resource) -> Fields:
    if (resource.inputs.get("properties") or {}).get("disableLocalAuth"):
        raise ArmError(FORBIDDEN, "BadRequest", "Failed to list key. disableLocalAuth is set to be true")
    return dict(resource.secrets)


def _credentials(resource: Resource) -> Fields:
    raise ArmError(CONFLICT, "NotReady", f"There is no Kubernetes behind {resource.id}: the rehearsal has not started any.")


_KEYS: Mapping[str, tuple[str, Callable[[Resource], Fields]]] = {
    "storage:listStorageAccountKeys": ("StorageAccount", _storage_keys),
    "redisenterprise:listDatabaseKeys": ("Database", _redis_keys),
    "containerservice:listManagedClusterUserCredentials": ("ManagedCluster", _credentials),
    "containerservice:listManagedClusterAdminCredentials": ("ManagedCluster", _credentials),
    "operationalinsights:getSharedKeys": ("Workspace", lambda resource: dict(resource.secrets)),
    "operationalinsights:getWorkspaceSharedKeys": ("Workspace", lambda resource: dict(resource.secrets)),
    "cognitiveservices:listAccountKeys": ("Account", _foundry_keys),
    "machinelearningservices:listServerlessEndpointKeys": ("ServerlessEndpoint", lambda resource: dict(resource.secrets)),
}
