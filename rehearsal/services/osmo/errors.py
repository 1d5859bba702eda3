"""The service's error forms: domain errors, internal errors, and how both look on the wire."""

from __future__ import annotations

from enum import StrEnum

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse

from rehearsal.api import ApiError


class ErrorCode(StrEnum):
    """`error_code` of a domain error; what each one means is in the service's API reference."""

    USER = "USER"
    USAGE = "USAGE"
    RESOURCE = "RESOURCE"
    CREDENTIAL = "CREDENTIAL"
    SUBMISSION = "SUBMISSION"
    DATABASE = "DATABASE"


class OsmoError(Exception):
    """A refusal that the caller can act on: 400 (or 409), with a code.

    Attributes:
        workflow_id: the spec's name where validation knows it, else None.
    """

    def __init__(self, code: ErrorCode, message: str, *, workflow_id: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.workflow_id, self.status = code, message, workflow_id, status


class InternalError(Exception):
    """What the service answers as a bare 500 (a missing backend or node, an unparsable date)."""


class UnavailableError(Exception):
    """No instance of the service takes requests: the gateway answers in its place."""


class ManagedByConfigMapError(OsmoError):
    """Every configuration write in ConfigMap mode."""

    def __init__(self) -> None:
        sentence = "Configs are managed by ConfigMap and cannot be modified via CLI/API. Update the Helm values and redeploy instead."
        super().__init__(ErrorCode.USER, sentence, status=409)


def user_error(message: str) -> OsmoError:
    """General bad input: not found, already exists, wrong owner, limits."""
    return OsmoError(ErrorCode.USER, message)


def not_found_workflow(name: str) -> OsmoError:
    return OsmoError(ErrorCode.DATABASE, f"Workflow {name} is not found.")


def install_handlers(app: FastAPI) -> None:
    """Teaches the application its error forms. 404, 405 and 422 are FastAPI's own, as in the real service."""
    app.add_exception_handler(OsmoError, _domain)
    app.add_exception_handler(InternalError, _internal)
    app.add_exception_handler(UnavailableError, _unavailable)
    app.add_exception_handler(ApiError, _unavailable)
    app.add_exception_handler(Exception, _internal)


async def _domain(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, OsmoError):
        raise error
    body = {"message": error.message, "error_code": error.code.value, "workflow_id": error.workflow_id}
    return JSONResponse(body, status_code=error.status)


async def _internal(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"message": f"Internal server error: {error}"}, status_code=500)


async def _unavailable(_request: Request, _error: Exception) -> PlainTextResponse:
    return PlainTextResponse("no healthy upstream", status_code=503)
