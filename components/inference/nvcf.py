"""NVIDIA Cloud Functions that run already: nothing is made, in the cluster or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pulumi

from components.inference.base import Endpoint, Served, facts, given_key, key_triggers
from sdg.inference.address import address_of
from sdg.inference.model import PlannedEndpoint
from sdg.nvcf.reference import API, FunctionReference
from sdg.settings.inference import Nvcf as NvcfSettings
from sdg.settings.loader import Secrets
from sdg.settings.mirror import Mirror


class Nvcf(pulumi.ComponentResource):
    """Functions of an organisation. A key of another kind, or another key, is another question to the gate.

    Attributes:
        served: the endpoints.
    """

    def __init__(
        self,
        name: str,
        settings: NvcfSettings,
        planned: Sequence[PlannedEndpoint],
        *,
        cluster: str,
        given: Secrets,
        mirror: Mirror,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sdg:inference:Nvcf", name, facts(cluster, "nvcf", planned), opts)
        keys = {each.name: given_key(given, each.key) for each in planned}
        self.served = Served(
            endpoints=tuple(_endpoint(each, settings, keys[each.name], mirror) for each in planned),
            resources=(),
            triggers=key_triggers(keys),
        )
        self.register_outputs({})


def _endpoint(planned: PlannedEndpoint, settings: NvcfSettings, key: pulumi.Output[str] | None, mirror: Mirror) -> Endpoint:
    reference = FunctionReference.of(settings.functions[planned.name])
    base = reference.base_url
    probe: dict[str, Any] = {"address": address_of(base, mirror.api), "ready": f"{urlsplit(base).path}/models"}
    if reference.function:
        probe["function"] = {"api": mirror.api(API), "id": reference.function, "version": reference.version or ""}
    if planned.request == "none":  # what takes no requests of OpenAI's API has no list of models either
        probe |= {"ready": "", "expect": {"models": False}}
    return Endpoint(planned, pulumi.Output.from_input(base), key, probe)
