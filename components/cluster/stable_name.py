"""The name that a stack's own MicroK8s keeps for as long as the stack lives.

Everything in the cluster belongs to that name: another one would take it all down, the snap with its volumes included, without what
destroy does first. The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, ResourceProvider

Properties = Mapping[str, Any]


class StableNameProvider(ResourceProvider):
    """Keeps the name, and refuses another one at preview."""

    serialize_as_secret_always = False

    def check(self, olds: Properties, news: Properties) -> CheckResult:
        before, asked = olds.get("name"), news.get("name")
        if not before or before == asked:
            return CheckResult(dict(news), [])
        problem = (
            f"sdg:cluster.name was {before!r} and is {asked!r} now: another name means another cluster, and this stack's MicroK8s and all "
            f"data in it would be removed. Set it back (pulumi config set --path sdg:cluster.name {before}); for another name, first "
            f"`pulumi destroy --stack {news['stack']}`, or make a new stack."
        )
        return CheckResult(dict(news), [CheckFailure("name", problem)])

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(id_=str(props["name"]), outs=dict(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return DiffResult(changes=olds.get("name") != news.get("name"))


class StableName(Resource, module="cluster", name="StableName"):
    """A cluster's name, given once. Whatever is done to the cluster depends on it, so that nothing is done under another name."""

    def __init__(self, name: str, cluster: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(StableNameProvider(), name, {"name": cluster, "stack": pulumi.get_stack()}, opts)
