"""Whether a subscription can be used, and what its deployer may do there. Pure: ARM's answers come in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sdg.catalog.azure_requirements import azure_requirements
from sdg.preflight.azure.wanted import WantedStack
from sdg.preflight.model import Finding

ENABLED: Final = "Enabled"
# every operation is allowed until it is disabled (Microsoft, Azure subscription states)
DUE: Final = ("PastDue", "Warned")
REGISTERED: Final = "Registered"
_SHOWN: Final = 4

Json = Mapping[str, Any]


def state(wanted: WantedStack, answer: Json) -> Iterator[Finding]:
    """Whether resources can be made in the subscription, and will be."""
    found = answer.get("state")
    name = f"{answer.get('displayName')} ({wanted.subscription})" if answer.get("displayName") else wanted.subscription
    if found in DUE:
        yield Finding.of("azure-subscription-due", f"Subscription {name} is {found}: it works, and Azure may disable it soon.")
    elif found != ENABLED:
        yield Finding.of("azure-subscription", f"Subscription {name} is {found}, so nothing can be made in it.")


def unregistered(wanted: WantedStack, providers: Iterable[Json]) -> dict[str, str]:
    """Namespaces that the stack needs and the subscription has not registered, with the state that they are in."""
    states = {str(provider.get("namespace")).lower(): str(provider.get("registrationState")) for provider in providers}
    said = {namespace: states.get(namespace.lower()) for namespace in wanted.namespaces}
    return {namespace: found for namespace, found in said.items() if found not in (None, REGISTERED)}


def registration(wanted: WantedStack, providers: Iterable[Json]) -> Iterator[Finding]:
    """Resource providers that are not registered, all in one finding."""
    missing = unregistered(wanted, providers)
    if not missing:
        return
    listed = ", ".join(f"{namespace} ({found})" for namespace, found in missing.items())
    register = f'az provider register --subscription {wanted.subscription} --namespace "$each" --wait'
    yield Finding(
        "azure-providers",
        f"Subscription {wanted.subscription} has not registered what the stack needs: {listed}.",
        f"Registering changes the subscription, so nobody does it for you: `for each in {' '.join(missing)}; do {register}; done`. "
        "It takes */register/action, which Contributor has.",
    )


def forbidden(wanted: WantedStack, permissions: Iterable[Json]) -> list[str]:
    """Actions that the deployer needs and that no role gives."""
    roles = list(permissions)
    return [action for action in wanted.actions if not any(_allows(role, action) for role in roles)]


def roles(wanted: WantedStack, actions: Iterable[str]) -> Iterator[Finding]:
    """Actions that are missing, by the role that has them; all in one finding."""
    by_role: dict[str, list[str]] = {}
    for action in actions:
        by_role.setdefault(azure_requirements().role(action), []).append(action)
    if by_role:
        listed = "; ".join(f"{_some(missing)}, which {role} has" for role, missing in by_role.items())
        scope = f"/subscriptions/{wanted.subscription}"
        names = " and ".join(by_role)
        yield Finding(
            "azure-roles",
            f"Whoever is logged in may not do everything at {scope}: {listed}.",
            f"Ask for {names} there, or Owner. A role that you are eligible for has to be activated first (Privileged Identity Management, "
            "My roles, Azure resources); a minute after it, ask again.",
        )


def _some(actions: list[str]) -> str:
    more = len(actions) - _SHOWN
    return ", ".join(actions[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _allows(role: Json, action: str) -> bool:
    """Whether a role gives an action: it is among the role's actions, and not among those that the role leaves out."""
    return _matches(role.get("actions") or (), action) and not _matches(role.get("notActions") or (), action)


def _matches(patterns: Iterable[str], action: str) -> bool:
    # * stands for anything, slashes among it; letter case means nothing
    return any(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) for pattern in patterns)
