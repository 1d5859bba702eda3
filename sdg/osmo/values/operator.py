"""Values of chart `backend-operator`."""

from __future__ import annotations

import copy
from typing import Final

from sdg.osmo import layout
from sdg.osmo.values.base import GATEWAY_URL, Images, Values, global_values, rolled_by
from sdg.settings.osmo import Osmo

# the chart's defaults (1 CPU and 1-2 GiB each) don't fit beside the service on one workstation
RESOURCES: Final[Values] = {
    "requests": {"cpu": "125m", "memory": "128Mi"},
    "limits": {"cpu": "250m", "memory": "256Mi"},
}


def operator_values(settings: Osmo, *, images: Images, token_fingerprint: object) -> Values:
    """Values of chart `backend-operator`: it reaches the API through the gateway, with the token of its Secret.

    Args:
        token_fingerprint: any text that changes with the token.
    """
    return {
        "global": {
            **global_values(settings, images),
            "serviceUrl": GATEWAY_URL,
            "agentNamespace": layout.OPERATOR_NAMESPACE,
            "backendNamespace": layout.WORKFLOWS_NAMESPACE,
            "backendName": layout.BACKEND,
            "loginMethod": "token",
            "accountTokenSecret": layout.OPERATOR_TOKEN_SECRET,
        },
        "services": {
            name: {"resources": copy.deepcopy(RESOURCES), **rolled_by(token_fingerprint)} for name in ("backendListener", "backendWorker")
        },
        "podMonitor": {"enabled": False},  # its objects need a definition that not every cluster has
    }
