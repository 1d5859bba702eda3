"""NVIDIA's keys as its services look at them. Fault `ngc.key` `{"state": "expired" | "other-organisation"}` spoils whichever is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, Protocol

from pydantic import BaseModel

# what personal keys of the older kind lack, and they work nowhere here
PREFIX: Final = "nvapi-"
UNAUTHORIZED, FORBIDDEN = 401, 403


class Faults(Protocol):
    """Where the fault switches are read."""

    def get(self, name: str) -> Mapping[str, object] | None: ...


class KeyFault(BaseModel):
    """Body of the switch `ngc.key`."""

    state: Literal["expired", "other-organisation"] = "expired"


def refusal(key: str, faults: Faults) -> int | None:
    """The status with which a key is refused; None when it opens what is asked for."""
    if not key.startswith(PREFIX):
        return UNAUTHORIZED
    body = faults.get("ngc.key")
    if body is None:
        return None
    return UNAUTHORIZED if KeyFault.model_validate(body).state == "expired" else FORBIDDEN


def bearer(header: str | None) -> str:
    """The token of an `Authorization` header; empty without one."""
    kind, _, token = (header or "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
