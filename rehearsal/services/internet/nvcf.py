"""NVIDIA Cloud Functions: the functions of an organisation, their states, and what they answer when invoked.

Every function of the catalog is deployed here, under the id that the stack says it has, else under one that follows from its name.
Faults: `nvcf.http {"status": 503}` for the API, `nvcf.function {"name": …, "status": "INACTIVE"}` for one function, and `nvcf.none` for an
organisation that has none.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse

from rehearsal.services import openai
from rehearsal.services.internet.keys import bearer, refusal
from rehearsal.switches import Function, Switches, Unavailable, read
from sdg.catalog.nvcf_functions import nvcf_functions

ACTIVE: Final = "ACTIVE"
NOT_FOUND = 404
CREATED: Final = "2026-01-01T00:00:00.000Z"
_WORDS: Final[Mapping[int, str]] = {401: "Unauthorized", 403: "Forbidden", NOT_FOUND: "Not Found"}


def function_id(name: str) -> str:
    """The id under which a function of the catalog is deployed here."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://api.nvcf.nvidia.com/{name}"))


def version_id(name: str) -> str:
    """The id of the one version that it has."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://api.nvcf.nvidia.com/{name}/1"))


Ids = Callable[[], Mapping[str, str]]
"""The ids of functions by their names, where the stack says them."""


def create_api(faults: Switches, ids: Ids = dict) -> FastAPI:
    """The API at api.nvcf.nvidia.com."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/v2/nvcf/functions")
    def _list(authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        return _refused(authorization, faults) or JSONResponse({"functions": _functions(faults, ids())})

    @app.get("/v2/nvcf/functions/{id_}/versions")
    def _versions(id_: str, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        found = [entry for entry in _functions(faults, ids()) if entry["id"] == id_]
        return _refused(authorization, faults) or (JSONResponse({"functions": found}) if found else _problem(NOT_FOUND))

    @app.get("/v2/nvcf/functions/{id_}/versions/{version}")
    def _version(id_: str, version: str, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        found = [entry for entry in _functions(faults, ids()) if (entry["id"], entry["versionId"]) == (id_, version)]
        return _refused(authorization, faults) or (JSONResponse({"function": found[0]}) if found else _problem(NOT_FOUND))

    return app


def create_invocation(faults: Switches, ids: Ids = dict) -> FastAPI:
    """What answers at `<function id>.invocation.api.nvcf.nvidia.com`, below the function's id."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/{id_}/v1/models")
    def _models(id_: str, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        return _stopped(id_, authorization, faults, ids()) or JSONResponse(openai.listed(_served(id_, ids())))

    @app.post("/{id_}/v1/chat/completions")
    async def _chat(id_: str, request: Request, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        try:
            return _stopped(id_, authorization, faults, ids()) or JSONResponse(openai.chat(await request.json(), _served(id_, ids())))
        except ValueError:
            return _problem(openai.BAD_REQUEST)
        except openai.Refused as refused:
            return JSONResponse(refused.body, refused.status)

    return app


def _functions(faults: Switches, ids: Mapping[str, str]) -> list[dict[str, Any]]:
    if faults.get("nvcf.none") is not None:
        return []
    broken = read(faults, "nvcf.function", Function)
    return [
        {
            "id": _id(name, ids),
            "ncaId": "rehearsal",
            "versionId": version_id(name),
            "name": name,
            "status": broken.status if broken and broken.name == name else ACTIVE,
            "createdAt": CREATED,
        }
        for name in nvcf_functions()
    ]


def _id(name: str, ids: Mapping[str, str]) -> str:
    return ids.get(name) or function_id(name)


def _served(id_: str, ids: Mapping[str, str]) -> Mapping[str, openai.Model]:
    found = [function for name, function in nvcf_functions().items() if _id(name, ids) == id_]
    return {function.model: openai.Model(function.model, sees="vlm" in function.capabilities) for function in found}


def _refused(authorization: str | None, faults: Switches) -> JSONResponse | None:
    fault = read(faults, "nvcf.http", Unavailable)
    if fault is not None:
        return _problem(fault.status)
    status = refusal(bearer(authorization), faults)
    return _problem(status) if status else None


def _stopped(id_: str, authorization: str | None, faults: Switches, ids: Mapping[str, str]) -> JSONResponse | None:
    refused = _refused(authorization, faults)
    if refused:
        return refused
    state = next((entry["status"] for entry in _functions(faults, ids) if entry["id"] == id_), None)
    return None if state == ACTIVE else _problem(NOT_FOUND, f"Function '{id_}': Not found for account 'rehearsal'")


def _problem(status: int, detail: str = "") -> JSONResponse:
    """An error as the API's gateway says it (RFC 9457)."""
    title = _WORDS.get(status, "Error")
    return JSONResponse({"type": "about:blank", "title": title, "status": status, "detail": detail or title}, status)
