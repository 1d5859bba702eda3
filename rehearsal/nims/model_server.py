"""The HTTP API of a NIM that is ready: OpenAI's where its image has it, NVIDIA's own for images and videos, and health.

What an image doesn't have answers 404, as it does there: an image editor is no stand-in for one that chats.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from rehearsal.api import Object
from rehearsal.nims import pods
from rehearsal.nims.images import Image, hub_model
from rehearsal.nims.starts import model
from rehearsal.services.openai import CREATED, PIXEL, Model, Refused, chat, listed

BODY_VARIABLE: Final = "NIM_PROXY_CLIENT_MAX_BODY_SIZE"
BODY_DEFAULT: Final = "1M"  # nginx'
BAD_REQUEST, NOT_FOUND, TOO_LARGE = 400, 404, 413


@dataclass(frozen=True, slots=True)
class Serving:
    """What one pod serves.

    Attributes:
        image: what its image can do.
        model: what it serves.
        limit: bytes that a request's body may have; infinite where nothing limits it.
    """

    image: Image
    model: Model
    limit: float


def serving(pod: Object, does: Image) -> Serving:
    """What a pod's program serves, as its variables and its arguments say."""
    given = pods.variables(pods.container(pod))
    wanted = model(pod, does)
    known = hub_model(wanted.name) if wanted and wanted.name else None
    name = given.get("NIM_SERVED_MODEL_NAME") or does.served or (wanted.name if wanted else "")
    limit = pods.quantity(given.get(BODY_VARIABLE) or BODY_DEFAULT) if does.source == "model" else float("inf")
    return Serving(does, Model(name, sees=does.sees or bool(known and known.sees), draws=does.draws), limit)


def create_app(served: Serving) -> FastAPI:
    """The app of one pod."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def _bounded(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        if int(request.headers.get("content-length") or 0) > served.limit:
            return Response("<html><head><title>413 Request Entity Too Large</title></head></html>", TOO_LARGE, media_type="text/html")
        return await answer(request)

    @app.exception_handler(Refused)
    async def _refused(_request: Request, error: Refused) -> JSONResponse:
        return JSONResponse(error.body, error.status)

    for path, read in _readable(served).items():
        app.add_api_route(path, read, methods=["GET"])
    for path, post in _postable(served).items():
        app.add_api_route(path, post, methods=["POST"])
    return app


def _readable(served: Serving) -> Mapping[str, Callable[[], dict[str, Any]]]:
    does = served.image
    paths: dict[str, Callable[[], dict[str, Any]]] = dict.fromkeys(does.health, _healthy)
    if does.source != "arguments":
        paths["/v1/metadata"] = lambda: _metadata(served)
    if does.lists:
        paths["/v1/models"] = lambda: listed({served.model.name: served.model})
    return paths


def _postable(served: Serving) -> Mapping[str, Callable[[Request], Awaitable[Any]]]:
    does, models = served.image, {served.model.name: served.model}
    paths: dict[str, Callable[[Request], Awaitable[Any]]] = {}
    if does.chat:
        paths["/v1/chat/completions"] = _answering(lambda body: chat(body, models))
    if does.edits:
        paths["/v1/images/edits"] = _answering(_edited, served.model.name)
    if does.edits or does.infers:
        paths["/v1/infer"] = _answering(_edited if does.edits else _inferred)
    return paths


def _healthy() -> dict[str, Any]:
    return {"object": "health.response", "message": "Service is ready."}


def _answering(answer: Callable[[object], dict[str, Any]], only: str = "") -> Callable[[Request], Awaitable[Any]]:
    """A route that reads the request's body.

    Args:
        only: the one model that a body may name.
    """

    async def _answer(request: Request) -> dict[str, Any]:
        body = await _body(request)
        if only and isinstance(body, dict) and body.get("model", only) != only:
            raise Refused(NOT_FOUND, "NotFoundError", f"The model `{body['model']}` does not exist.")
        return answer(body)

    return _answer


async def _body(request: Request) -> object:
    """The body: JSON, or the fields of a form, with the names of its files."""
    kind = request.headers.get("content-type", "")
    content = await request.body()
    if kind.startswith("multipart/form-data"):
        return _fields(content, kind)
    try:
        return json.loads(content)
    except ValueError:
        raise Refused(BAD_REQUEST, "BadRequestError", "the body is no JSON") from None


def _fields(content: bytes, kind: str) -> dict[str, str]:
    boundary = kind.partition("boundary=")[2].strip('"').encode()
    if not boundary:
        raise Refused(BAD_REQUEST, "BadRequestError", "the form has no boundary")
    fields: dict[str, str] = {}
    for part in content.split(b"--" + boundary):
        head, _, value = part.partition(b"\r\n\r\n")
        _, named, rest = head.partition(b'name="')
        if named:
            name = rest.partition(b'"')[0].decode(errors="replace").removesuffix("[]")
            fields[name] = "file" if b"filename=" in head else value.strip(b"\r\n").decode(errors="replace")
    return fields


def _edited(body: object) -> dict[str, Any]:
    if not isinstance(body, dict) or not body.get("prompt") or not body.get("image"):
        raise Refused(BAD_REQUEST, "BadRequestError", "a prompt and an image are required")
    artifact = {"base64": PIXEL, "finishReason": "SUCCESS", "seed": 0}
    return {"created": CREATED, "data": [{"b64_json": PIXEL}], "artifacts": [artifact]}


def _inferred(body: object) -> dict[str, Any]:
    if not isinstance(body, dict) or not body:
        raise Refused(BAD_REQUEST, "BadRequestError", "the inputs of the model are required")
    return {"b64_video": "AAAAIGZ0eXBpc29t", "seed": 0}


def _metadata(served: Serving) -> dict[str, Any]:
    return {"version": "1.0.0", "modelInfo": [{"shortName": f"{served.model.name}:rehearsal", "modelUrl": ""}]}
