"""Hugging Face: what it says of a model, and whether somebody may download it. It has every model of the catalog; faults: see `tokens`."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import FastAPI, Header
from fastapi.responses import JSONResponse

from rehearsal.services.internet.keys import FORBIDDEN, UNAUTHORIZED, bearer
from rehearsal.services.internet.tokens import NOT_FOUND, fault, is_token, refusal
from rehearsal.switches import Switches
from sdg.catalog.nims import nims

TOO_MANY = 429
_INVALID: Final = "Invalid credentials in Authorization header"
_CODES: Final = {FORBIDDEN: "GatedRepo", NOT_FOUND: "RepoNotFound"}


def create_app(faults: Switches) -> FastAPI:
    """The app of huggingface.co."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/api/whoami-v2")
    def _who(authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        if not is_token(bearer(authorization)):
            return JSONResponse({"error": "Invalid user token."}, UNAUTHORIZED)
        return JSONResponse({"type": "user", "name": "rehearsal", "auth": {"type": "access_token"}})

    @app.get("/api/models/{owner}/{name}")
    def _model(owner: str, name: str, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        model = f"{owner}/{name}"
        gated = fault(model, faults) == FORBIDDEN
        said = {"id": model, "modelId": model, "private": False, "gated": "manual" if gated else False, "sha": "0" * 40}
        return _unseen(model, bearer(authorization), faults) or JSONResponse(said)

    @app.get("/api/models/{owner}/{name}/auth-check")
    def _check(owner: str, name: str, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        model, token = f"{owner}/{name}", bearer(authorization)
        if unseen := _unseen(model, token, faults):
            return unseen
        status = refusal(model, token, faults)
        return _refused(status, _words(status, model), "GatedRepo") if status else JSONResponse({"status": "ok"})

    return app


def _unseen(model: str, token: str, faults: Switches) -> JSONResponse | None:
    """Why somebody is not even told of a model; None when they are. What is public of a gated one, everybody is told."""
    if token and not is_token(token):
        return _refused(UNAUTHORIZED, _INVALID)
    status = fault(model, faults)
    if status is not None and status != FORBIDDEN:
        return _refused(status, _words(status, model))
    if model not in _models():
        # it does not say whether a model is absent or private
        return _refused(NOT_FOUND if token else UNAUTHORIZED, "Repository not found")
    return None


def _models() -> set[str]:
    return {nim.hugging_face.model for nim in nims().values() if nim.hugging_face}


def _words(status: int, model: str) -> str:
    words = {
        UNAUTHORIZED: _INVALID,
        FORBIDDEN: f"Access to model {model} is restricted and you are not in the authorized list. "
        f"Visit https://huggingface.co/{model} to ask for access.",
        NOT_FOUND: "Repository not found",
        TOO_MANY: "We had to rate limit your IP. To continue using our service, log in or use an API token.",
    }
    return words.get(status, "Internal Error - We're working hard to fix this as soon as possible!")


def _refused(status: int, words: str, code: str = "") -> JSONResponse:
    code = code or _CODES.get(status, "")
    headers = {"X-Error-Message": words} | ({"X-Error-Code": code} if code else {}) | ({"Retry-After": "60"} if status == TOO_MANY else {})
    return JSONResponse({"error": words}, status, headers)
