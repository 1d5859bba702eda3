"""The routes of ARM's REST, of the identity endpoint and of the public address, on one app."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from rehearsal.azure.errors import ArmError
from rehearsal.azure.offers import Offers
from rehearsal.azure.world import World
from rehearsal.faults import Faults
from rehearsal.services.arm.rest import access, compute, databases, foundry, kubernetes, login, names, subscription
from rehearsal.services.arm.rest.asked import NOT_FOUND, Asked, Json, Page, Route
from rehearsal.services.arm.rest.doors import ECHOES, IDENTITY

ROUTES: tuple[Route, ...] = (
    *subscription.ROUTES,
    *access.ROUTES,
    *compute.ROUTES,
    *kubernetes.ROUTES,
    *databases.ROUTES,
    *names.ROUTES,
    *foundry.ROUTES,
)
PAGE = 25
"""Entries of a list that one answer holds; ARM's own pages differ from list to list."""
ADDRESS = "198.51.100.7"
"""This host's public address: one of those that documentation may use (RFC 5737)."""


class HttpFault(BaseModel):
    """`azure.http`: an error in place of an answer.

    Attributes:
        path: part of the paths that are concerned; all when empty.
        retry_after: seconds that the answer says to wait.
        times: how often; always when unset.
    """

    model_config = ConfigDict(extra="forbid")

    path: str = ""
    status: int = Field(default=HTTPStatus.TOO_MANY_REQUESTS, ge=400, le=599)
    retry_after: int | None = Field(default=None, alias="retryAfter")
    times: int | None = None


class AddressFault(BaseModel):
    """`azure.address`: what the two sources say, or the status with which they fail."""

    model_config = ConfigDict(extra="forbid")

    addresses: list[str] = Field(default_factory=lambda: [ADDRESS])
    status: int | None = None


class Rest:
    """Answers questions.

    Args:
        world: everything that exists.
        faults: the switches.
    """

    def __init__(self, world: World, faults: Faults) -> None:
        self._world, self._faults, self._offers = world, faults, Offers(faults)
        self._lock = threading.Lock()
        self._failed: tuple[Json, int] = ({}, 0)

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Json, authorization: str) -> Json | Page:
        """The answer to one question.

        Raises:
            ArmError: ARM refuses it.
        """
        login.check(authorization, self._faults)
        for route in ROUTES:
            places = route.match(path) if route.method == method else None
            if places is not None:
                route.check(query.get("api-version", ""))
                asked = Asked(places, query, body, self._world, self._offers, self._faults)
                subscription.check(asked)
                return route.handler(asked)
        raise ArmError(NOT_FOUND, "NotFound", f"The simulated Azure has no {method} {path}.")

    def failure(self, path: str) -> HttpFault | None:
        """The error that a switch wants in place of an answer."""
        fields = self._faults.get("azure.http")
        if fields is None:
            return None
        fault = HttpFault.model_validate(fields)
        if fault.path.lower() not in path.lower():
            return None
        with self._lock:
            before, count = self._failed
            count = count + 1 if before == fields else 1
            self._failed = (fields, count)
        return None if fault.times is not None and count > fault.times else fault

    def address(self, source: int) -> str | None:
        """What a source of the public address says; None when it fails."""
        fault = AddressFault.model_validate(self._faults.get("azure.address") or {})
        return None if fault.status else fault.addresses[source % len(fault.addresses)]


def install(app: FastAPI, world: World, faults: Faults) -> None:
    """Adds the routes to an app."""
    rest = Rest(world, faults)
    app.include_router(_identity(faults))
    app.include_router(_echoes(rest))
    app.include_router(_arm(rest))


def _identity(faults: Faults) -> APIRouter:
    router = APIRouter()

    @router.get(IDENTITY)
    def identity(request: Request, x_identity_header: Annotated[str, Header()] = "") -> Response:
        try:
            return JSONResponse(login.granted(request.query_params, x_identity_header, faults))
        except ArmError as error:
            return JSONResponse({"statusCode": error.status, "message": error.message}, error.status)

    return router


def _echoes(rest: Rest) -> APIRouter:
    router = APIRouter()

    def answer(source: int) -> Response:
        address = rest.address(source)
        return (
            Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE) if address is None else Response(f"{address}\n", media_type="text/plain")
        )

    for number, path in enumerate(ECHOES.values()):
        router.add_api_route(path, lambda number=number: answer(number), response_class=Response)
    return router


def _arm(rest: Rest) -> APIRouter:
    router = APIRouter()

    @router.api_route("/subscriptions/{path:path}", methods=["GET", "POST"])
    async def arm(request: Request, authorization: Annotated[str, Header()] = "") -> Response:
        path, query = request.url.path, dict(request.query_params)
        if fault := rest.failure(path):
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            if fault.status == HTTPStatus.FORBIDDEN:
                return _error(access.forbidden(access.action_of(request.method, path)), headers)
            return _error(
                ArmError(fault.status, HTTPStatus(fault.status).phrase.replace(" ", ""), "A switch of the rehearsal says so."), headers
            )
        try:
            # the world's lock may be held by an operation: the other services of the process must not wait for it
            answer = await run_in_threadpool(rest.answer, request.method, path, query, _body(await request.body()), authorization)
        except ArmError as error:
            return _error(error, {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else {})
        return JSONResponse(_page(answer, request) if isinstance(answer, Page) else answer)

    return router


def _body(content: bytes) -> Json:
    try:
        body = json.loads(content or b"{}")
    except ValueError:
        body = {}
    return body if isinstance(body, dict) else {}


def _error(error: ArmError, headers: Mapping[str, str]) -> Response:
    return JSONResponse(error.body(), error.status, headers=dict(headers))


def _page(values: Page, request: Request) -> dict[str, Any]:
    """A part of a list, and where it goes on."""
    start = int(request.query_params.get("$skiptoken", "0"))
    answer: dict[str, Any] = {"value": values[start : start + PAGE]}
    if start + PAGE < len(values):
        answer["nextLink"] = str(request.url.include_query_params(**{"$skiptoken": str(start + PAGE)}))
    return answer
