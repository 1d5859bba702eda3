"""NVIDIA's keys as its services look at them. Fault `ngc.key` `{"state": "expired" | "other-organisation"}` spoils whichever is shown."""

from __future__ import annotations

from typing import Final

from rehearsal.switches import NgcKey, Switches, read

# what personal keys of the older kind lack, and they work nowhere here
PREFIX: Final = "nvapi-"
UNAUTHORIZED, FORBIDDEN = 401, 403


def refusal(key: str, faults: Switches) -> int | None:
    """The status with which a key is refused; None when it opens what is asked for."""
    if not key.startswith(PREFIX):
        return UNAUTHORIZED
    fault = read(faults, "ngc.key", NgcKey)
    if fault is None:
        return None
    return UNAUTHORIZED if fault.state == "expired" else FORBIDDEN


def bearer(header: str | None) -> str:
    """The token of an `Authorization` header; empty without one."""
    kind, _, token = (header or "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
