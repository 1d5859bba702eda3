"""The subscription that a stack keeps for as long as it lives.

Everything that Azure holds for a stack belongs to one subscription: in another one nothing of it would be found, and all of it would be
made once more beside the first. The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

import pulumi
from pulumi.dynamic import Resource

from components.cluster.given_once import GivenOnceProvider, Properties


class StableSubscriptionProvider(GivenOnceProvider):
    """Keeps the subscription, and refuses another one at preview."""

    key = "subscription"  # where it was found may be another place each time

    def problem(self, before: str, news: Properties) -> str:
        return (
            f"this stack was made in the subscription {before}, and {news['source']} says {news['subscription']} now: everything would be "
            f"made once more there, and nothing of what there is would be found. Keep to the first (pulumi config set --path "
            f"sdg:cluster.subscription {before}); for another one, first `pulumi destroy --stack {news['stack']}`, or make a new stack."
        )


class StableSubscription(Resource, module="cluster", name="StableSubscription"):
    """A stack's subscription, given once. Everything in Azure depends on it, so that nothing is done in another one.

    Args:
        source: where it was found, for people.
    """

    def __init__(self, name: str, subscription: str, source: str, opts: pulumi.ResourceOptions | None = None) -> None:
        asked = {"subscription": subscription, "source": source, "stack": pulumi.get_stack()}
        super().__init__(StableSubscriptionProvider(), name, asked, opts)
