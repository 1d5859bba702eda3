"""Are the names free that all of Azure shares? Pure: ARM's answers come in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sdg.preflight.azure.wanted import WantedStack
from sdg.preflight.model import Finding

_TAKEN: Final = "AlreadyExists"
_OTHER_SUFFIX: Final = "another suffix: `pulumi config set --path sdg:cluster.suffix FIVE` (five letters or digits)"

Json = Mapping[str, Any]


def taken(what: str, name: str, answer: Json, *, deployed: bool) -> Iterator[Finding]:
    """Whether a name cannot be had.

    Args:
        what: the kind of resource, for people.
        answer: to the question whether the name is free.
        deployed: whether the stack may have made it already; a name that is taken is its own then.
    """
    reason = str(answer.get("reason") or "")
    if answer.get("nameAvailable") is not False or (deployed and reason == _TAKEN):
        return
    said = str(answer.get("message") or reason).rstrip(".")
    yield Finding("azure-names", f"The name {name} of the {what} cannot be had ({said}).", f"Choose {_OTHER_SUFFIX}.")


def deleted_vault(wanted: WantedStack, deleted: Iterable[Json]) -> Iterator[Finding]:
    """Whether a key vault that was deleted, and not for good, still holds the name."""
    names = [name for part, name in (("key-vault", wanted.names.key_vault), ("foundry", wanted.names.hub_vault)) if part in wanted.parts]
    for vault in deleted:
        name = str(vault.get("name")).lower()
        if name not in names:
            continue
        properties = vault.get("properties") or {}
        place, until = str(properties.get("location") or wanted.region), str(properties.get("scheduledPurgeDate") or "")[:10]
        recover = f"Recover it: `az keyvault recover --name {name} --location {place}`, then `pulumi import`"
        purge = f"remove it for good: `az keyvault purge --name {name} --location {place}`"
        protected = bool(properties.get("purgeProtectionEnabled"))
        yield Finding(
            "azure-deleted-names",
            f"The name {name} is held by a key vault that was deleted{f', until {until}' if until else ''}"
            f"{'; it is protected from being removed for good' if protected else ''}.",
            f"{recover}; or {_OTHER_SUFFIX}." if protected else f"{recover}; or {purge}; or {_OTHER_SUFFIX}.",
        )


def deleted_account(wanted: WantedStack, deleted: Iterable[Json]) -> Iterator[Finding]:
    """Whether an account of Foundry that was deleted, which Azure does for good two days later, still holds the name."""
    for account in deleted:
        name = wanted.names.foundry
        if str(account.get("name")).lower() != name:
            continue
        until = str((account.get("properties") or {}).get("scheduledPurgeDate") or "")[:16].replace("T", " ")
        place, group = str(account.get("location") or wanted.region), _group(str(account.get("id"))) or wanted.names.resource_group
        purge = f"`az cognitiveservices account purge --location {place} --resource-group {group} --name {name}`"
        yield Finding(
            "azure-deleted-names",
            f"The name {name} is held by an account of Foundry that was deleted{f', until {until} (UTC)' if until else ''}.",
            f"Remove it for good: {purge}; or choose {_OTHER_SUFFIX}.",
        )


def _group(id_: str) -> str:
    """The resource group that an id names; empty where it names none."""
    return id_.partition("/resourceGroups/")[2].partition("/")[0]
