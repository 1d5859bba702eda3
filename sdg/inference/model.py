"""The plan of a stack's endpoints: what is served, by whom, and which variables of the workload take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sdg.settings.secrets import SecretName

ProviderName = Literal["nim-operator", "nvcf", "foundry", "external"]
RequestKind = Literal["chat", "vlm", "image-edit", "none"]


@dataclass(frozen=True, slots=True)
class PlannedEndpoint:
    """One endpoint.

    Attributes:
        name: unique in the stack, a DNS label: the NIM's, the function's or Foundry model's name in the catalog, or one of the user's.
        provider: who serves it.
        model: the model by the name that requests have to say.
        capabilities: what it can do, by the catalog's names.
        url: base URL as clients take it, with `/v1` where it has one; None where Azure says it once it is made.
        ready: path below the URL's origin that answers 200 when it can take requests.
        key: secret that requests carry; None for none.
        variables: of the workload's spec that take its URL.
        request: what one small request to it looks like.
    """

    name: str
    provider: ProviderName
    model: str
    capabilities: tuple[str, ...]
    url: str | None
    ready: str
    key: SecretName | None = None
    variables: tuple[str, ...] = ()
    request: RequestKind = "chat"


@dataclass(frozen=True, slots=True)
class InferencePlan:
    """Everything that a stack is to serve.

    Attributes:
        endpoints: by provider, then by name.
        overrides: values for variables of the workload's spec whose URL is not that of the spec's own default.
        external: URLs that the workload refers to and nobody here serves; nothing is deployed or checked for them.
    """

    endpoints: tuple[PlannedEndpoint, ...] = ()
    overrides: Mapping[str, str] = field(default_factory=dict)
    external: tuple[str, ...] = ()

    def of(self, provider: ProviderName) -> tuple[PlannedEndpoint, ...]:
        """Those that one provider serves."""
        return tuple(endpoint for endpoint in self.endpoints if endpoint.provider == provider)
