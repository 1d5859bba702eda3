"""What the resources have in common that do their work when a stack is destroyed, and nothing before.

Their providers' dotted paths are stored in the state of every stack; this base's is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pulumi.dynamic import CreateResult, DiffResult, UpdateResult

from components.provider import ClusterProvider

Properties = Mapping[str, Any]


class AtDestroyProvider(ClusterProvider):
    """Does nothing until it is deleted; what the last update said then counts.

    Attributes:
        name: the resource's id, one per stack.
    """

    name: ClassVar[str]

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(id_=self.name, outs=dict(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return DiffResult(changes=any(olds.get(key) != news.get(key) for key in set(news) - {"__provider"}))

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(outs=dict(news))
