"""Which subscription a stack is made in: the one that it names, else that of the environment, else the one that `az` works on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SETTING: Final = "sdg:cluster.subscription"
SUBSCRIPTION_VARIABLES: Final = ("ARM_SUBSCRIPTION_ID", "AZURE_SUBSCRIPTION_ID")
TENANT_VARIABLES: Final = ("ARM_TENANT_ID", "AZURE_TENANT_ID")
CLOUD_VARIABLES: Final = ("ARM_ENVIRONMENT", "AZURE_ENVIRONMENT")
PUBLIC_CLOUD: Final = frozenset({"public", "azurecloud", "azurepubliccloud"})
_CONFIG_FOLDER: Final = "AZURE_CONFIG_DIR"
_PROFILE: Final = "azureProfile.json"
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CHOOSE: Final = f"name one: `pulumi config set --path {SETTING} ID`"


class AccountError(ValueError):
    """There is no subscription, or none that can be used; one sentence."""


class NoAccountError(AccountError):
    """Nothing names a subscription, and az knows none: nobody has logged in with it."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where a stack is made.

    Attributes:
        subscription: its id, in small letters.
        tenant: id of its tenant; None where only a login will tell.
        source: where the subscription was found, for people.
    """

    subscription: str
    tenant: str | None
    source: str


def find(chosen: str | None, environ: Mapping[str, str]) -> Account:
    """The account of a stack.

    Args:
        chosen: `sdg:cluster.subscription`.
        environ: environment variables.

    Raises:
        NoAccountError: there is none.
        AccountError: it is no id, or it lies outside Azure's public cloud.
    """
    _refuse_other_clouds(environ)
    known = _profile(environ)
    if chosen:
        return _account(chosen, SETTING, known, environ)
    for variable in SUBSCRIPTION_VARIABLES:
        if given := environ.get(variable, "").strip():
            return _account(given, variable, known, environ)
    current = next((entry for entry in known if entry.get("isDefault") is True), None)
    if current is None:
        unset = f"{SETTING} is unset, {' and '.join(SUBSCRIPTION_VARIABLES)} are too, and {_path(environ)} names no subscription"
        if not known:
            raise NoAccountError(f"{unset}.")
        raise AccountError(f"{unset} that az works on; let it work on one (`az account set --subscription ID`), or {CHOOSE}.")
    return _account(str(current.get("id", "")), f"az's profile {_path(environ)}", known, environ)


def az_logs_in(subscription: str, environ: Mapping[str, str]) -> str:
    """What `az` is logged in to a subscription as: `user`, `servicePrincipal`; empty where it isn't."""
    entry: dict[str, Any] = next((one for one in _profile(environ) if str(one.get("id", "")).lower() == subscription), {})
    user = entry.get("user")
    return str(user.get("type") or "") if isinstance(user, dict) else ""


def _account(given: str, source: str, known: list[dict[str, Any]], environ: Mapping[str, str]) -> Account:
    subscription = given.lower()
    if not _GUID.fullmatch(subscription):
        raise AccountError(f"{source} must be the id of a subscription, as az account show --query id prints it; {CHOOSE}.")
    entry: dict[str, Any] = next((one for one in known if str(one.get("id", "")).lower() == subscription), {})
    cloud = str(entry.get("environmentName") or "AzureCloud")
    if cloud.lower() not in PUBLIC_CLOUD:
        raise AccountError(
            f"the subscription {subscription} of {source} lies in {cloud}; only Azure's public cloud can be used: az cloud set --name "
            f"AzureCloud, then az login, or {CHOOSE}."
        )
    return Account(subscription, _tenant(entry, environ), source)


def named_tenant(environ: Mapping[str, str]) -> str | None:
    """The tenant that the environment logs in to; None where it names none."""
    given = (environ.get(variable, "").strip().lower() for variable in TENANT_VARIABLES)
    return next((tenant for tenant in given if _GUID.fullmatch(tenant)), None)


def _tenant(entry: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    """The tenant that the profile knows, since a subscription has but one; else that of the environment."""
    known = str(entry.get("tenantId") or "").strip().lower()
    return known if _GUID.fullmatch(known) else named_tenant(environ)


def _refuse_other_clouds(environ: Mapping[str, str]) -> None:
    for variable in CLOUD_VARIABLES:
        cloud = environ.get(variable, "").strip()
        if cloud and cloud.lower() not in PUBLIC_CLOUD:
            raise AccountError(f"{variable} is {cloud!r}; only Azure's public cloud can be used: unset it, or set it to public.")


def _path(environ: Mapping[str, str]) -> Path:
    folder = environ.get(_CONFIG_FOLDER)
    return (Path(folder) if folder else Path(environ.get("HOME") or Path.home()) / ".azure") / _PROFILE


def _profile(environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """The subscriptions that az knows; none where it has no profile, or one that cannot be read."""
    try:
        # az writes a byte order mark
        content = json.loads(_path(environ).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return []
    entries = content.get("subscriptions") if isinstance(content, dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
