"""Version, health, login methods, and other small reads."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from rehearsal.services.osmo import defaults
from rehearsal.services.osmo.cluster import UI
from rehearsal.services.osmo.context import Service, ServiceDep
from rehearsal.services.osmo.errors import UnavailableError, user_error

router = APIRouter()
JsonMap = dict[str, Any]


def version_view(service: Service) -> dict[str, str]:
    version = service.version()
    return {"major": str(version.major), "minor": str(version.minor), "revision": str(version.micro), "hash": ""}


@router.get("/api/version")
def get_version(*, service: ServiceDep) -> dict[str, str]:
    return version_view(service)


@router.get("/client/version")
def get_client_version(*, request: Request, service: ServiceDep) -> Response:
    if "text/plain" in request.headers.get("accept", ""):
        return PlainTextResponse(".".join(list(version_view(service).values())[:3]))
    return JSONResponse(version_view(service))


@router.get("/health")
def get_health() -> dict[str, str]:
    return {"status": "OK"}


@router.get("/api/auth/login")
def get_login(*, service: ServiceDep) -> JsonMap:
    login: JsonMap = service.configuration().service["service_auth"]["login_info"]
    return login


@router.get("/api/users")
def get_submitters(*, service: ServiceDep) -> list[str]:
    """Everybody who ever submitted."""
    with service.reading() as database:
        return sorted({workflow.submitted_by for workflow in database.workflows})


@router.get("/api/tag")
def get_tags(*, service: ServiceDep) -> JsonMap:
    return {"tags": service.configuration().workflow["workflow_info"]["tags"]}


@router.get("/api/plugins/configs")
def get_plugins(*, service: ServiceDep) -> JsonMap:
    plugins: JsonMap = service.configuration().workflow["plugins_config"]
    return {**plugins, "rsync": plugins.get("rsync", defaults.RSYNC)}


@router.get("/api/bucket")
def get_buckets(*, service: ServiceDep) -> JsonMap:
    dataset = service.configuration().dataset
    return {"default": dataset["default_bucket"] or None, "buckets": {name: _bucket(bucket) for name, bucket in dataset["buckets"].items()}}


@router.get("/api/bucket/list_dataset")
def get_datasets() -> JsonMap:
    return {"datasets": []}


@router.get("/api/bucket/{bucket}/dataset/{name}/info")
def get_dataset(bucket: str, name: str) -> None:
    raise user_error(f"Could not find dataset or collection {name} in bucket {bucket}")


@router.get("/", include_in_schema=False)
def get_page(*, service: ServiceDep) -> HTMLResponse:
    """Stands for the web UI: only says what it is."""
    if not service.cluster.ready(service.cluster.layout.service, UI):
        raise UnavailableError
    return HTMLResponse("<!doctype html><title>OSMO</title><p>OSMO, simulated by a rehearsal: there is no web UI here.</p>")


def _bucket(bucket: JsonMap) -> JsonMap:
    return {
        "path": bucket.get("dataset_path"),
        "description": bucket.get("description", ""),
        "mode": bucket.get("mode", "read-write"),
        "default_cred": bool(bucket.get("default_credential")),
    }
