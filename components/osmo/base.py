"""What OSMO hands to the stages that use it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from sdg.gates.resource import GateVerdict


@dataclass(frozen=True, slots=True)
class OsmoHandle:
    """A verified OSMO.

    Attributes:
        url: address of the API and the UI inside the cluster.
        version: version that the API answered with, e.g. "6.3.1".
        triggers: what has a gate behind OSMO look again when it changes; plain text only.
        releases: its Helm releases; a release that is installed anew has the same revision as before, so a gate behind OSMO is replaced
            with them.
        service_ready: the verdict on its control plane alone.
        ready: the verdict of OSMO's gate; depend on this.
    """

    url: str
    version: str
    triggers: dict[str, pulumi.Input[str]]
    releases: tuple[pulumi.Resource, ...]
    service_ready: GateVerdict
    ready: GateVerdict
