"""Personal access tokens: minted once, exchanged for short-lived JWTs."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from rehearsal.services.osmo import defaults
from rehearsal.services.osmo.clock import now
from rehearsal.services.osmo.cluster import ADMIN_SECRET
from rehearsal.services.osmo.context import BACKEND_ROLE, TOKEN_LENGTHS, Service, ServiceDep
from rehearsal.services.osmo.durations import parse_duration
from rehearsal.services.osmo.errors import InternalError, user_error
from rehearsal.services.osmo.identity import IdentityDep
from rehearsal.services.osmo.jwt import JwtIssuer
from rehearsal.services.osmo.records import Database, RoleAssignment, Token, digest
from rehearsal.services.osmo.routes.users import role_view
from rehearsal.services.osmo.store import ADMIN, ensure_user

router = APIRouter(prefix="/api/auth")
JsonMap = dict[str, Any]
Roles = Annotated[list[str], Query(default_factory=list)]
_ADMIN_TOKEN = "default-admin-token"  # noqa: S105 - its name


class Exchange(BaseModel):
    token: str


@router.get("/keys")
def get_keys(*, request: Request) -> JsonMap:
    return _issuer(request).keys()


@router.post("/jwt/access_token")
def exchange_token(*, request: Request, service: ServiceDep, body: Exchange) -> JsonMap:
    if len(body.token) not in TOKEN_LENGTHS:
        raise user_error(f"Access token has invalid length {len(body.token)}")
    user, name, roles = _owner(service, body.token)
    return _issuer(request).issue(user, name, roles)


@router.get("/access_token")
def list_own_tokens(*, service: ServiceDep, identity: IdentityDep) -> list[JsonMap]:
    return _list(service, identity.user)


@router.post("/access_token/{name}")
def create_own_token(*, service: ServiceDep, identity: IdentityDep, name: str, expires_at: str, roles: Roles, description: str = "") -> str:
    return _mint(service, identity.user, Token(**_wanted(identity.user, name, expires_at, description)), roles, identity.user)


@router.get("/access_token/{name}/roles")
def get_own_token_roles(*, service: ServiceDep, identity: IdentityDep, name: str) -> JsonMap:
    return _roles_view(service, identity.user, name)


@router.delete("/access_token/{name}")
def delete_own_token(*, service: ServiceDep, identity: IdentityDep, name: str) -> None:
    _delete(service, identity.user, name)


@router.get("/user/{user_id}/access_token")
def list_tokens(*, service: ServiceDep, user_id: str) -> list[JsonMap]:
    return _list(service, user_id)


@router.post("/user/{user_id}/access_token/{name}")
def create_token(
    *, service: ServiceDep, identity: IdentityDep, user_id: str, name: str, expires_at: str, roles: Roles, description: str = ""
) -> str:
    return _mint(service, user_id, Token(**_wanted(user_id, name, expires_at, description)), roles, identity.user)


@router.get("/user/{user_id}/access_token/{name}/roles")
def get_token_roles(*, service: ServiceDep, user_id: str, name: str) -> JsonMap:
    return _roles_view(service, user_id, name)


@router.delete("/user/{user_id}/access_token/{name}")
def delete_token(*, service: ServiceDep, user_id: str, name: str) -> None:
    _delete(service, user_id, name)


def _issuer(request: Request) -> JwtIssuer:
    issuer: JwtIssuer = request.app.state.jwt_issuer
    return issuer


def _owner(service: Service, secret: str) -> tuple[str, str, list[str]]:
    """User, token name and roles behind a secret. The administrator's password is a token, too."""
    admin = service.cluster.secret(service.cluster.layout.service, ADMIN_SECRET) or {}
    if secrets.compare_digest(admin.get("password", ""), secret):
        return ADMIN, _ADMIN_TOKEN, ["osmo-admin"]
    if name := service.mounted_credential(secret):
        return f"backend-operator-{name}", f"backend-bootstrap-{name}", [BACKEND_ROLE]
    with service.reading() as database:
        found = next((token for token in database.tokens if token.digest == digest(secret)), None)
    if found is None or found.expires_at <= now():
        raise user_error("Access Token is invalid")
    return found.user_name, found.token_name, [role.role_name for role in found.roles]


def _wanted(user_id: str, name: str, expires_at: str, description: str) -> JsonMap:
    try:
        expires = datetime.strptime(expires_at, "%Y-%m-%d").replace(tzinfo=UTC).replace(tzinfo=None)
    except ValueError as error:
        raise InternalError(str(error)) from error
    return {"user_name": user_id, "token_name": name, "digest": "", "expires_at": expires, "description": description}


def _mint(service: Service, user_id: str, token: Token, roles: list[str], by: str) -> str:
    longest = service.configuration().service["service_auth"].get("max_token_duration") or defaults.MAX_TOKEN_DURATION
    if token.expires_at.date() <= now().date():
        raise user_error("Expiration date must be in the future")
    if token.expires_at - now() > parse_duration(longest):
        raise user_error(f"Access token expiration date cannot be more than {longest} from now")
    with service.writing() as database:
        token.roles = _held(database, user_id, roles, by)
        if _find(database, user_id, token.token_name):
            raise user_error(f"Token name {token.token_name} already exists.")
        secret = secrets.token_urlsafe(32)
        token.digest = digest(secret)
        database.tokens.append(token)
        return secret


def _held(database: Database, user_id: str, roles: list[str], by: str) -> list[RoleAssignment]:
    """The roles that the token gets: those asked for, or all that the user holds."""
    user = database.users.get(user_id) or (ensure_user(database, user_id) if user_id == by else None)
    held = [role.role_name for role in user.roles] if user else []
    if set(roles) - set(held):
        raise user_error("User does not have all the requested roles. Token creation failed.")
    if not (roles or held):
        raise user_error("At least one role must be specified for the access token.")
    return [RoleAssignment(role_name=role, assigned_by=by, assigned_at=now()) for role in roles or held]


def _list(service: Service, user_id: str) -> list[JsonMap]:
    with service.reading() as database:
        return [
            {
                "user_name": token.user_name,
                "token_name": token.token_name,
                "expires_at": token.expires_at.isoformat(),
                "description": token.description,
                "roles": [role.role_name for role in token.roles],
            }
            for token in database.tokens
            if token.user_name == user_id
        ]


def _roles_view(service: Service, user_id: str, name: str) -> JsonMap:
    with service.reading() as database:
        token = _existing(database, user_id, name)
        return {"user_name": user_id, "token_name": name, "roles": [role_view(role) for role in token.roles]}


def _delete(service: Service, user_id: str, name: str) -> None:
    with service.writing() as database:
        database.tokens.remove(_existing(database, user_id, name))


def _existing(database: Database, user_id: str, name: str) -> Token:
    found = _find(database, user_id, name)
    if found is None:
        raise user_error(f"Access token {name} does not exist.")
    return found


def _find(database: Database, user_id: str, name: str) -> Token | None:
    return next((token for token in database.tokens if (token.user_name, token.token_name) == (user_id, name)), None)
