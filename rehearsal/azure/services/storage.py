"""Storage accounts and what is in them."""

from __future__ import annotations

import ipaddress
import secrets
from base64 import b64encode
from typing import Any

from rehearsal.azure.behaviour import Fields, Request, View, makes_keys, outputs, rule
from rehearsal.azure.errors import ArmError
from rehearsal.azure.resources import Resource
from rehearsal.azure.services.identity import system_assigned
from rehearsal.azure.services.network import SUBNET

BAD_REQUEST = 400
ACCOUNT = "Microsoft.Storage/storageAccounts"
BLOBS, FILES = f"{ACCOUNT}/blobServices", f"{ACCOUNT}/fileServices"
CONTAINER, POLICY = f"{BLOBS}/containers", f"{ACCOUNT}/managementPolicies"
KEY_BYTES = 64
SINGLE = 31  # prefix length from which a range must be written as addresses
PRIVATE = tuple(ipaddress.IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
MOST_RULES = 400
PREMIUM_KINDS = ("FileStorage", "BlockBlobStorage")


@makes_keys(ACCOUNT)
def _keys() -> dict[str, str]:
    return {name: b64encode(secrets.token_bytes(KEY_BYTES)).decode() for name in ("key1", "key2")}


@rule(ACCOUNT)
def _account(request: Request) -> None:
    given = request.inputs
    kind, sku = str(given.get("kind", "")), str((given.get("sku") or {}).get("name", ""))
    if sku.startswith("Premium") != (kind in PREMIUM_KINDS) and kind != "StorageV2":
        raise _bad("InvalidValuesForRequestParameters", f"Values for request parameters are invalid: kind {kind} with SKU {sku}.")
    if request.old:
        before = str((request.old.inputs.get("sku") or {}).get("name", ""))
        if before.startswith("Premium") != sku.startswith("Premium"):
            raise _bad("StorageAccountPropertyCannotBeUpdated", f"The SKU of {request.name} cannot change from {before} to {sku}.")
    rules = given.get("networkRuleSet") or {}
    addresses = rules.get("ipRules") or []
    if len(addresses) > MOST_RULES:
        raise _bad("InvalidRequestPropertyValue", f"networkRuleSet.ipRules has {len(addresses)} entries; {MOST_RULES} are allowed.")
    for one in addresses:
        _check_address(str(one.get("iPAddressOrRange", "")))
    for one in rules.get("virtualNetworkRules") or []:
        _check_subnet(request, str(one.get("virtualNetworkResourceId", "")))


def _check_address(text: str) -> None:
    try:
        found = ipaddress.IPv4Network(text)
    except ValueError:
        raise _bad("InvalidRequestPropertyValue", f"The value '{text}' for property 'ipRules' is no IPv4 address or range.") from None
    if "/" in text and found.prefixlen >= SINGLE:
        words = "single addresses are written without a prefix, and /31 as two of them"
        raise _bad("InvalidRequestPropertyValue", f"The value '{text}' for property 'ipRules' is invalid: {words}.")
    if any(found.subnet_of(one) for one in PRIVATE):
        raise _bad(
            "InvalidRequestPropertyValue", f"The value '{text}' for property 'ipRules' is invalid: private addresses are not allowed."
        )


def _check_subnet(request: Request, id: str) -> None:  # noqa: A002 -- it is called id everywhere
    subnet = request.view.read(SUBNET, id)
    services = [str(one.get("service", "")) for one in (subnet.inputs.get("serviceEndpoints") if subnet else None) or []]
    if subnet is not None and not any(service.startswith("Microsoft.Storage") for service in services):
        sentence = f"Subnet {subnet.name} of virtual network {id} does not have a service endpoint for Microsoft.Storage."
        raise _bad(
            "NetworkAclsValidationFailure", f"Validation of network acls failure: SubnetsHaveNoServiceEndpointsConfigured: {sentence}"
        )


@outputs(ACCOUNT)
def _account_outputs(view: View, resource: Resource) -> Fields:
    names = ("file",) if resource.inputs.get("kind") == "FileStorage" else ("blob", "dfs", "file", "queue", "table", "web")
    endpoints = {name: f"https://{resource.name}.{'z1.web' if name == 'web' else name}.core.windows.net/" for name in names}
    found: dict[str, Any] = {
        "primaryEndpoints": endpoints,
        "primaryLocation": resource.outputs.get("location", ""),
        "statusOfPrimary": "available",
        "accessTier": "Hot",
        "enableHttpsTrafficOnly": True,
        "publicNetworkAccess": "Enabled",
        "networkRuleSet": {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []},
        "sku": {"tier": str((resource.inputs.get("sku") or {}).get("name", "")).partition("_")[0]},
        **system_assigned(resource, view),
    }
    return found


@outputs(CONTAINER)
def _container(view: View, resource: Resource) -> Fields:  # noqa: ARG001 -- the registry's signature
    return {
        "publicAccess": "None",
        "leaseState": "Available",
        "leaseStatus": "Unlocked",
        "hasImmutabilityPolicy": False,
        "hasLegalHold": False,
        "deleted": False,
        "defaultEncryptionScope": "$account-encryption-key",
        "denyEncryptionScopeOverride": False,
    }


@rule(CONTAINER)
def _anonymous(request: Request) -> None:
    account = request.view.read(ACCOUNT, request.id.partition("/blobServices/")[0])
    public = str(request.inputs.get("publicAccess", "None"))
    if account and public != "None" and not account.outputs.get("allowBlobPublicAccess"):
        raise _bad("PublicAccessNotPermitted", f"Public access is not permitted on this storage account: {account.name}.")


@rule(BLOBS)
def _retention(request: Request) -> None:
    for name in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
        policy = request.inputs.get(name) or {}
        if policy.get("enabled") and not policy.get("days"):
            raise _bad("InvalidRequestPropertyValue", f"{name}.days is needed where it is enabled.")


@rule(POLICY)
def _lifecycle(request: Request) -> None:
    services = request.view.read(BLOBS, request.id.partition("/managementPolicies/")[0] + "/blobServices/default")
    tracked = ((services.inputs.get("lastAccessTimeTrackingPolicy") if services else None) or {}).get("enable")
    for one in (request.inputs.get("policy") or {}).get("rules") or []:
        base = (((one.get("definition") or {}).get("actions") or {}).get("baseBlob")) or {}
        if (
            any("daysAfterLastAccessTimeGreaterThan" in (action or {}) for action in base.values() if isinstance(action, dict))
            and not tracked
        ):
            raise _bad("InvalidManagementPolicy", f"Rule {one.get('name')} needs last access time tracking, which is not enabled.")


def _bad(code: str, message: str) -> ArmError:
    return ArmError(BAD_REQUEST, code, message)
