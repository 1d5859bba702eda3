"""`sdg:inference`: what serves models to workflows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from sdg.catalog.azure_names import name_rules
from sdg.settings.azure import Region
from sdg.settings.base import DnsLabel, Seconds, Settings

ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", examples=["Qwen/Qwen2.5-14B-Instruct"])]


def _reached_by_pods(url: str) -> str:
    """The URL; a pod's localhost is the pod."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("a URL; an IPv6 address stands in brackets there, as in http://[2001:db8::10]:8000/v1") from None
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("a URL whose port, if it has one, is a number from 0 to 65535") from None
    host = (parts.hostname or "").rstrip(".").lower()
    try:
        address = ip_address(host)
    except ValueError:
        nowhere = host == "localhost" or host.endswith(".localhost")
    else:
        nowhere = address.is_loopback or address.is_unspecified
    if nowhere:
        raise ValueError(
            "a URL that pods reach: inside a pod this one leads to the pod itself. Give the machine's address as the cluster's nodes see "
            "it, and let the server listen on that address"
        )
    return url


BaseUrl = Annotated[
    str,
    Field(pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$", examples=["https://models.example.com/v1"]),
    AfterValidator(_reached_by_pods),
]
# a function's id, with a version of it if need be, or the URL that answers for it
_ID: Final = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
FunctionRef = Annotated[
    str,
    Field(
        pattern=rf"^({_ID}(/{_ID})?|https://[^\s/@?#]+(/[^\s?#]*)?)$",
        examples=["00000000-0000-0000-0000-000000000000", "https://models.example.com/v1"],
    ),
    AfterValidator(lambda reference: _reached_by_pods(reference) if "://" in reference else reference),
]
# Kubernetes' rules for names of objects and for labels
ObjectName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", examples=["azurefile-nfs-premium"])]
LabelKey = Annotated[
    str,
    Field(
        pattern=r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$",
        examples=["agentpool", "example.com/pool"],
    ),
]
LabelValue = Annotated[str, Field(pattern=r"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$", examples=["nims"])]
EndpointKey = Literal["none", "externalApiKey", "nvcfApiKey", "ngcApiKey"]

SUFFIX_LENGTH: Final = 5  # of the stack's suffix, which ends the name of a serverless endpoint

# a NIM of 235 billion parameters downloads for an hour and starts for an hour and a half
DEADLINE: Final = 9000


class NoInference(Settings):
    """No models are served: for workflows that bring their own."""

    provider: Literal["none"] = Field(default="none", description="Who serves.")


class NimOperator(Settings):
    """NVIDIA NIMs in the cluster, run by the NIM operator. Needs `sdg:ngcApiKey`, and `sdg:hfToken` for models of Hugging Face."""

    provider: Literal["nim-operator"] = Field(description="Who serves.")
    services: tuple[DnsLabel, ...] | None = Field(
        default=None,
        min_length=1,
        description="NIMs to run, by their names in the catalog. Unset: those that the workload's spec refers to, and no others.",
        examples=[["qwen3-vl", "qwen25-14b"]],
    )
    variants: Mapping[DnsLabel, str] = Field(
        default_factory=dict, description="Another shape of a NIM than its usual one, by its name.", examples=[{"qwen3-vl": "two-gpus"}]
    )
    replicas: Mapping[DnsLabel, PositiveInt] = Field(
        default_factory=dict, description="Pods of a NIM where one is not enough, by its name.", examples=[{"qwen25-14b": 2}]
    )
    prefetch: bool = Field(
        default=False,
        description="Whether NVIDIA's own models are downloaded before their NIM starts, so that no GPU waits for a download.",
    )
    storage_class: ObjectName | None = Field(
        default=None,
        description="StorageClass of the models' volumes; it must give ReadWriteMany. Unset: one that the stack makes on Azure, elsewhere "
        "that of `sdg:cluster.storageClass`, else the cluster's default. Volumes that are there keep theirs.",
    )
    node_selector: Mapping[LabelKey, LabelValue] = Field(
        default_factory=dict, description="Labels that nodes for NIMs have.", examples=[{"agentpool": "nims"}]
    )
    remove_crds: bool = Field(
        default=False, description="Whether destroy takes the operator's CRDs along, and with them every NIM of anybody in the cluster."
    )


class Nvcf(Settings):
    """NVIDIA Cloud Functions that run already. Needs `sdg:nvcfApiKey`."""

    provider: Literal["nvcf"] = Field(description="Who serves.")
    functions: Mapping[DnsLabel, FunctionRef] = Field(
        min_length=1,
        description="Functions by their names in the catalog: id, `id/version-id`, or URL.",
        examples=[{"qwen3-vl-30b": "00000000-0000-0000-0000-000000000000"}],
    )


class FoundryModel(Settings):
    """A model of Foundry that the stack deploys."""

    model: str | None = Field(
        default=None,
        description="Name of the model in the catalog; the endpoint's own name when unset. It stays what it is while the endpoint lives.",
    )
    version: str | None = Field(default=None, description="Version of the model; the newest that the region has when unset.")
    capacity: PositiveInt = Field(default=1, description="Thousands of tokens a minute.")


class Foundry(Settings):
    """Azure AI Foundry, on clusters in Azure."""

    provider: Literal["foundry"] = Field(description="Who serves.")
    models: Mapping[DnsLabel, FoundryModel] = Field(
        default_factory=lambda: {"llama-3-3-70b": FoundryModel()},
        min_length=1,
        description="Endpoints by name. A name that the catalog has stands for that model.",
        examples=[{"llama-3-3-70b": {"capacity": 50}}],
    )
    offer: Literal["deployment", "serverless"] = Field(
        default="deployment",
        description="How models are offered: as deployments of a Foundry account, or as serverless endpoints of a hub's project.",
    )
    location: Region | None = Field(default=None, description="Azure region; that of the cluster when unset.")

    @model_validator(mode="after")
    def _azure_can_make_them(self) -> Self:
        problems = [*self._unnamable(), *(self._not_serverless() if self.offer == "serverless" else ())]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _unnamable(self) -> Iterator[str]:
        serverless = self.offer == "serverless"
        rule = name_rules().kinds["serverless-endpoint" if serverless else "cognitive-deployment"]
        added = len("-") + SUFFIX_LENGTH if serverless else 0
        for name in self.models:
            if not rule.allows(f"{name}-{'s' * SUFFIX_LENGTH}" if serverless else name):
                letter = " and begin with a letter" if serverless else ""
                yield f"models.{name}: the name must have {max(rule.min - added, 1)} to {rule.max - added} characters{letter}"

    def _not_serverless(self) -> Iterator[str]:
        for name, said in self.models.items():
            for key in sorted(said.model_fields_set & {"version", "capacity"}):
                yield f"models.{name}.{key}: a serverless endpoint has none; leave it out, or set offer to deployment"
        for model, count in Counter(said.model or name for name, said in self.models.items()).items():
            if count > 1:
                yield f"models: {model} stands there {count} times, and a project has one serverless endpoint of a model; name it once"


class ExternalEndpoint(Settings):
    """An endpoint that something else runs and that speaks OpenAI's API."""

    url: BaseUrl = Field(description="Base URL, as clients take it, with its `/v1` where it has one.")
    model: ModelName = Field(description="Model that it serves, as it names it itself.")
    capabilities: tuple[str, ...] = Field(
        min_length=1, description="What it can do, by the catalog's names.", examples=[["text-llm", "chat"]]
    )
    key: EndpointKey = Field(default="none", description="Secret of the stack that requests carry as bearer token.")


class External(Settings):
    """Endpoints that speak OpenAI's API, wherever they are: vLLM, Docker Model Runner, NVIDIA's hosted catalog."""

    provider: Literal["external"] = Field(description="Who serves.")
    endpoints: Mapping[DnsLabel, ExternalEndpoint] = Field(min_length=1, description="Endpoints by name.")


Server = Annotated[NimOperator | Nvcf | Foundry | External, Field(discriminator="provider")]


class Primary(Settings):
    """What the provider of a stack says beside its own fields."""

    also: tuple[Server, ...] = Field(
        default=(), description="Further providers, for what the first one does not serve, such as Foundry for text beside NIMs for video."
    )
    requests: Literal["auto", "never"] = Field(
        default="auto", description="Whether the gate sends one small request to each endpoint, of the kind that workflows send."
    )
    deadline: Seconds = Field(default=DEADLINE, description="Seconds that the gate waits for all endpoints.")


class PrimaryNimOperator(NimOperator, Primary):
    """NVIDIA NIMs in the cluster, run by the NIM operator. Needs `sdg:ngcApiKey`, and `sdg:hfToken` for models of Hugging Face."""


class PrimaryNvcf(Nvcf, Primary):
    """NVIDIA Cloud Functions that run already. Needs `sdg:nvcfApiKey`."""


class PrimaryFoundry(Foundry, Primary):
    """Azure AI Foundry, on clusters in Azure."""


class PrimaryExternal(External, Primary):
    """Endpoints that speak OpenAI's API, wherever they are: vLLM, Docker Model Runner, NVIDIA's hosted catalog."""


Inference = Annotated[NoInference | PrimaryNimOperator | PrimaryNvcf | PrimaryFoundry | PrimaryExternal, Field(discriminator="provider")]


def servers(inference: Inference) -> tuple[Server, ...]:
    """Every provider that a stack uses, the first one first."""
    return () if isinstance(inference, NoInference) else (inference, *inference.also)


def nim_operator_of(inference: Inference) -> NimOperator | None:
    """The provider that runs NIMs in the cluster, where the stack uses it."""
    return next((server for server in servers(inference) if isinstance(server, NimOperator)), None)


def shares_models(inference: Inference) -> bool:
    """Whether NIMs keep their models on a StorageClass that the stack makes, where the cluster's provider has shares for it."""
    nims = nim_operator_of(inference)
    return nims is not None and nims.storage_class is None
