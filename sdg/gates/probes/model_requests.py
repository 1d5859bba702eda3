"""One small request to a model, of the kind that workflows will send, and whether the answer is one."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping
from typing import Any, Final

from sdg.gates.probes.web import Answer, Form
from sdg.inference.model import RequestKind

SECONDS: Final[Mapping[RequestKind, float]] = {"chat": 120.0, "vlm": 180.0, "image-edit": 600.0, "none": 0.0}
"""Until an answer must have come: a model's first one may compile what the others use."""

LIMIT: Final = 32 << 20  # bytes: an answer may hold an image in base64
_SIDE: Final = 64  # pixels; vision models refuse images that are smaller than one of their patches
_WORDS: Final = 8  # tokens of an answer
_EDITS: Final = "/images/edits"  # the end of the path of OpenAI's API for images, which takes a form
_EDIT: Final = "Make it blue."


def body(kind: RequestKind, model: str, path: str) -> dict[str, Any] | Form:
    """What is sent to `path`."""
    if path.endswith(_EDITS):
        return Form({"model": model, "prompt": _EDIT}, {"image": ("square.png", red_square(), "image/png")})
    if kind == "chat":
        return {"model": model, "messages": [_message("Say hello in one word.")], "max_tokens": _WORDS}
    image = {"type": "image_url", "image_url": {"url": _data_url()}}
    if kind == "vlm":
        text = {"type": "text", "text": "Name this colour in one word."}
        return {"model": model, "messages": [_message([text, image])], "max_tokens": _WORDS}
    text = {"type": "text", "text": _EDIT}
    cheap = {"num_inference_steps": 1, "height": 256, "width": 256, "seed": 1}
    return {"model": model, "messages": [_message([text, image])], "extra_body": cheap}


def lacking(answer: Answer, path: str) -> str:
    """What an answer with status 200 lacks to be one; empty when nothing."""
    if not answer.whole:
        return f"more than {LIMIT >> 20} MiB"
    found = answer.json()
    if not isinstance(found, Mapping):
        return "no JSON object"
    if path.endswith(_EDITS):
        return "" if found.get("data") else "no image"
    choices = found.get("choices")
    if not (isinstance(choices, list) and choices and isinstance(choices[0], Mapping)):
        return "no choices"
    # a reasoning model may spend the few tokens before it says anything: then its message is there, and empty
    return "" if isinstance(choices[0].get("message"), Mapping) or "text" in choices[0] else "a choice without a message"


def _message(content: object) -> dict[str, object]:
    return {"role": "user", "content": content}


def _data_url() -> str:
    return f"data:image/png;base64,{base64.b64encode(red_square()).decode()}"


def red_square() -> bytes:
    """A PNG of one colour, 8 bits of each red, green and blue."""
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    rows = (b"\x00" + b"\xff\x00\x00" * _SIDE) * _SIDE
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
