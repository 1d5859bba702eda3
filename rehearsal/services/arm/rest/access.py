"""What this login may do: permissions, and the role assignments that they come from."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from rehearsal.azure import account
from rehearsal.azure.errors import ArmError
from rehearsal.services.arm.rest import subscription
from rehearsal.services.arm.rest.asked import BAD_REQUEST, Asked, Json, Page, Route

_ROLES = Path(account.__file__).with_name("roles.yaml")
_ASSIGNED = re.compile(r"\s*(?:assignedTo\('(?P<assigned>[^']+)'\)|principalId eq '(?P<principal>[^']+)'|atScope\(\))\s*", re.IGNORECASE)
FORBIDDEN = 403


class Role(BaseModel):
    """A built-in role."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = Field(default=(), alias="notActions")


@cache
def roles() -> Mapping[str, Role]:
    """Built-in roles by name."""
    content = yaml.safe_load(_ROLES.read_text(encoding="utf-8"))
    return {name: Role.model_validate(said) for name, said in content.items()}


def permissions(asked: Asked) -> Page:
    """One entry for each role that this login has on the subscription."""
    return _permissions(_held(asked))


def permissions_of_group(asked: Asked) -> Page:
    """The same in a resource group, which must exist."""
    subscription.group(asked)
    return _permissions([*_held(asked), *_held(asked, "group")])


def _permissions(held: list[Role]) -> Page:
    if not held:
        raise forbidden("Microsoft.Authorization/permissions/read")
    return Page(
        {"actions": list(role.actions), "notActions": list(role.not_actions), "dataActions": [], "notDataActions": []} for role in held
    )


def assignments(asked: Asked) -> Page:
    """Role assignments in the subscription, of everybody or of one principal."""
    if not _held(asked):
        raise forbidden("Microsoft.Authorization/roleAssignments/read")
    text = asked.query.get("$filter", "")
    match = _ASSIGNED.fullmatch(text)
    if text and not match:
        raise ArmError(BAD_REQUEST, "UnsupportedQuery", f"The filter '{text}' is not supported.")
    wanted = (match["assigned"] or match["principal"] if match else None) or ""
    found = [*_own(asked), *(_made(one.id, one.outputs) for one in asked.world.resources("Microsoft.Authorization/roleAssignments"))]
    return Page(one for one in found if not wanted or one["properties"]["principalId"].lower() == wanted.lower())


def _held(asked: Asked, scope: str = "roles") -> list[Role]:
    """Roles by `azure.roles`: `roles` on the subscription, `group` on every resource group; Owner without the switch."""
    names = (asked.faults.get("azure.roles") or {"roles": ["Owner"]}).get(scope, [])
    return [roles()[str(name)] for name in names]


def action_of(method: str, path: str) -> str:
    """What a role must allow for a question: the types in its path, without the names between them."""
    before, _, after = path.strip("/").rpartition("/providers/")
    if before and "/" in after:
        namespace, *places = after.split("/")
    else:
        namespace, places = "Microsoft.Resources", path.strip("/").split("/")
    types = [namespace, *places[::2]]
    return f"{'/'.join(types)}/{'action' if method == 'POST' else 'read'}"


def forbidden(action: str) -> ArmError:
    """ARM's refusal of what no role allows."""
    return ArmError(
        FORBIDDEN,
        "AuthorizationFailed",
        f"The client '{account.CLIENT}' with object id '{account.OBJECT}' does not have authorization to perform action '{action}' over "
        f"scope '/subscriptions/{account.SUBSCRIPTION}' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
    )


def _own(asked: Asked) -> list[Json]:
    scope = f"/subscriptions/{account.SUBSCRIPTION}"
    found: list[Json] = []
    for role in _held(asked):
        name = str(uuid.uuid5(uuid.UUID(role.id), account.OBJECT))
        definition = f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{role.id}"
        said = {"roleDefinitionId": definition, "principalId": account.OBJECT, "principalType": "ServicePrincipal", "scope": scope}
        found.append(_made(f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", said))
    return found


def _made(id: str, said: Mapping[str, Any]) -> Json:  # noqa: A002 -- it is called id everywhere
    keys = ("roleDefinitionId", "principalId", "principalType", "scope", "condition", "conditionVersion", "description")
    properties = {key: said.get(key) for key in keys}
    return {"id": id, "name": id.rpartition("/")[2], "type": "Microsoft.Authorization/roleAssignments", "properties": properties}


_A = "providers/Microsoft.Authorization"
_S = "/subscriptions/{subscription}"
_PERMISSIONS = ("2015-07-01", "2018-01-01-preview", "2022-04-01")
ROUTES = (
    Route("GET", f"{_S}/{_A}/permissions", _PERMISSIONS, permissions),
    Route("GET", f"{_S}/resourceGroups/{{group}}/{_A}/permissions", _PERMISSIONS, permissions_of_group),
    Route("GET", f"{_S}/{_A}/roleAssignments", ("2022-04-01",), assignments),
)
