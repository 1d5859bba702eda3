"""What OSMO hands to the stages that use it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True)
class OsmoHandle:
    """A verified OSMO.

    Attributes:
        url: address of the API and the UI inside the cluster.
        version: version that the API answered with, e.g. "6.3.1".
        triggers: what has a gate behind OSMO look again when it changes; plain text only.
        ready: the verdict of OSMO's gate; depend on this.
    """

    url: str
    version: str
    triggers: dict[str, pulumi.Input[str]]
    ready: pulumi.Resource
