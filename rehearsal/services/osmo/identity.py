"""Who calls: the identity headers, as the gateway of a minimal installation passes them on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller.

    Attributes:
        pools: what the caller may use; the default filter of resources.
    """

    user: str = "admin"
    roles: tuple[str, ...] = ("osmo-admin",)
    pools: tuple[str, ...] = ("default",)

    @property
    def is_admin(self) -> bool:
        return "osmo-admin" in self.roles


GATEWAY = Identity()
"""`gateway.envoy.defaultIdentity` of the minimal values: added only where the client sends no header of its own."""


def _identity(request: Request) -> Identity:
    headers, default = request.headers, GATEWAY
    return Identity(
        user=headers.get("x-osmo-user") or default.user,
        roles=_list(headers.get("x-osmo-roles"), default.roles),
        pools=_list(headers.get("x-osmo-allowed-pools"), default.pools),
    )


def _list(header: str | None, default: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for part in header.split(",") if part.strip()) if header is not None else default


IdentityDep = Annotated[Identity, Depends(_identity)]
