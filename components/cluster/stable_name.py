"""The name that a stack's own MicroK8s keeps for as long as the stack lives.

Everything in the cluster belongs to that name: another one would take it all down, the snap with its volumes included, without what
destroy does first. The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

import pulumi
from pulumi.dynamic import Resource

from components.cluster.given_once import GivenOnceProvider, Properties


class StableNameProvider(GivenOnceProvider):
    """Keeps the name, and refuses another one at preview."""

    key = "name"

    def problem(self, before: str, news: Properties) -> str:
        return (
            f"sdg:cluster.name was {before!r} and is {news['name']!r} now: another name means another cluster, and this stack's MicroK8s "
            f"and all data in it would be removed. Set it back (pulumi config set --path sdg:cluster.name {before}); for another name, "
            f"first `pulumi destroy --stack {news['stack']}`, or make a new stack."
        )


class StableName(Resource, module="cluster", name="StableName"):
    """A cluster's name, given once. Whatever is done to the cluster depends on it, so that nothing is done under another name."""

    def __init__(self, name: str, cluster: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(StableNameProvider(), name, {"name": cluster, "stack": pulumi.get_stack()}, opts)
