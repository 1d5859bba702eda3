"""Users and their roles."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from rehearsal.services.osmo.clock import now, zulu
from rehearsal.services.osmo.configuration import Configuration
from rehearsal.services.osmo.context import ServiceDep
from rehearsal.services.osmo.errors import user_error
from rehearsal.services.osmo.identity import IdentityDep
from rehearsal.services.osmo.records import Database, RoleAssignment, User

router = APIRouter(prefix="/api/auth")
JsonMap = dict[str, Any]
_USER_ID = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9_.@-]*[a-zA-Z0-9])?")


class NewUser(BaseModel):
    id: str
    roles: list[str] = Field(default_factory=list)


class NewRole(BaseModel):
    role_name: str


class NewMembers(BaseModel):
    user_ids: list[str]


@router.get("/user")
def list_users(
    *,
    service: ServiceDep,
    roles: Annotated[list[str], Query(default_factory=list)],
    start_index: int = 1,
    count: int = 100,
    id_prefix: str = "",
) -> JsonMap:
    with service.reading() as database:
        found = [
            user
            for user in sorted(database.users.values(), key=lambda user: user.id)
            if user.id.startswith(id_prefix) and (not roles or any(role.role_name in roles for role in user.roles))
        ]
        page = found[start_index - 1 : start_index - 1 + count]
        return {
            "total_results": len(found),
            "start_index": start_index,
            "items_per_page": len(page),
            "users": [_user(user) for user in page],
        }


@router.post("/user")
def create_user(*, service: ServiceDep, identity: IdentityDep, body: NewUser) -> JsonMap:
    if not _USER_ID.fullmatch(body.id):
        raise user_error(f"Invalid user id: {body.id}.")
    configuration = service.configuration()
    with service.writing() as database:
        if body.id in database.users:
            raise user_error(f"User {body.id} already exists")
        roles = [_assignment(configuration, name, identity.user) for name in body.roles]
        user = User(id=body.id, created_at=now(), created_by=identity.user, roles=roles)
        database.users[user.id] = user
        return _user(user)


@router.get("/user/{user_id}")
def get_user(*, service: ServiceDep, user_id: str) -> JsonMap:
    with service.reading() as database:
        user = existing_user(database, user_id)
        return {**_user(user), "roles": [role_view(role) for role in _sorted(user)]}


@router.delete("/user/{user_id}")
def delete_user(*, service: ServiceDep, user_id: str) -> None:
    with service.writing() as database:
        existing_user(database, user_id)
        del database.users[user_id]
        database.tokens = [token for token in database.tokens if token.user_name != user_id]


@router.get("/user/{user_id}/roles")
def get_user_roles(*, service: ServiceDep, user_id: str) -> JsonMap:
    with service.reading() as database:
        return {"user_id": user_id, "roles": [role_view(role) for role in _sorted(existing_user(database, user_id))]}


@router.post("/user/{user_id}/roles")
def add_user_role(*, service: ServiceDep, identity: IdentityDep, user_id: str, body: NewRole) -> JsonMap:
    configuration = service.configuration()
    with service.writing() as database:
        user = existing_user(database, user_id)
        role = _given(user, _assignment(configuration, body.role_name, identity.user))
        return {"user_id": user_id, **role_view(role)}


@router.delete("/user/{user_id}/roles/{role}")
def remove_user_role(*, service: ServiceDep, user_id: str, role: str) -> None:
    """Also takes the role from the user's tokens; fine when there is nothing to take."""
    with service.writing() as database:
        user = database.users.get(user_id)
        if user is None:
            return
        user.roles = [assignment for assignment in user.roles if assignment.role_name != role]
        for token in database.tokens:
            if token.user_name == user_id:
                token.roles = [assignment for assignment in token.roles if assignment.role_name != role]
        database.tokens = [token for token in database.tokens if token.user_name != user_id or token.roles]


@router.get("/roles/{role}/users")
def get_role_users(*, service: ServiceDep, role: str) -> JsonMap:
    with service.reading() as database:
        members = [user for user in database.users.values() if any(assignment.role_name == role for assignment in user.roles)]
        return {"role_name": role, "users": [_user(user) for user in members]}


@router.post("/roles/{role}/users")
def add_role_users(*, service: ServiceDep, identity: IdentityDep, role: str, body: NewMembers) -> JsonMap:
    configuration = service.configuration()
    answer: JsonMap = {"role_name": role, "assigned": [], "already_assigned": [], "failed": []}
    with service.writing() as database:
        for user_id in body.user_ids:
            user = database.users.get(user_id)
            if user is None:
                answer["failed"].append(user_id)
            elif any(assignment.role_name == role for assignment in user.roles):
                answer["already_assigned"].append(user_id)
            else:
                _given(user, _assignment(configuration, role, identity.user))
                answer["assigned"].append(user_id)
    return answer


def existing_user(database: Database, user_id: str) -> User:
    if user_id not in database.users:
        raise user_error(f"User {user_id} not found")
    return database.users[user_id]


def role_view(role: RoleAssignment) -> JsonMap:
    return {"role_name": role.role_name, "assigned_by": role.assigned_by, "assigned_at": zulu(role.assigned_at)}


def _assignment(configuration: Configuration, role: str, by: str) -> RoleAssignment:
    if role not in configuration.roles:
        raise user_error(f"Role {role} does not exist")
    return RoleAssignment(role_name=role, assigned_by=by, assigned_at=now())


def _given(user: User, role: RoleAssignment) -> RoleAssignment:
    """The user's assignment of this role: the one there is, else this one."""
    held = next((assignment for assignment in user.roles if assignment.role_name == role.role_name), None)
    if held is None:
        user.roles.append(role)
    return held or role


def _sorted(user: User) -> list[RoleAssignment]:
    return sorted(user.roles, key=lambda role: role.role_name)


def _user(user: User) -> JsonMap:
    return {"id": user.id, "created_at": zulu(user.created_at), "created_by": user.created_by}
