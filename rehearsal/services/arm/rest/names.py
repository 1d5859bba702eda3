"""Names: which are free, and which deleted resources still hold."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from rehearsal.azure.account import SUBSCRIPTION
from rehearsal.azure.errors import ArmError
from rehearsal.azure.names import Gone
from rehearsal.services.arm.rest.asked import BAD_REQUEST, Asked, Json, Page, Route

STORAGE = "Microsoft.Storage/storageAccounts"
VAULTS = "Microsoft.KeyVault/vaults"
POSTGRESQL = "Microsoft.DBforPostgreSQL/flexibleServers"
COGNITIVE = "Microsoft.CognitiveServices/accounts"
WORKSPACES = "Microsoft.OperationalInsights/workspaces"
_DAY = 86400.0


class _Rule(NamedTuple):
    pattern: str
    invalid: str


_RULES = {
    STORAGE: _Rule(r"[a-z0-9]{3,24}", "AccountNameInvalid"),
    VAULTS: _Rule(r"[A-Za-z](?!.*--)[A-Za-z0-9-]{1,22}[A-Za-z0-9]", "AccountNameInvalid"),
    POSTGRESQL: _Rule(r"[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]", "Invalid"),
    COGNITIVE: _Rule(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}[A-Za-z0-9]", "InvalidSubdomain"),
}


def availability(expected: str) -> Callable[[Asked], Json]:
    """Whether a name of a type is free."""

    def answer(asked: Asked) -> Json:
        name, reason, words = _taken(asked, expected, "name")
        return {"nameAvailable": not reason, "name": name} | ({"reason": reason, "message": words} if reason else {})

    return answer


def domain(asked: Asked) -> Json:
    """Whether a subdomain of Cognitive Services is free."""
    name, reason, _words = _taken(asked, COGNITIVE, "subdomainName")
    free: Json = {"isSubdomainAvailable": not reason, "subdomainName": name, "type": COGNITIVE, "kind": asked.body.get("kind")}
    return free | ({"reason": reason} if reason else {})


def _taken(asked: Asked, expected: str, field: str) -> tuple[str, str, str]:
    """The name, and why it is not free: ARM's code and words; empty when it is."""
    name, given = str(asked.body.get(field, "")), str(asked.body.get("type", ""))
    if given.lower() != expected.lower() or not name:
        sentence = f"The request must name a {field} and the type '{expected}'; its type is '{given}'."
        raise ArmError(BAD_REQUEST, "InvalidRequestContent", sentence)
    rule = _RULES[expected]
    if not re.fullmatch(rule.pattern, name):
        return name, rule.invalid, f"{name} is not a valid name."
    fault = asked.faults.get("azure.name") or {}
    there = any(one.name.lower() == name.lower() for one in asked.world.resources(expected))
    if there or name in fault.get("taken", []):
        return name, "AlreadyExists", f"The name {name} is already taken."
    # a deleted storage account or server frees its name at once
    if any(gone.name.lower() == name.lower() for gone in _gone(asked, expected)):
        return name, "AlreadyExists", f"The name {name} is already in use by a resource in a deleted state."
    return name, "", ""


def _gone(asked: Asked, type_: str) -> Iterator[Gone]:
    """Deleted resources of a type that hold their names: those of this rehearsal, and those that the switch names."""
    yield from asked.world.gone(type_)
    if type_ in (VAULTS, COGNITIVE, WORKSPACES):
        now = time.time()
        for name in (asked.faults.get("azure.name") or {}).get("deleted", []):
            yield Gone(type_, f"/subscriptions/{SUBSCRIPTION}/resourceGroups/gone/providers/{type_}/{name}", "eastus2", now, now + 7 * _DAY)


def vaults(asked: Asked) -> Page:
    """Deleted key vaults."""
    return Page(
        {
            "id": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/{gone.location}/deletedVaults/{gone.name}",
            "name": gone.name,
            "type": "Microsoft.KeyVault/deletedVaults",
            "properties": {
                "vaultId": gone.id,
                "location": gone.location,
                "deletionDate": _stamp(gone.deleted),
                "scheduledPurgeDate": _stamp(gone.purged),
                **({"purgeProtectionEnabled": True} if gone.protected else {}),
            },
        }
        for gone in _gone(asked, VAULTS)
    )


def accounts(asked: Asked) -> Page:
    """Deleted accounts of Cognitive Services."""
    return Page(
        {
            "id": gone.id.replace("/resourceGroups/", f"/providers/Microsoft.CognitiveServices/locations/{gone.location}/resourceGroups/"),
            "name": gone.name,
            "type": "Microsoft.CognitiveServices/deletedAccounts",
            "location": gone.location,
            "properties": {"deletionDate": _stamp(gone.deleted), "scheduledPurgeDate": _stamp(gone.purged)},
        }
        for gone in _gone(asked, COGNITIVE)
    )


def workspaces(asked: Asked) -> Page:
    """Deleted log workspaces, which have no pages."""
    return Page(
        {"id": gone.id, "name": gone.name, "type": WORKSPACES, "location": gone.location, "properties": {}}
        for gone in _gone(asked, WORKSPACES)
    )


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


_P = "/subscriptions/{subscription}/providers"
_VAULT, _COGNITIVE = ("2024-11-01", "2025-05-01"), ("2025-06-01",)
_POSTGRESQL, _STORAGE = ("2024-08-01", "2025-08-01"), ("2024-01-01", "2025-06-01")
ROUTES = (
    Route("POST", f"{_P}/Microsoft.Storage/checkNameAvailability", _STORAGE, availability(STORAGE)),
    Route("POST", f"{_P}/Microsoft.KeyVault/checkNameAvailability", _VAULT, availability(VAULTS)),
    Route("POST", f"{_P}/Microsoft.DBforPostgreSQL/checkNameAvailability", _POSTGRESQL, availability(POSTGRESQL)),
    Route("POST", f"{_P}/Microsoft.DBforPostgreSQL/locations/{{location}}/checkNameAvailability", _POSTGRESQL, availability(POSTGRESQL)),
    Route("POST", f"{_P}/Microsoft.CognitiveServices/checkDomainAvailability", _COGNITIVE, domain),
    Route("GET", f"{_P}/Microsoft.KeyVault/deletedVaults", _VAULT, vaults),
    Route("GET", f"{_P}/Microsoft.CognitiveServices/deletedAccounts", _COGNITIVE, accounts),
    Route("GET", f"{_P}/Microsoft.OperationalInsights/deletedWorkspaces", ("2023-09-01", "2025-07-01"), workspaces),
)
