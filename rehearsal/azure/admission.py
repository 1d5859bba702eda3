"""What stands between a request and its resource: everything for which ARM refuses before it begins."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from rehearsal.azure import behaviour, differences, kinds, references, validation
from rehearsal.azure.behaviour import Request, View
from rehearsal.azure.errors import ArmError, group_not_found, parent_not_found
from rehearsal.azure.ids import GROUP, ResourceId
from rehearsal.azure.names import Gone
from rehearsal.azure.names import refuse_kept as _refuse_kept
from rehearsal.azure.resources import Resource
from rehearsal.azure.values import location
from rehearsal.faults import Faults

BAD_REQUEST, CONFLICT = 400, 409
_BUSY = ("Creating", "Updating", "Deleting")
_counting = threading.Lock()


def admit(request: Request) -> None:
    """Check all that holds for creations and updates alike.

    Raises:
        ArmError: the first thing that is wrong.
    """
    kind = kinds.of_type(request.type)
    _check_place(request)
    for path, sentence in validation.problems(kind, request.inputs):
        raise ArmError(BAD_REQUEST, "InvalidParameter", f"The value of parameter {path} is invalid: {sentence}.")
    # resources at the top of a group lie somewhere, although not every model says so
    if "location" in kind.inputs and not request.inputs.get("location") and request.type.count("/") == 1:
        raise ArmError(BAD_REQUEST, "LocationRequired", "The location property is required for this definition.")
    references.check(request)
    for rule in behaviour.rules.get(request.type.lower(), []):
        rule(request)


def refuse_fixed(request: Request) -> None:
    """Refuse to change what cannot change.

    Raises:
        ArmError: names the property.
    """
    if request.old is None:
        return
    kind = kinds.of_type(request.type)
    old, new = request.old, request.inputs
    before, after = str(old.outputs.get("location", "")), str(new.get("location", ""))
    if after and location(before) != location(after):
        words = "A resource with the same name cannot be created in location"
        sentence = f"The resource '{request.name}' already exists in location '{before}' in resource group '{old.resource_group}'. {words}"
        raise ArmError(CONFLICT, "InvalidResourceLocation", f"{sentence} '{after}'. Please select a new resource name.")
    known = {**old.inputs, **{name: value for name, value in old.outputs.items() if name not in old.inputs}}
    if path := differences.refused(kind, known, new):
        raise ArmError(BAD_REQUEST, "PropertyChangeNotAllowed", f"Changing property 'properties.{path}' is not allowed.")


def refuse_taken(request: Request, faults: Faults) -> None:
    """Refuse a name that somebody else in Azure has (`azure.name`), where names are shared by all, or that is taken in the subscription.

    Raises:
        ArmError: as the service says it.
    """
    entry = kinds.entry_of(request.type)
    if not entry.globally:
        return
    elsewhere = request.name.lower() in {str(one).lower() for one in (faults.get("azure.name") or {}).get("taken", [])}
    here = any(one.name.lower() == request.name.lower() for one in request.view.resources(request.type))
    if not elsewhere and not here:
        return
    if request.type.lower() == "microsoft.storage/storageaccounts":
        raise ArmError(CONFLICT, "StorageAccountAlreadyTaken", f"The storage account named {request.name} is already taken.")
    if request.type.lower() == "microsoft.keyvault/vaults":
        words = "Vault names are globally unique so it is possible that the name is already taken."
        raise ArmError(CONFLICT, "VaultAlreadyExists", f"The vault name '{request.name}' is already in use. {words}")
    if request.type.lower() == "microsoft.dbforpostgresql/flexibleservers":
        raise ArmError(BAD_REQUEST, "ServerNameAlreadyExists", f"Specified server name '{request.name}' is already used.")
    raise ArmError(CONFLICT, "NameUnavailable", f"The name '{request.name}' is already used.")


def refuse_kept(request: Request, gone: Gone | None) -> None:
    """Refuse a name that a deleted resource keeps, and to bring back what was never deleted.

    Raises:
        ArmError: as the service says it.
    """
    if gone:
        _refuse_kept(gone, request.id, request.inputs)
    elif (request.inputs.get("properties") or {}).get("restore"):
        sentence = f"A soft-deleted resource '{request.name}' to restore does not exist."
        raise ArmError(BAD_REQUEST, "CanNotRestoreANonExistingResource", sentence)


def refuse_protected(gone: Gone) -> None:
    """Refuse to purge what is protected.

    Raises:
        ArmError: names it.
    """
    if gone.protected:
        sentence = f"The operation 'DeletedVaultPurge' is not allowed: purge protection is enabled for '{gone.name}'."
        raise ArmError(CONFLICT, "MethodNotAllowed", sentence)


def refuse_deletion(view: View, resource: Resource, nested: list[Resource]) -> None:
    """Refuse to delete what others need.

    Raises:
        ArmError: names who does.
    """
    entry = kinds.entry_of(resource.type)
    parsed = ResourceId.parse(resource.id)
    if nested and entry.children == "refuse":
        shown = ", ".join(one.id.rpartition("/providers/")[2] for one in nested[:5])
        words = f"Cannot delete resource while nested resources exist. Some existing nested resource IDs include: '{shown}'."
        raise ArmError(CONFLICT, "CannotDeleteResource", f"{words} Please delete all nested resources before deleting this resource.")
    if entry.in_use and (users := references.referrers(view, resource.id)):
        what = f"{parsed.type.rpartition('/')[2] if parsed else resource.type} {resource.name}"
        words = f"{what} cannot be deleted because it is in use by the following resources: {', '.join(users)}."
        raise ArmError(BAD_REQUEST, entry.in_use, f"{words} In order to delete it, remove the association with them.")
    for guard in behaviour.guards.get(resource.type.lower(), []):
        guard(view, resource)


def injected(faults: Faults, type: str, id: str, operation: str) -> None:  # noqa: A002 -- they are called so everywhere
    """Fail as a switch says: `azure.operation`, for all requests or some, for ever or a number of times.

    Raises:
        ArmError: the switch's status and code.
    """
    with _counting:
        switch = faults.get("azure.operation")
        if not switch or not _applies(switch, type) or switch.get("operation", operation) != operation:
            return
        if str(switch.get("name", "")).lower() not in {"", id.rpartition("/")[2].lower()}:
            return
        if "times" in switch:
            left = int(switch["times"]) - 1
            faults.set("azure.operation", {**switch, "times": left}) if left > 0 else faults.clear("azure.operation")
    status = int(switch.get("status", 500))
    code = str(switch.get("code") or {429: "TooManyRequests", 409: "Conflict"}.get(status, "InternalServerError"))
    raise ArmError(status, code, str(switch.get("message") or f"The rehearsal answers {operation} with {status} {code}."))


def failing(faults: Faults, type: str, name: str) -> None:  # noqa: A002
    """Fail an operation that was accepted, as the switch `azure.fails` says.

    Raises:
        ArmError: the switch's code.
    """
    switch = faults.get("azure.fails")
    if switch and _applies(switch, type) and str(switch.get("name", name)).lower() == name.lower():
        code = str(switch.get("code", "InternalServerError"))
        raise ArmError(500, code, str(switch.get("message", "The operation failed.")), accepted=True)


def _check_place(request: Request) -> None:
    """A resource needs its group, and what it is nested in."""
    parsed = ResourceId.parse(request.id)
    if parsed is None:
        raise ArmError(BAD_REQUEST, "InvalidResourceId", f"'{request.id}' is no id of a resource.")
    if parsed.group and parsed.type.lower() != GROUP.lower() and request.view.read(GROUP, parsed.group_id) is None:
        raise group_not_found(parsed.group)
    outer = ResourceId.parse(parsed.parent) if parsed.parent else None
    # services of a storage account (`blobServices/default`) are always there
    while outer and outer.type.count("/") > 1 and outer.name.lower() == "default" and kinds.known(outer.type):
        if kinds.entry_of(outer.type).singleton:
            outer = ResourceId.parse(outer.parent)
        else:
            break
    if outer is None or not kinds.known(outer.type):
        return
    found = request.view.read(outer.type, outer.text)
    if found is None:
        raise parent_not_found("/".join(outer.names))
    if found.state in _BUSY and outer.type.lower() != GROUP.lower():
        sentence = f"The resource '{found.id}' is in provisioning state '{found.state}': wait until that has ended."
        raise ArmError(CONFLICT, "ParentResourceNotReady", sentence)


def _applies(switch: Mapping[str, Any], type: str) -> bool:  # noqa: A002
    return str(switch.get("type", type)).lower() == type.lower()
