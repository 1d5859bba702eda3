"""How a rehearsed stack finds this service: through the settings of a mirror and the variables of App Service, and through nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from rehearsal.azure.account import SUBSCRIPTION, TENANT
from rehearsal.services.arm.rest.login import HEADER

IDENTITY = "/identity/token"
ECHOES: Mapping[str, str] = {"https://checkip.amazonaws.com": "/echo/first", "https://api.ipify.org": "/echo/second"}
"""Who is asked for a public address, to the paths that answer here."""


def apis(url: str) -> dict[str, str]:
    """What belongs into `sdg:mirror.apis`.

    Args:
        url: of this service.
    """
    return {"https://management.azure.com": url, **{source: url + path for source, path in ECHOES.items()}}


def environment(url: str) -> dict[str, str]:
    """Variables of a host that is logged in here."""
    identity = {"ARM_USE_MSI": "true", "IDENTITY_ENDPOINT": url + IDENTITY, "IDENTITY_HEADER": HEADER}
    return {**identity, "ARM_SUBSCRIPTION_ID": SUBSCRIPTION, "ARM_TENANT_ID": TENANT}
