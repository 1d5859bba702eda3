"""What every inference provider gives to the stages after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from components.release import fingerprint
from sdg.gates.resource import GateRecord, GateVerdict
from sdg.inference.model import PlannedEndpoint, ProviderName
from sdg.settings.loader import Secrets
from sdg.settings.secrets import SecretName

_PURPOSE: Final = "requests to endpoints"


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
        repair: the command that brings back what vanished from its Helm release; None for what has none.
    """

    endpoints: tuple[Endpoint, ...]
    resources: tuple[pulumi.Resource, ...]
    triggers: Mapping[str, pulumi.Input[str]]
    repair: pulumi.Output[str] | None = None


@dataclass(frozen=True, slots=True)
class InferenceHandle:
    """Verified inference; all of it is empty where a stack serves no models.

    Attributes:
        endpoints: everything that is served.
        record: what was found, green or red.
        ready: the verdict; depend on this.
    """

    endpoints: tuple[Endpoint, ...] = ()
    record: GateRecord | None = None
    ready: GateVerdict | None = None

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """Every endpoint, as the stack's outputs say it; no keys."""
        return [_told(endpoint) for endpoint in self.endpoints]

    @property
    def variables(self) -> dict[str, pulumi.Output[str]]:
        """The URL that a variable of the workload's spec takes, by variable."""
        return {variable: endpoint.url for endpoint in self.endpoints for variable in endpoint.planned.variables}

    @property
    def verdicts(self) -> dict[str, GateVerdict]:
        """Its verdict by the name that the stack's outputs give it."""
        return {"inference": self.ready} if self.ready else {}


def facts(cluster: str, provider: ProviderName, endpoints: Iterable[PlannedEndpoint], gpus: int = 0) -> dict[str, Any]:
    """What every inference component registers for policies.

    Args:
        cluster: its kind.
        gpus: of all pods together.
    """
    return {"cluster": cluster, "provider": provider, "endpoints": [endpoint.name for endpoint in endpoints], "gpus": gpus}


def given_key(secrets: Secrets, name: SecretName | None) -> pulumi.Output[str] | None:
    """The secret that requests to an endpoint carry; None where they carry none.

    Raises:
        pulumi.RunError: nobody gave it; the loader says so first, with where it can be given.
    """
    if name is None:
        return None
    found = {"nvcfApiKey": secrets.nvcf_api_key, "ngcApiKey": secrets.ngc_api_key, "externalApiKey": secrets.external_api_key}.get(name)
    if found is None:
        raise pulumi.RunError(f"sdg:{name} is missing: pulumi config set --secret sdg:{name}")
    return found


def key_triggers(keys: Mapping[str, pulumi.Output[str] | None]) -> dict[str, pulumi.Input[str]]:
    """What makes the gate look again when a key is another one: its fingerprint, by the endpoint's name."""
    return {name: fingerprint(key, {"for": _PURPOSE}) for name, key in keys.items() if key is not None}


def _told(endpoint: Endpoint) -> dict[str, Any]:
    planned = endpoint.planned
    known = {"name": planned.name, "model": planned.model, "capabilities": list(planned.capabilities), "provider": planned.provider}
    return {**known, "url": endpoint.url, "variables": list(planned.variables)}
