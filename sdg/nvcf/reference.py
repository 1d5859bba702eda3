"""How a function is referred to: by its id, by one of its versions, or by a URL that answers for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

API: Final = "https://api.nvcf.nvidia.com"
"""Where functions are listed; asked through `Mirror.api`."""
INVOCATION_DOMAIN: Final = "invocation.api.nvcf.nvidia.com"
"""Each function answers at a host of its own below it, with the paths of the program that it runs (NVIDIA, HTTP invocation)."""

_API_HOST: Final = urlsplit(API).netloc
_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IDS: Final = re.compile(rf"({_UUID})(?:/({_UUID}))?")
# `/v2/nvcf/pexec/functions/ID/versions/VERSION` and other paths of the API, one of which NVIDIA's guide spells `nvc`
_IN_PATH: Final = re.compile(rf"/functions/({_UUID})(?:/versions/({_UUID}))?(?:/|$)")


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """A function, as a stack names it.

    Attributes:
        function: its id, in lower case; None for a URL that doesn't tell.
        version: the one that must be active; None for any.
        base_url: where clients of OpenAI's API ask it. A version cannot be part of that: where a function has several active ones, NVIDIA
            may give a request to any of them.
    """

    function: str | None
    version: str | None
    base_url: str

    @classmethod
    def of(cls, text: str) -> FunctionReference:
        """Reads `id`, `id/version-id`, or a URL.

        Raises:
            ValueError: it is none of them.
        """
        if found := _IDS.fullmatch(text.lower()):
            return cls(found[1], found[2], invocation_url(found[1]))
        parts = urlsplit(text)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError(f"{text!r} is neither a function's id, with a version of it after a slash if need be, nor an https URL")
        host, path = parts.hostname, parts.path.rstrip("/")
        if host == _API_HOST:
            if in_path := _IN_PATH.search(path.lower()):
                return cls(in_path[1], in_path[2], invocation_url(in_path[1]))
            raise ValueError(f"{text!r} names no function: its path has no functions/<id>")
        own = host.removesuffix(f".{INVOCATION_DOMAIN}")
        base = text.rstrip("/") if path else f"https://{parts.netloc}/v1"
        return cls(own if _IDS.fullmatch(own) else None, None, base)


def invocation_url(function: str) -> str:
    """Base URL of a function for clients of OpenAI's API."""
    return f"https://{function}.{INVOCATION_DOMAIN}/v1"
