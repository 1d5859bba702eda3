"""What a rehearsal does not show, in words that end its report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sdg.inference.model import ProviderName
from sdg.settings.inference import servers
from sdg.settings.model import StackSettings

ANYWHERE: Final = (
    "Not rehearsed: gang scheduling and quotas of queues (the standard scheduler places pods), image pulls, GPU drivers, network policy. "
    "OSMO's API answers as recorded; its tasks run as pods without containers."
)
ON: Final[Mapping[str, str]] = {
    "azure": (
        "Nor: whether Azure has machines left, how long it really takes, its firewalls and private names, and which Kubernetes a version "
        "brings: the virtual cluster's is the same for all. Prices are made up, and quotas are generous; a fresh subscription has none of "
        "GPUs."
    ),
    "microk8s": (
        "Nor: which Kubernetes a channel brings (the virtual cluster's is the same on all), what an addon does beyond its objects "
        "(nothing resolves names), the work of snapd, systemd and NVIDIA's driver."
    ),
}
"""By the kind of the cluster."""
OF_MODELS: Final[Mapping[ProviderName, str]] = {
    "nim-operator": (
        "Nor: models in NIMs. No weights are fetched and no GPU's memory is filled: what each NIM needs is looked up in a table, it starts "
        "within seconds, and its answers are made up."
    ),
    "nvcf": "Nor: whether your cloud functions exist and whether your key opens them: the stack is taken at its word. Answers are made up.",
    "foundry": "Nor: models of Azure AI Foundry, what they still have room for in your subscription, and their terms. Answers are made up.",
    "external": "Nor: whether your own endpoints are there, serve that model and take that key: the stack is taken at its word.",
}
"""By who serves them."""


def not_rehearsed(settings: StackSettings) -> Iterator[str]:
    """What no rehearsal shows, and then what one of such a stack does not."""
    yield ANYWHERE
    if settings.cluster.kind in ON:
        yield ON[settings.cluster.kind]
    yield from (OF_MODELS[server.provider] for server in servers(settings.inference))
