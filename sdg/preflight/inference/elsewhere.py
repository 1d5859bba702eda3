"""Does an endpoint that somebody else runs answer? From this host; the cluster may reach more, or less."""

from __future__ import annotations

from collections.abc import Callable

from sdg.inference.model import PlannedEndpoint
from sdg.preflight.inference.asking import Bearer, ask, may_carry
from sdg.preflight.model import Finding


def findings(endpoint: PlannedEndpoint, key: str | None, api: Callable[[str], str]) -> list[Finding]:
    """That it does not answer, or refuses the key; any other answer will do.

    Args:
        key: that requests to it carry; None for none.
        api: where a web API is asked, see `Mirror.api`.
    """
    asked = f"{(endpoint.url or '').rstrip('/')}/models"
    url = api(asked)
    reply = ask(url, Bearer(key) if key and may_carry(url) else None)
    if reply.passing:
        seen = f"The endpoint {endpoint.name} does not answer this host at {asked} ({reply.seen})."
        return [Finding.of("endpoint-elsewhere", seen)]
    if key and may_carry(url) and reply.status in {401, 403}:
        seen = (
            f"The endpoint {endpoint.name} refuses the key that sdg:inference names for it ({endpoint.key}): {asked} answered {reply.seen}."
        )
        return [Finding("endpoint-elsewhere", seen, f"Store the right one: `pulumi config set --secret sdg:{endpoint.key}`.")]
    return []
