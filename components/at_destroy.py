"""What the resources have in common that do their work when a stack is destroyed, and nothing before.

Their providers' dotted paths are stored in the state of every stack; this base's is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pulumi.dynamic import ConfigureRequest, CreateResult, DiffResult, ResourceProvider, UpdateResult

from sdg.gates.interrupt import Interruption
from sdg.kube.api import load_client

Properties = Mapping[str, Any]


class AtDestroyProvider(ResourceProvider):
    """Does nothing until it is deleted; what the last update said then counts.

    Attributes:
        name: the resource's id, one per stack.
    """

    name: ClassVar[str]
    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:  # noqa: ARG002 (the interface)
        Interruption.of_engine()
        load_client()

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(id_=self.name, outs=dict(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return DiffResult(changes=any(olds.get(key) != news.get(key) for key in set(news) - {"__provider"}))

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(outs=dict(news))
