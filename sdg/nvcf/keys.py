"""Which keys NVIDIA Cloud Functions take. A key's kind shows in its form; whose it is, only in an answer."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final, Literal

from sdg.catalog.key_shapes import key_shape

KeyKind = Literal["current", "legacy", "foreign", "unknown"]

_CURRENT: Final = "nvapi-"  # service keys of an organisation and personal keys alike
_NVIDIA_SHAPE: Final = "NVIDIA API key"
# a legacy key is base64 of 26 or more characters, a colon and a UUID
_LEGACY: Final = re.compile(rb"[^:]+:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MAKE: Final = (
    "make a service key of the organisation that the functions are deployed to at https://org.ngc.nvidia.com/service-keys, "
    "with the scopes Invoke Function and List Functions of Cloud Functions (and NGC Catalog, where the same key pulls images)"
)


def kind_of(key: str) -> KeyKind:
    """What kind of key this is: `current`, `legacy` of NGC's first form, `foreign` of another service, or `unknown`."""
    if key.startswith(_CURRENT):
        return "current"
    if _is_legacy(key):
        return "legacy"
    shape = key_shape(key)
    return "foreign" if shape and shape != _NVIDIA_SHAPE else "unknown"


def problem(key: str, name: str = "sdg:nvcfApiKey (or NVCF_API_KEY, else NGC_API_KEY)") -> str | None:
    """Why NVIDIA Cloud Functions would refuse a key, without showing it; None where its form says nothing against it.

    Args:
        name: where the key comes from.
    """
    match kind_of(key):
        case "legacy":
            return f"{name} is a legacy API key of NGC, which Cloud Functions answer with 401; {_MAKE}."
        case "foreign":
            return f"{name} has the form of another service's credential ({key_shape(key)}); {_MAKE}."
        case _:
            return None


def _is_legacy(key: str) -> bool:
    try:
        return bool(_LEGACY.fullmatch(base64.b64decode(key, validate=True)))
    except (binascii.Error, ValueError):
        return False
