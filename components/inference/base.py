"""What every inference provider gives to the stages after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from sdg.inference.model import PlannedEndpoint


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that a provider serves, or is about to: the gate behind all of them says when.

    Attributes:
        planned: its name, provider, model, capabilities and which of the workload's variables take its URL.
        url: base URL as clients in the cluster take it.
        key: value of the secret that requests carry; None for none. Secret.
        probe: how the gate looks at it, beside what is planned; plain data, see `sdg.gates.inference`.
    """

    planned: PlannedEndpoint
    url: pulumi.Output[str]
    key: pulumi.Output[str] | None
    probe: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Served:
    """What one provider made.

    Attributes:
        endpoints: those that it serves.
        resources: what has to be there before the gate looks.
        triggers: what makes the gate look again: a fingerprint of every spec and key, by name.
    """

    endpoints: tuple[Endpoint, ...]
    resources: tuple[pulumi.Resource, ...]
    triggers: Mapping[str, pulumi.Input[str]]
