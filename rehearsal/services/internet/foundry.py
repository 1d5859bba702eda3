"""Models of Azure AI Foundry, as whoever has a key reaches them: deployments of an account, and serverless endpoints.

Both exist in the simulated Azure, or answer nothing here. Fault `foundry.http {"status": 429}`.
"""

from __future__ import annotations

import hmac
from typing import Annotated, Any, Final

from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse

from rehearsal.azure.services.models import ACCOUNT, DEPLOYMENT, ENDPOINT
from rehearsal.azure.world import SUCCEEDED, Resource, World
from rehearsal.services import openai
from rehearsal.services.internet.keys import UNAUTHORIZED, bearer
from rehearsal.switches import Busy, read

NOT_FOUND = 404
SEES: Final = ("multimodal", "vision", "gpt-4o")
_NO_ACCESS: Final = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and "
    "use a correct regional API endpoint for your resource."
)
_NO_DEPLOYMENT: Final = (
    "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment "
    "and try again."
)


def create_accounts(world: World) -> FastAPI:
    """What answers at `<subdomain>.services.ai.azure.com`, below the sub domain."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/{subdomain}/openai/v1/models")
    def _models(subdomain: str, request: Request) -> JSONResponse:
        account = _account(world, subdomain)
        return _refused(world, account, _shown(request)) or JSONResponse(openai.listed(_offered(world, account)))

    @app.post("/{subdomain}/openai/v1/chat/completions")
    async def _chat(subdomain: str, request: Request) -> JSONResponse:
        account = _account(world, subdomain)
        return _refused(world, account, _shown(request)) or await _answer(request, _deployed(world, account))

    return app


def create_serverless(world: World) -> FastAPI:
    """What answers at `<endpoint>.<region>.models.ai.azure.com`, below the endpoint's name."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/{name}/chat/completions")
    @app.post("/{name}/v1/chat/completions")
    async def _chat(name: str, request: Request, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        found = next((one for one in world.resources(ENDPOINT) if one.name == name and one.state == SUCCEEDED), None)
        refused = _refused(world, found, bearer(authorization))
        # whatever model a request names, it is this endpoint's
        return refused or await _answer(request, {}, always=found)

    @app.get("/{name}/info")
    def _info(name: str, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        found = next((one for one in world.resources(ENDPOINT) if one.name == name), None)
        said = {"model_name": _model(found), "model_type": "chat-completion", "model_provider_name": ""}
        return _refused(world, found, bearer(authorization)) or JSONResponse(said)

    return app


def _account(world: World, subdomain: str) -> Resource | None:
    return next((one for one in world.resources(ACCOUNT) if _properties(one).get("customSubDomainName") == subdomain), None)


def _offered(world: World, account: Resource | None) -> dict[str, openai.Model]:
    """What an account lists: not its deployments, but what could be deployed in its region."""
    found = world.offers.models(str(account.outputs.get("location", ""))) if account else []
    return {name: openai.Model(name) for name in (f"{model.name}-{model.version}" for model in found)}


def _deployed(world: World, account: Resource | None) -> dict[str, openai.Model]:
    below = f"{account.id}/".lower() if account else ""
    found = [one for one in world.resources(DEPLOYMENT) if below and one.id.lower().startswith(below) and one.state == SUCCEEDED]
    return {one.name: openai.Model(one.name, sees=_sees(str(_properties(one).get("model", {}).get("name", "")))) for one in found}


def _model(endpoint: Resource | None) -> str:
    settings: dict[str, Any] = _properties(endpoint).get("modelSettings") or {} if endpoint else {}
    return str(settings.get("modelId", "")).rpartition("/")[2]


def _sees(model: str) -> bool:
    return any(word in model.lower() for word in SEES)


def _properties(resource: Resource) -> dict[str, Any]:
    return dict(resource.inputs.get("properties") or {})


def _shown(request: Request) -> str:
    return request.headers.get("api-key") or bearer(request.headers.get("authorization"))


def _refused(world: World, resource: Resource | None, key: str) -> JSONResponse | None:
    fault = read(world.faults, "foundry.http", Busy)
    if fault is not None:
        return _error(fault.status, "Refused", "fault injected into Foundry's stand-in")
    known = [str(value) for value in resource.secrets.values()] if resource else []
    if resource is None or not any(hmac.compare_digest(value, key) for value in known):
        return _error(UNAUTHORIZED, str(UNAUTHORIZED), _NO_ACCESS)
    return None


async def _answer(request: Request, models: dict[str, openai.Model], always: Resource | None = None) -> JSONResponse:
    try:
        body = await request.json()
        if always is not None and isinstance(body, dict):
            model = _model(always)
            body, models = {**body, "model": model}, {model: openai.Model(model, sees=_sees(model))}
        return JSONResponse(openai.chat(body, models))
    except ValueError:
        return _error(openai.BAD_REQUEST, "BadRequest", "The body is no JSON.")
    except openai.Refused as refused:
        if refused.status == NOT_FOUND:
            return _error(NOT_FOUND, "DeploymentNotFound", _NO_DEPLOYMENT)
        return JSONResponse(refused.body, refused.status)


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status)
