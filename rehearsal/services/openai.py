"""OpenAI's API as servers of models speak it: the list of models and chat completions, for stand-ins that serve some.

Shapes of answers and errors are those of vLLM's OpenAI-compatible server.
"""

from __future__ import annotations

import binascii
import time
import uuid
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
BAD_REQUEST, NOT_FOUND = 400, 404
CREATED = 1_750_000_000  # of every model: a constant, so that lists say the same on every machine


@dataclass(frozen=True, slots=True)
class Model:
    """A served model.

    Attributes:
        name: that requests say.
        sees: whether it takes images.
        draws: whether it answers with an image.
    """

    name: str
    sees: bool = False
    draws: bool = False


class Refused(Exception):
    """A request that gets an error; the body says why."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"error": {"message": message, "type": kind, "param": None, "code": status}}


# one white pixel
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg=="


def listed(models: Mapping[str, Model]) -> Json:
    """The answer to `GET /v1/models`."""
    return {"object": "list", "data": [{"id": name, "object": "model", "created": CREATED, "owned_by": "vllm"} for name in models]}


def chat(body: object, models: Mapping[str, Model]) -> Json:
    """The answer to `POST /v1/chat/completions`.

    Raises:
        Refused: it is no such request, or asks for what is not served.
    """
    if not isinstance(body, dict):
        raise Refused(BAD_REQUEST, "BadRequestError", "the body must be a JSON object")
    model, messages = models.get(str(body.get("model"))), body.get("messages")
    if "model" not in body or not isinstance(messages, list) or not messages:
        raise Refused(BAD_REQUEST, "BadRequestError", "a model and at least one message are required")
    if model is None:
        raise Refused(NOT_FOUND, "NotFoundError", f"The model `{body['model']}` does not exist.")
    images = [part for message in messages for part in _images(message)]
    if images and not (model.sees or model.draws):
        raise Refused(
            BAD_REQUEST, "BadRequestError", f"At most 0 image(s) may be provided in one prompt; {model.name} is no multimodal model."
        )
    if model.draws and not images:
        raise Refused(BAD_REQUEST, "BadRequestError", f"{model.name} edits images, and the prompt has none.")
    limit = body.get("max_tokens", 16)
    if not isinstance(limit, int) or limit < 1:
        raise Refused(BAD_REQUEST, "BadRequestError", f"max_tokens must be at least 1, got {limit}.")
    return _completion(model)


def _images(message: object) -> list[bytes]:
    """The images of a message, which must be data URLs: a stand-in fetches nothing."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return []
    if not isinstance(content, list):
        raise Refused(BAD_REQUEST, "BadRequestError", "each message has a role and a content")
    urls = [part.get("image_url", {}).get("url", "") for part in content if isinstance(part, dict) and part.get("type") == "image_url"]
    return [_decoded(str(url)) for url in urls]


def _decoded(url: str) -> bytes:
    head, comma, data = url.partition(",")
    try:
        if comma and head.startswith("data:image/") and head.endswith(";base64"):
            return b64decode(data, validate=True)
    except binascii.Error:
        pass
    raise Refused(BAD_REQUEST, "BadRequestError", "Invalid image URL: it must be a data URL of an image in base64.")


def _completion(model: Model) -> Json:
    image = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}]
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model.name,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": image if model.draws else "Hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 8, "completion_tokens": 1, "total_tokens": 9},
    }
