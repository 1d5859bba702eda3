"""A property of a cluster that is given once: what a stack has made belongs to it, so another value is refused at preview."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ResourceProvider

Properties = Mapping[str, Any]


class GivenOnceProvider(ResourceProvider):
    """Keeps a property, which is the resource's id too, for as long as the stack lives.

    Attributes:
        key: of the property.
    """

    serialize_as_secret_always = False
    key: ClassVar[str]

    @abstractmethod
    def problem(self, before: str, news: Properties) -> str:
        """What is wrong with another value, and the way back, a sentence or two.

        Args:
            before: the value that was given.
            news: everything that is asked for now.
        """

    def check(self, olds: Properties, news: Properties) -> CheckResult:
        before = olds.get(self.key)
        failures = [CheckFailure(self.key, self.problem(str(before), news))] if before and before != news.get(self.key) else []
        return CheckResult(dict(news), failures)

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(id_=str(props[self.key]), outs=dict(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return DiffResult(changes=olds.get(self.key) != news.get(self.key))
