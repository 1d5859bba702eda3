"""Apps: named, versioned workflow specs."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from fastapi.responses import PlainTextResponse

from rehearsal.services.osmo.clock import now, stamp
from rehearsal.services.osmo.context import ServiceDep
from rehearsal.services.osmo.errors import user_error
from rehearsal.services.osmo.identity import IdentityDep
from rehearsal.services.osmo.records import AppRecord, AppVersion, Database
from rehearsal.services.osmo.routes.workflows import Order
from rehearsal.services.osmo.templating import split_sections

router = APIRouter(prefix="/api/app")
JsonMap = dict[str, Any]
AppName = Annotated[str, Path(pattern=r"^(?:[a-zA-Z0-9_-]+)$")]
Text = Annotated[str, Body()]


@router.get("")
def list_apps(
    *,
    service: ServiceDep,
    identity: IdentityDep,
    users: Annotated[list[str], Query(default_factory=list)],
    name: str = "",
    all_users: bool = False,
    offset: int = 0,
    limit: int = 20,
    order: Order = Order.ASC,
) -> JsonMap:
    with service.reading() as database:
        found = [
            app
            for app in database.apps.values()
            if name in app.name and _live(app) and (all_users or app.owner in (users or [identity.user]))
        ]
    ordered = found if order is Order.ASC else found[::-1]
    rows = [{**_view(app), "latest_version": _live(app)[-1].version} for app in ordered[offset : offset + limit]]
    return {"apps": rows, "more_entries": len(ordered) > offset + limit}


@router.post("/user/{name}")
def create_app_record(*, service: ServiceDep, identity: IdentityDep, name: AppName, description: str, text: Text) -> None:
    split_sections(text)
    with service.writing() as database:
        if name in database.apps:
            raise user_error(f"App name {name} already exists.")
        app = AppRecord(uuid=uuid.uuid4().hex, name=name, description=description, created_date=now(), owner=identity.user)
        database.apps[name] = app
        _add(app, text, identity.user)


@router.patch("/user/{name}")
def update_app_record(*, service: ServiceDep, identity: IdentityDep, name: AppName, text: Text) -> JsonMap:
    split_sections(text)
    with service.writing() as database:
        if name not in database.apps:
            raise user_error(f"App name {name} does not exist.")
        app = database.apps[name]
        version = _add(app, text, identity.user)
        created = {"created_by": version.created_by, "created_date": stamp(version.created_date)}
        return {"uuid": app.uuid, "version": version.version, "name": name, **created}


@router.get("/user/{name}")
def get_app_record(*, service: ServiceDep, name: AppName, version: int | None = None, limit: int = 20, order: Order = Order.ASC) -> JsonMap:
    with service.reading() as database:
        app = _existing(database, name)
        versions = [found for found in app.versions if version in (None, found.version)]
        ordered = versions if order is Order.ASC else versions[::-1]
        return {**_view(app), "versions": [_version(found) for found in ordered[:limit]]}


@router.get("/user/{name}/spec")
def get_app_spec(*, service: ServiceDep, name: AppName, version: int | None = None) -> PlainTextResponse:
    with service.reading() as database:
        ready = [found for found in _live(_existing(database, name)) if version in (None, found.version)]
        if not ready:
            raise user_error(f"App {name} does not exist.")
        return PlainTextResponse(ready[-1].spec)


@router.delete("/user/{name}")
def delete_app_record(
    *, service: ServiceDep, identity: IdentityDep, name: AppName, version: int | None = None, all_versions: bool = False
) -> JsonMap:
    if version is None and not all_versions:
        raise user_error("Must specify a version or all_versions.")
    with service.writing() as database:
        app = _existing(database, name)
        if app.owner != identity.user:
            raise user_error("Deleting someone else's app is not supported yet.")
        gone = [found for found in reversed(_live(app)) if all_versions or found.version == version]
        for found in gone:
            found.deleted = True
        return {"versions": [found.version for found in gone]}


@router.post("/user/{name}/rename")
def rename_app_record(*, service: ServiceDep, name: AppName, new_name: Text) -> str:
    with service.writing() as database:
        app = _existing(database, name)
        if new_name in database.apps:
            raise user_error(f"App name {new_name} already exists.")
        database.apps = {new_name if key == name else key: value for key, value in database.apps.items()}
        app.name = new_name
        return new_name


def _existing(database: Database, name: str) -> AppRecord:
    if name not in database.apps:
        raise user_error(f"App {name} does not exist.")
    return database.apps[name]


def _add(app: AppRecord, text: str, user: str) -> AppVersion:
    version = AppVersion(version=len(app.versions) + 1, created_by=user, created_date=now(), spec=text)
    app.versions.append(version)
    return version


def _live(app: AppRecord) -> list[AppVersion]:
    return [version for version in app.versions if not version.deleted]


def _view(app: AppRecord) -> JsonMap:
    return {
        "uuid": app.uuid,
        "name": app.name,
        "description": app.description,
        "created_date": stamp(app.created_date),
        "owner": app.owner,
    }


def _version(version: AppVersion) -> JsonMap:
    """The upload takes no time here: a version is READY at once."""
    status = "DELETED" if version.deleted else "READY"
    return {"version": version.version, "created_by": version.created_by, "created_date": stamp(version.created_date), "status": status}
