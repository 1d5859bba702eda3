"""What resources refer to: an id in a property must be of something that is there, and what others refer to cannot simply vanish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.azure import kinds
from rehearsal.azure.behaviour import Request, View
from rehearsal.azure.errors import NOT_FOUND, ArmError
from rehearsal.azure.ids import ResourceId, key
from rehearsal.azure.values import strings

BAD_REQUEST = 400
_NETWORK = "microsoft.network/"
# Azure's own, there in every subscription
_BUILT_IN = ("microsoft.authorization/roledefinitions", "microsoft.authorization/policydefinitions")
# who may name a subnet without being in it: a firewall rule does not hold it
_RULES_ONLY = ("microsoft.storage/", "microsoft.keyvault/", "microsoft.cognitiveservices/")


def check(request: Request) -> None:
    """Refuse a resource that refers to something that is not there.

    Raises:
        ArmError: names what is missing, in the words of whoever refuses.
    """
    own = key(request.id)
    for text in strings(request.inputs):
        parsed = ResourceId.parse(text)
        if parsed is None or key(text) == own or key(text).startswith(f"{own}/") or parsed.type.lower() in _BUILT_IN:
            continue
        if not exists(request.view, parsed):
            raise _missing(request, parsed)


def exists(view: View, parsed: ResourceId) -> bool:
    """Whether something has an id. A part of a resource that has no id of its own is there when its resource is."""
    if kinds.known(parsed.type):
        return view.read(parsed.type, parsed.text) is not None
    outer = ResourceId.parse(parsed.parent) if parsed.parent else None
    return outer is not None and kinds.known(outer.type) and exists(view, outer)


def referrers(view: View, id: str) -> list[str]:  # noqa: A002 -- it is called id everywhere
    """Ids of what refers to a resource, or to what is nested in it, from outside of it."""
    wanted = key(id)
    found = []
    for other in view.resources():
        mine = key(other.id)
        if mine == wanted or mine.startswith(f"{wanted}/") or other.type.lower().startswith(_RULES_ONLY):
            continue
        if any(
            key(text) == wanted or key(text).startswith(f"{wanted}/") for text in strings(_naming(other.inputs)) if text.startswith("/")
        ):
            found.append(other.id)
    return found


def _naming(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs without what only says where a resource lies."""
    return {name: value for name, value in inputs.items() if name not in {"scope", "resourceUri"}}


def _missing(request: Request, parsed: ResourceId) -> ArmError:
    if request.type.lower().startswith(_NETWORK):
        words = "Please make sure that the referenced resource exists, and that both resources are in the same region."
        sentence = f"Resource {parsed.text} referenced by resource {request.id} was not found. {words}"
        return ArmError(BAD_REQUEST, "InvalidResourceReference", sentence)
    name = f"{parsed.type}/{'/'.join(parsed.names)}"
    where = f"under resource group '{parsed.group}'" if parsed.group else f"in subscription '{parsed.subscription}'"
    return ArmError(NOT_FOUND, "ResourceNotFound", f"The Resource '{name}' {where} was not found.")
