"""Hugging Face: what it says of a model to somebody with a token. It has every model of the catalog.

Fault `huggingface.http {"model": …, "status": 403}` refuses one of them, or all where no model is named.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import FastAPI, Header
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from rehearsal.services.internet.keys import Faults, bearer
from sdg.catalog.nims import nims

PREFIX: Final = "hf_"
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY = 401, 403, 404, 429
_CODES: Final = {UNAUTHORIZED: "GatedRepo", FORBIDDEN: "GatedRepo", NOT_FOUND: "RepoNotFound"}


class HttpFault(BaseModel):
    """Body of the switch `huggingface.http`."""

    model: str = ""
    status: int = Field(FORBIDDEN, ge=400, le=599)


def create_app(faults: Faults) -> FastAPI:
    """The app of huggingface.co."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/api/whoami-v2")
    def _who(authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        if not bearer(authorization).startswith(PREFIX):
            return JSONResponse({"error": "Invalid user token."}, UNAUTHORIZED)
        return JSONResponse({"type": "user", "name": "rehearsal", "auth": {"type": "access_token"}})

    @app.get("/api/models/{owner}/{name}")
    def _model(owner: str, name: str, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        model, token = f"{owner}/{name}", bearer(authorization)
        if token and not token.startswith(PREFIX):
            return _refused(UNAUTHORIZED, "Invalid credentials in Authorization header")
        fault = faults.get("huggingface.http")
        spoiled = HttpFault.model_validate(fault) if fault is not None else None
        if spoiled and spoiled.model in {"", model}:
            return _refused(spoiled.status, _words(spoiled.status, model))
        if model not in _models():
            # it does not say whether a model is absent or private
            return _refused(NOT_FOUND if token else UNAUTHORIZED, "Repository not found")
        return JSONResponse({"id": model, "modelId": model, "private": False, "gated": False, "sha": "0" * 40})

    return app


def _models() -> set[str]:
    return {nim.hugging_face.model for nim in nims().values() if nim.hugging_face}


def _words(status: int, model: str) -> str:
    words = {
        UNAUTHORIZED: f"Access to model {model} is restricted. "
        "You must have access to it and be authenticated to access it. Please log in.",
        FORBIDDEN: f"Access to model {model} is restricted and you are not in the authorized list. "
        f"Visit https://huggingface.co/{model} to ask for access.",
        TOO_MANY: "We had to rate limit your IP. To continue using our service, log in or use an API token.",
    }
    return words.get(status, "Internal Error - We're working hard to fix this as soon as possible!")


def _refused(status: int, words: str) -> JSONResponse:
    code = _CODES.get(status)
    headers = {"X-Error-Message": words} | ({"X-Error-Code": code} if code else {}) | ({"Retry-After": "60"} if status == TOO_MANY else {})
    return JSONResponse({"error": words}, status, headers)
