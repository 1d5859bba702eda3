"""Endpoints that somebody else runs and that speak OpenAI's API. They serve the model that the stack says they serve: it is in their path.

Faults: `external.http {"status": 503}`; `external.model {"model": …}` serves that one and no other; `external.key` refuses every key.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from rehearsal.services import openai
from rehearsal.services.internet.keys import UNAUTHORIZED, Faults, bearer

END = "-"
"""Segment of the path that comes after the model's name, which may have slashes itself; behind it is the path of the base URL."""


class HttpFault(BaseModel):
    """Body of the switch `external.http`."""

    status: int = Field(503, ge=400, le=599)


class ModelFault(BaseModel):
    """Body of the switch `external.model`."""

    model: str


def create_app(faults: Faults) -> FastAPI:
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


def _served(model: str, faults: Faults) -> dict[str, openai.Model]:
    fault = faults.get("external.model")
    name = ModelFault.model_validate(fault).model if fault is not None else model
    return {name: openai.Model(name, sees=True)}


def _failed(authorization: str | None, faults: Faults) -> JSONResponse | None:
    if (fault := faults.get("external.http")) is not None:
        return JSONResponse({"detail": "unavailable"}, HttpFault.model_validate(fault).status)
    if faults.get("external.key") is not None and bearer(authorization):
        return JSONResponse({"title": "Unauthorized", "status": UNAUTHORIZED, "detail": "Authentication failed"}, UNAUTHORIZED)
    return None
