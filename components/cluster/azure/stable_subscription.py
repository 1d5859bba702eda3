"""The subscription that a stack keeps for as long as it lives.

Everything that Azure holds for a stack belongs to one subscription: in another one nothing of it would be found, and all of it would be
made once more beside the first. The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, ResourceProvider

Properties = Mapping[str, Any]


class StableSubscriptionProvider(ResourceProvider):
    """Keeps the subscription, and refuses another one at preview."""

    serialize_as_secret_always = False

    def check(self, olds: Properties, news: Properties) -> CheckResult:
        before, asked = olds.get("subscription"), news.get("subscription")
        if not before or before == asked:
            return CheckResult(dict(news), [])
        problem = (
            f"this stack was made in the subscription {before}, and {news['source']} says {asked} now: everything would be made once more "
            f"there, and nothing of what there is would be found. Keep to the first (pulumi config set --path sdg:cluster.subscription "
            f"{before}); for another one, first `pulumi destroy --stack {news['stack']}`, or make a new stack."
        )
        return CheckResult(dict(news), [CheckFailure("subscription", problem)])

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(id_=str(props["subscription"]), outs=dict(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        # where it was found may be another place each time
        return DiffResult(changes=olds.get("subscription") != news.get("subscription"))


class StableSubscription(Resource, module="cluster", name="StableSubscription"):
    """A stack's subscription, given once. Everything in Azure depends on it, so that nothing is done in another one.

    Args:
        source: where it was found, for people.
    """

    def __init__(self, name: str, subscription: str, source: str, opts: pulumi.ResourceOptions | None = None) -> None:
        asked = {"subscription": subscription, "source": source, "stack": pulumi.get_stack()}
        super().__init__(StableSubscriptionProvider(), name, asked, opts)
