"""The door of the rehearsal's azure-native plugin: one route per call of the engine. ARM itself has no such routes."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from rehearsal.azure.account import SUBSCRIPTION
from rehearsal.azure.errors import ArmError
from rehearsal.azure.kinds import UnknownKind
from rehearsal.azure.provider import Naming, Provider, ProviderFailure, Settings
from rehearsal.azure.world import Resource, World

Fields = dict[str, Any]
PREFIX = "/rehearsal"


class Asked(BaseModel):
    """What the plugin sends; which fields matter depends on the call.

    Attributes:
        token: type or function, as the SDK names it.
        inputs: of the resource, or the function's arguments.
        olds: its inputs so far.
        state: its outputs so far.
    """

    token: str
    id: str = ""
    inputs: Fields = Field(default_factory=dict)
    olds: Fields = Field(default_factory=dict)
    state: Fields = Field(default_factory=dict)
    naming: Fields = Field(default_factory=dict)
    subscription: str = SUBSCRIPTION
    location: str = ""

    @property
    def settings(self) -> Settings:
        """The provider's."""
        return Settings(self.subscription, self.location)


def router(world: World) -> APIRouter:
    """The routes: `POST /rehearsal/{call}`, and `GET /rehearsal/resources`, which lists what there is."""
    routes, calls = APIRouter(prefix=PREFIX), _Calls(world)

    @routes.get("/resources")
    def resources() -> list[Fields]:
        return [{"id": one.id, "type": one.type, "name": one.name, "state": one.state} for one in world.resources()]

    for name in ("check", "diff", "preview", "create", "update", "left", "read", "delete", "invoke"):
        routes.add_api_route(f"/{name}", _answering(getattr(calls, name)), methods=["POST"], response_class=JSONResponse)
    return routes


def _answering(call: Callable[[Asked], Fields]) -> Callable[[Asked], JSONResponse]:
    def answer(asked: Asked) -> JSONResponse:
        try:
            return JSONResponse(call(asked))
        except ArmError as error:
            return JSONResponse({**error.body(), "accepted": error.accepted}, HTTPStatus.CONFLICT)
        except (ProviderFailure, UnknownKind) as error:
            return JSONResponse({"message": str(error)}, HTTPStatus.CONFLICT)

    return answer


class _Calls:
    def __init__(self, world: World) -> None:
        self._provider = Provider(world)

    def check(self, asked: Asked) -> Fields:
        naming = Naming(**asked.naming)
        inputs, failures = self._provider.check(asked.token, asked.inputs, asked.olds, naming, asked.settings)
        return {"inputs": inputs, "failures": failures}

    def diff(self, asked: Asked) -> Fields:
        found = self._provider.diff(asked.token, asked.olds, asked.inputs)
        return {"changes": [{"path": one.path, "how": one.how, "replaces": one.replaces} for one in found]}

    def preview(self, asked: Asked) -> Fields:
        return {"state": self._provider.preview(asked.token, asked.inputs, asked.state)}

    def create(self, asked: Asked) -> Fields:
        return _shown(self._provider.create(asked.token, asked.inputs, asked.settings))

    def update(self, asked: Asked) -> Fields:
        return _shown(self._provider.update(asked.token, asked.id, asked.inputs))

    def left(self, asked: Asked) -> Fields:
        return _shown(self._provider.left(asked.token, asked.inputs, asked.settings))

    def read(self, asked: Asked) -> Fields:
        found = self._provider.existing(asked.token, asked.id)
        if found is None:
            return {}
        return {**_shown(found), "inputs": self._provider.refreshed(asked.token, found, asked.state, asked.olds)}

    def delete(self, asked: Asked) -> Fields:
        self._provider.delete(asked.token, asked.id)
        return {}

    def invoke(self, asked: Asked) -> Fields:
        return {"result": dict(self._provider.invoke(asked.token, asked.inputs, asked.settings))}


def _shown(resource: Resource) -> Fields:
    return {"id": resource.id, "state": dict(resource.outputs)}
