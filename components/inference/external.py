"""Endpoints that somebody else runs: nothing is made."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.inference.base import Endpoint, Served, facts, given_key, key_triggers
from sdg.inference.address import address_of
from sdg.inference.model import PlannedEndpoint
from sdg.settings.inference import External as ExternalSettings
from sdg.settings.loader import Secrets
from sdg.settings.mirror import Mirror


class External(pulumi.ComponentResource):
    """Endpoints that speak OpenAI's API, wherever they are.

    Attributes:
        served: the endpoints.
    """

    def __init__(
        self,
        name: str,
        settings: ExternalSettings,
        planned: Sequence[PlannedEndpoint],
        *,
        cluster: str,
        given: Secrets,
        mirror: Mirror,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sdg:inference:External", name, facts(cluster, "external", planned), opts)
        keys = {each.name: given_key(given, each.key) for each in planned}
        urls = {each.name: settings.endpoints[each.name].url.rstrip("/") for each in planned}
        self.served = Served(
            endpoints=tuple(
                Endpoint(each, pulumi.Output.from_input(url), keys[each.name], {"address": address_of(url, mirror.api)})
                for each, url in ((each, urls[each.name]) for each in planned)
            ),
            resources=(),
            triggers=key_triggers(keys),
        )
        self.register_outputs({})
