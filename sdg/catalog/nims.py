"""NIM services (`nims.yaml`): what each of them runs, needs and can do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, RootModel, model_validator

from sdg.catalog.capabilities import CapabilityNames, RequestKind, request_kind
from sdg.catalog.documents import CatalogModel, read
from sdg.catalog.near import UnknownName
from sdg.catalog.quantities import gib

Quantity = Annotated[str, Field(pattern=r"^[1-9][0-9]*(Mi|Gi|Ti)$")]
Environment = Mapping[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")], str]
PRIVATE_REGISTRY = "nvcr.io"  # whose images need a pull secret


class UnknownNim(UnknownName):
    """A NIM that the catalog doesn't hold; names the nearest ones."""

    what = "NIM service"


class UnknownVariant(UnknownName):
    """A variant that a NIM doesn't have; names the nearest ones."""

    what = "variant"


class Volume(CatalogModel):
    """The model store; the comments of `nims.yaml` say what each key means."""

    size: Quantity
    owner: Literal["operator", "stack"]


class HuggingFace(CatalogModel):
    """The model repository on Hugging Face's Hub; the comments of `nims.yaml` say what each key means."""

    model: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str | None = None
    download: Literal["job", "pod"]
    environment: Environment = Field(default_factory=dict)
    minutes: PositiveInt | None = None

    @model_validator(mode="after")
    def _jobs_alone_have_their_own_values(self) -> Self:
        if (self.download == "job") != (self.minutes is not None) or (self.download == "pod" and self.environment):
            raise ValueError("environment and minutes are of a download Job, and minutes must be said there")
        return self


class SecretKey(CatalogModel):
    """One key of a Secret."""

    secret: str
    key: str


class Probe(CatalogModel):
    """A probe of the container's port 8000.

    Attributes:
        path: that GET must answer with 200; none for a port that takes connections.
        delay: seconds before the first one.
        period: seconds between two.
        timeout: seconds for an answer.
        failures: that are borne.
    """

    path: str | None
    delay: NonNegativeInt
    period: PositiveInt
    timeout: PositiveInt
    failures: PositiveInt

    @property
    def minutes(self) -> int:
        """How long it bears failures, rounded up."""
        return -(-(self.delay + self.period * self.failures) // 60)


class Probes(CatalogModel):
    """Probes that replace the operator's own; none where its own are right."""

    startup: Probe
    readiness: Probe | None = None
    liveness: Probe | None = None


class Nim(CatalogModel):
    """One service; the comments of `nims.yaml` say what each key means."""

    image: str = Field(pattern=r"^[^\s@]+:[\w][\w.-]*$")
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    gpus: PositiveInt
    memory: Quantity
    ephemeral_storage: Quantity | None = None
    vram_gib: PositiveInt | None
    volume: Volume
    source: Literal["ngc", "hugging-face"]
    hugging_face: HuggingFace | None = None
    environment: Environment = Field(default_factory=dict)
    secret_environment: Mapping[str, SecretKey] = Field(default_factory=dict)
    user: NonNegativeInt | None = None
    group: NonNegativeInt | None = None
    shared_memory: Quantity | None = None
    labels: Mapping[str, str] = Field(default_factory=dict)
    probes: Probes
    model: str
    lists_model: bool
    ready: str = Field(pattern=r"^/")
    request_path: str | None = Field(pattern=r"^/")
    capabilities: CapabilityNames = Field(min_length=1)
    start_minutes: PositiveInt | None = None
    variants: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for wrong, sentence in self._contradictions():
            if wrong:
                raise ValueError(sentence)
        for name in self.variants:
            self.variant(name)
        return self

    def _contradictions(self) -> tuple[tuple[bool, str], ...]:
        hub, own = self.hugging_face, self.volume.owner == "stack"
        return (
            (self.image.endswith(":latest"), f"{self.image} is not a fixed version"),
            ((self.source == "hugging-face") != (hub is not None), "hugging_face belongs to source hugging-face, and to no other"),
            (own != (hub is not None and hub.download == "job"), "a Job fills volumes of the stack, and no others"),
            (bool(set(self.environment) & set(self.secret_environment)), "a variable is either plain or from a Secret"),
            ((self.request == "none") != (self.request_path is None), "request_path belongs to capabilities that requests show"),
        )

    def variant(self, name: str | None) -> Nim:
        """The service in another shape; as it usually is for None.

        Raises:
            UnknownVariant: it has no such variant; names those that it has.
            pydantic.ValidationError: the variant says what a service can't have.
        """
        if name is None:
            return self
        if name not in self.variants:
            raise UnknownVariant(name, self.variants)
        mine = {**self.model_dump(exclude={"variants"}, exclude_unset=True)}
        return Nim.model_validate(_over(mine, self.variants[name]))

    @property
    def pull_secret(self) -> bool:
        """Whether its image cannot be pulled without NVIDIA's key."""
        return self.image.partition("/")[0] == PRIVATE_REGISTRY

    @property
    def hf_token(self) -> bool:
        """Whether it needs the Hugging Face token, for its download Job or in its pod: both read the Secret, which must exist."""
        return self.hugging_face is not None

    @property
    def request(self) -> RequestKind:
        """The kind of one small request to it."""
        return request_kind(self.capabilities)

    @property
    def memory_gib(self) -> float:
        return gib(self.memory)

    @property
    def ephemeral_storage_gib(self) -> float:
        return gib(self.ephemeral_storage or "0")

    @property
    def longest_start_minutes(self) -> int:
        """Minutes after which its startup probe gives up on a pod that runs."""
        return self.probes.startup.minutes


def _over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """What a variant says over what a service says: mappings one level down, None takes an entry of a mapping away."""
    merged = dict(base)
    for key, value in changes.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = {name: said for name, said in {**below, **value}.items() if said is not None}
        else:
            merged[key] = value
    return merged


class Nims(RootModel[Mapping[str, Nim]]):
    """All of `nims.yaml`."""

    @model_validator(mode="after")
    def _names_are_dns_labels(self) -> Self:
        wrong = [name for name in self.root if not re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", name)]
        if wrong:
            raise ValueError(f"no names of Services: {', '.join(wrong)}")
        return self


@cache
def nims() -> Mapping[str, Nim]:
    """Every service by its name.

    Raises:
        pydantic.ValidationError: `nims.yaml` breaks its schema.
    """
    return read("nims.yaml", Nims).root


def nim(name: str, variant: str | None = None) -> Nim:
    """One service, in one of its shapes.

    Raises:
        UnknownNim: names the nearest known ones.
        UnknownVariant: it has no such variant.
    """
    known = nims()
    if name not in known:
        raise UnknownNim(name, known)
    return known[name].variant(variant)
