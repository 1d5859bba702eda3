"""Credentials and the profile of the caller."""

from __future__ import annotations

import re
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from rehearsal.services.osmo.context import Service, ServiceDep
from rehearsal.services.osmo.errors import user_error
from rehearsal.services.osmo.identity import IdentityDep
from rehearsal.services.osmo.images import registry_host, unreachable
from rehearsal.services.osmo.records import Credential, Database
from rehearsal.services.osmo.spec import NAME
from rehearsal.services.osmo.store import ensure_user

router = APIRouter(prefix="/api")
JsonMap = dict[str, Any]
_SCHEMES = ("swift", "s3", "gs", "tos", "azure")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GenericCredential(_Strict):
    credential: dict[str, str]


class RegistryCredential(_Strict):
    auth: str
    registry: str = ""
    username: str = ""


class DataCredential(_Strict):
    access_key_id: str
    access_key: str
    endpoint: str
    region: str | None = None
    override_url: str | None = None
    addressing_style: Literal["virtual", "path", "auto"] | None = None


class NewCredential(BaseModel):
    registry_credential: RegistryCredential | None = None
    data_credential: DataCredential | None = None
    generic_credential: GenericCredential | None = None


class ProfileChange(BaseModel):
    pool: str | None = None
    bucket: str | None = None
    email_notification: bool | None = None
    slack_notification: bool | None = None


@router.get("/credentials")
def list_credentials(*, service: ServiceDep, identity: IdentityDep) -> JsonMap:
    order = ("DATA", "REGISTRY", "GENERIC")
    with service.reading() as database:
        mine = [credential for credential in database.credentials if credential.user_name == identity.user]
    return {"credentials": [_view(credential) for credential in sorted(mine, key=lambda found: order.index(found.cred_type))]}


@router.post("/credentials/{name}")
def set_credential(*, service: ServiceDep, identity: IdentityDep, name: str, body: NewCredential) -> None:
    given = [part for part in (body.registry_credential, body.data_credential, body.generic_credential) if part]
    if len(given) != 1:
        raise user_error(f"Exactly one of the following must be set dict_keys({list(NewCredential.model_fields)!r})")
    if not re.fullmatch(NAME, name):
        raise user_error(f"Invalid name: {name}. Follow regex: {NAME}")
    new = _credential(identity.user, name, given[0])
    if new.cred_type == "REGISTRY":
        _check_registry(service, str(new.profile))
    with service.writing() as database:
        ensure_user(database, identity.user)
        _put(database, new)


@router.delete("/credentials/{name}")
def delete_credential(*, service: ServiceDep, identity: IdentityDep, name: str) -> JsonMap:
    with service.writing() as database:
        found = _find(database, identity.user, name)
        if found is None:
            raise user_error(f"Credential {name} does not exits")
        database.credentials.remove(found)
        return {"credentials": [_view(found)]}


@router.get("/profile/settings")
def get_profile(*, service: ServiceDep, identity: IdentityDep) -> JsonMap:
    with service.writing() as database:
        profile = ensure_user(database, identity.user).profile
        shown = {"username": identity.user, **profile.model_dump()}
    return {"profile": shown, "roles": list(identity.roles), "pools": list(identity.pools), "token": None}


@router.post("/profile/settings")
def set_profile(*, service: ServiceDep, identity: IdentityDep, body: ProfileChange) -> None:
    configuration = service.configuration()
    if body.pool is not None:
        service.pool(configuration, body.pool)
    if body.bucket is not None and body.bucket not in configuration.dataset["buckets"]:
        raise user_error(f'Bucket {body.bucket} does not exist. Use the "osmo bucket list" CLI  to see all available buckets.')
    with service.writing() as database:
        user = ensure_user(database, identity.user)
        user.profile = user.profile.model_copy(update=body.model_dump(exclude_none=True))


def _credential(user: str, name: str, given: BaseModel) -> Credential:
    keys = list(given.model_dump(exclude_none=True))
    if isinstance(given, GenericCredential):
        return Credential(user_name=user, cred_name=name, cred_type="GENERIC", keys=list(given.credential))
    if isinstance(given, RegistryCredential):
        return Credential(user_name=user, cred_name=name, cred_type="REGISTRY", profile=registry_host(given.registry), keys=keys)
    endpoint = given.endpoint if isinstance(given, DataCredential) else ""
    _check_endpoint(endpoint)
    return Credential(user_name=user, cred_name=name, cred_type="DATA", profile=endpoint.rstrip("/"), keys=keys)


def _check_endpoint(endpoint: str) -> None:
    scheme = endpoint.partition("://")[0]
    if scheme in _SCHEMES:
        return
    legal = ", ".join(f"{known}://" for known in _SCHEMES)
    hint = ""
    if scheme in ("http", "https"):
        hint = f" The value looks like an HTTP service URL — set 'override_url={endpoint}' and put the storage URI in 'endpoint'."
    raise user_error(f"Invalid endpoint: '{endpoint}'. Endpoint must use one of: {legal}.{hint}")


def _check_registry(service: Service, registry: str) -> None:
    """Registries answer, unless a switch says otherwise or the name holds a path, which no host can."""
    switch = service.faults.get("osmo.registry") or {}
    host, _, path = registry.partition("/")
    exempt = service.configuration().workflow["credential_config"]["disable_registry_validation"]
    if registry not in exempt and (path or host in (switch.get("unreachable") or ())):
        raise unreachable(host, f"/{path}/v2/".replace("//", "/"), f"https://{registry}/v2/")


def _put(database: Database, new: Credential) -> None:
    """Registry and data credentials replace the one of the same profile, whatever its name; a used name is refused otherwise."""
    same = None
    if new.profile is not None:
        same = next((old for old in database.credentials if (old.user_name, old.profile) == (new.user_name, new.profile)), None)
    named = _find(database, new.user_name, new.cred_name)
    if named is not None and named is not same:
        key = f"(user_name, cred_name)=({new.user_name}, {new.cred_name})"
        raise user_error(f' duplicate key value violates unique constraint "credential_pkey"\nDETAIL:  Key {key} already exists.\n')
    if same is not None:
        database.credentials.remove(same)
    database.credentials.append(new)


def _find(database: Database, user: str, name: str) -> Credential | None:
    return next((credential for credential in database.credentials if (credential.user_name, credential.cred_name) == (user, name)), None)


def _view(credential: Credential) -> JsonMap:
    return {"cred_name": credential.cred_name, "cred_type": credential.cred_type, "profile": credential.profile}
