"""Endpoints that somebody else runs and that speak OpenAI's API. They serve the model that the stack says they serve: it is in their path.

Faults: `external.http {"status": 503}`; `external.model {"model": …}` serves that one and no other; `external.key` refuses every key.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse

from rehearsal.services import openai
from rehearsal.services.internet.keys import UNAUTHORIZED, bearer
from rehearsal.switches import Model, Switches, Unavailable, read

END = "-"
"""Segment of the path that comes after the model's name, which may have slashes itself; behind it is the path of the base URL."""


def create_app(faults: Switches) -> FastAPI:
    """The app of all such endpoints."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get(f"/{{model:path}}/{END}/models")
    @app.get(f"/{{model:path}}/{END}/{{below:path}}/models")
    def _models(model: str, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        return _failed(authorization, faults) or JSONResponse(openai.listed(_served(model, faults)))

    @app.post(f"/{{model:path}}/{END}/chat/completions")
    @app.post(f"/{{model:path}}/{END}/{{below:path}}/chat/completions")
    async def _chat(model: str, request: Request, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        try:
            return _failed(authorization, faults) or JSONResponse(openai.chat(await request.json(), _served(model, faults)))
        except ValueError:
            return JSONResponse({"detail": "the body is no JSON"}, openai.BAD_REQUEST)
        except openai.Refused as refused:
            return JSONResponse(refused.body, refused.status)

    return app


def _served(model: str, faults: Switches) -> dict[str, openai.Model]:
    fault = read(faults, "external.model", Model)
    name = fault.model if fault else model
    return {name: openai.Model(name, sees=True)}


def _failed(authorization: str | None, faults: Switches) -> JSONResponse | None:
    if (fault := read(faults, "external.http", Unavailable)) is not None:
        return JSONResponse({"detail": "unavailable"}, fault.status)
    if faults.get("external.key") is not None and bearer(authorization):
        return JSONResponse({"title": "Unauthorized", "status": UNAUTHORIZED, "detail": "Authentication failed"}, UNAUTHORIZED)
    return None
