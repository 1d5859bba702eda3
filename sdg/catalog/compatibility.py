"""Which inference provider may run on which cluster (`compatibility.yaml`). One source for the settings loader and the policy pack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import Final, Self

from pydantic import model_validator

from sdg.catalog.documents import CatalogModel, read

NONE: Final = "none"


class ClusterKind(CatalogModel):
    """A kind of cluster.

    Attributes:
        deployable: whether this release has components for it; a known name may come before its components.
        inference: providers that may run there.
        combined: pairs of them that one stack may use beside each other.
    """

    deployable: bool
    inference: tuple[str, ...]
    combined: tuple[tuple[str, str], ...] = ()


class Provider(CatalogModel):
    """An inference provider; `deployable` as for clusters."""

    deployable: bool


class Reason(CatalogModel):
    """Why one pair is impossible, as half a sentence."""

    cluster: str
    provider: str
    reason: str


class Matrix(CatalogModel):
    """All of `compatibility.yaml`."""

    clusters: Mapping[str, ClusterKind]
    providers: Mapping[str, Provider]
    reasons: tuple[Reason, ...]

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        used = {provider for kind in self.clusters.values() for provider in kind.inference}
        unknown = sorted(used - set(self.providers))
        if unknown:
            raise ValueError(f"providers that no line describes: {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _pairs_are_of_two_that_may_run(self) -> Self:
        for name, kind in self.clusters.items():
            wrong = [pair for pair in kind.combined if len(set(pair)) == 1 or not set(pair) <= set(kind.inference) - {NONE}]
            if wrong:
                raise ValueError(f"{name} combines what may not run there: {', '.join(' with '.join(pair) for pair in wrong)}")
        return self

    def refusal(self, cluster: str, provider: str) -> str | None:
        """Why a pair is not possible and what is, in two sentences; None when it is possible."""
        allowed = self.clusters[cluster].inference if cluster in self.clusters else ()
        if provider in allowed:
            return None
        hosts = [name for name, kind in self.clusters.items() if provider in kind.inference]
        return (
            f"{provider} cannot be used on {cluster}: {self._reason(cluster, provider)}. "
            f"On {cluster}: {_listed(allowed)}; {provider} runs on: {_listed(hosts)}."
        )

    def combination_refusal(self, cluster: str, used: Sequence[str]) -> str | None:
        """Why providers cannot serve one stack together and what can, in two sentences; None when they can, or are fewer than two.

        Each of them alone is judged by `refusal`.
        """
        twice = [provider for provider in dict.fromkeys(used) if used.count(provider) > 1]
        if twice:
            return f"{twice[0]} is named twice. Say all of its endpoints in one place."
        pairs = self.clusters[cluster].combined if cluster in self.clusters else ()
        apart = [(one, other) for one, other in combinations(used, 2) if (one, other) not in pairs and (other, one) not in pairs]
        if not apart:
            return None
        one, other = apart[0]
        possible = _listed(f"{first} with {second}" for first, second in pairs)
        refused = f"{one} and {other} cannot be used together on {cluster}: this pair is not in the compatibility matrix."
        return f"{refused} On {cluster}: {possible}."

    def _reason(self, cluster: str, provider: str) -> str:
        said = (entry.reason for entry in self.reasons if (entry.cluster, entry.provider) == (cluster, provider))
        return next(said, "this pair is not in the compatibility matrix")

    def deployable_clusters(self) -> tuple[str, ...]:
        return tuple(name for name, kind in self.clusters.items() if kind.deployable)

    def deployable_providers(self) -> tuple[str, ...]:
        return tuple(name for name, provider in self.providers.items() if provider.deployable)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"


@cache
def matrix() -> Matrix:
    """The compatibility matrix.

    Raises:
        pydantic.ValidationError: `compatibility.yaml` breaks its schema.
    """
    return read("compatibility.yaml", Matrix)


def refusal(cluster: str, provider: str) -> str | None:
    """Why `provider` cannot run on `cluster` and what can, in two sentences; None when it can."""
    return matrix().refusal(cluster, provider)


def combination_refusal(cluster: str, used: Sequence[str]) -> str | None:
    """Why these providers cannot serve one stack together and what can, in two sentences; None when they can."""
    return matrix().combination_refusal(cluster, used)
