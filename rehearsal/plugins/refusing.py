"""Providers that refuse every resource: better one clear sentence than a real cloud touched in a rehearsal."""

# ruff: noqa: ARG002 -- a refusal needs none of the arguments

from __future__ import annotations

from rehearsal.plugins.properties import Properties
from rehearsal.plugins.provider import Autonaming, Call, Checked, Difference, Provider, ProviderError


class RefusingProvider(Provider):
    """Accepts its own settings, so that a stack with the provider can be loaded, and nothing else."""

    sentence = ""

    def check(self, call: Call, olds: Properties, news: Properties, seed: bytes, autonaming: Autonaming) -> Checked:
        raise self._refusal(call)

    def diff(self, call: Call, state: Properties, old_inputs: Properties, news: Properties) -> Difference:
        raise self._refusal(call)

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        raise self._refusal(call)

    def read(self, call: Call, state: Properties, inputs: Properties) -> None:
        raise self._refusal(call)

    def update(self, call: Call, state: Properties, old_inputs: Properties, news: Properties) -> Properties:
        raise self._refusal(call)

    def delete(self, call: Call, state: Properties, old_inputs: Properties) -> None:
        raise self._refusal(call)

    def invoke(self, token: str, arguments: Properties) -> Properties:
        raise ProviderError(f"{token}: {self.sentence}")

    def _refusal(self, call: Call) -> ProviderError:
        return ProviderError(f"{call.type or call.urn}: {self.sentence}")
