"""Which versions an Azure cluster may combine: support of Kubernetes by AKS, what AKS upgrades itself, and what was tried together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from sdg.catalog.versions import Validated, versions
from sdg.settings.azure import Azure
from sdg.settings.gpu_operator import gpu_operator_plan
from sdg.settings.platform import Platform

# channels of `upgrades.channel` that move the version on from minor to minor
SELF_UPGRADING: Final = ("stable", "rapid")
_MINOR: Final = 2  # parts of a version without a patch
ACCEPT: Final = "pulumi config set --path sdg:cluster.acceptUnvalidated true"


def version_problems(cluster: Azure, platform: Platform | None) -> Iterator[str]:
    """Versions and upgrades that AKS refuses, and combinations that nobody has accepted, a sentence each."""
    yield from _support(cluster)
    yield from _upgrades(cluster)
    if not cluster.accept_unvalidated and (found := unvalidated(cluster, platform)):
        yield f"sdg:cluster.kubernetes: {found}. To use it all the same: `{ACCEPT}`."


def version_warnings(cluster: Azure) -> Iterator[str]:
    """A version that nothing is done about."""
    channel = cluster.upgrades.channel
    if channel in SELF_UPGRADING and "kubernetes" in cluster.model_fields_set:
        yield (
            f'sdg:cluster.kubernetes "{cluster.kubernetes}" counts only when the cluster is made: sdg:cluster.upgrades.channel "{channel}" '
            'moves the version on by itself. To choose each version, set the channel to "none" or "patch".'
        )


def accepted_versions(cluster: Azure, platform: Platform | None) -> str | None:
    """The combination, a sentence, where it was accepted without having been tried; None where it was tried, or not accepted."""
    found = unvalidated(cluster, platform) if cluster.accept_unvalidated else None
    return f"sdg:cluster.kubernetes: {found}; sdg:cluster.acceptUnvalidated accepts it." if found else None


def unvalidated(cluster: Azure, platform: Platform | None) -> str | None:
    """What was not tried together and what was, in a clause; None when it was tried.

    Only what the stack installs counts: the GPU operator where GPUs are planned, and KAI where the cluster has none of its own.
    """
    parts = _parts(cluster, platform or Platform())
    known = versions().aks.validated
    if any(_matches(line, parts) for line in known):
        return None
    return f"{_listed(parts)} were never validated together; validated: {'; '.join(map(_shown, known)) or 'nothing yet'}"


_NAMES: Final = {"kubernetes": "Kubernetes", "gpu_operator": "GPU operator", "kai": "KAI"}


def _parts(cluster: Azure, platform: Platform) -> dict[str, str]:
    """Versions of what the stack installs, by their key in the matrix."""
    charts = versions().charts
    parts = {"kubernetes": cluster.kubernetes}
    if gpu_operator_plan(platform.gpu_operator, cluster=cluster.kind, gpus=cluster.gpus).install:
        parts["gpu_operator"] = str(charts["gpu-operator"].version).removeprefix("v")
    if platform.kai_scheduler.install:
        parts["kai"] = str(charts["kai-scheduler"].version)
    return parts


def _matches(line: Validated, parts: Mapping[str, str]) -> bool:
    return all(SpecifierSet(getattr(line, part)).contains(version) for part, version in parts.items())


def _shown(line: Validated) -> str:
    versions_said = {part: str(getattr(line, part)).removeprefix("==").removesuffix(".*") for part in _NAMES}
    return f"{_listed(versions_said)} ({line.source})"


def _listed(parts: Mapping[str, str]) -> str:
    *first, last = (f"{_NAMES[part]} {version}" for part, version in parts.items())
    return f"{', '.join(first)} and {last}" if first else last


def _upgrades(cluster: Azure) -> Iterator[str]:
    upgrades = cluster.upgrades
    if upgrades.channel == "node-image" and upgrades.node_os != "NodeImage":
        yield (
            f'sdg:cluster.upgrades.nodeOs must be "NodeImage" with channel "node-image", which is the same under its older name; it is '
            f'"{upgrades.node_os}": set channel to "none" to choose nodeOs freely.'
        )
    parts = cluster.kubernetes.split(".")
    if upgrades.channel == "patch" and len(parts) > _MINOR:
        yield (
            f'sdg:cluster.kubernetes must be without a patch where sdg:cluster.upgrades.channel is "patch", since AKS goes on to newer '
            f'patches and never back; it is "{cluster.kubernetes}": write {".".join(parts[:_MINOR])}.'
        )


def _support(cluster: Azure) -> Iterator[str]:
    aks = versions().aks
    minor = ".".join(cluster.kubernetes.split(".")[:2])
    if cluster.lts and minor not in aks.lts:
        legal = ", ".join(aks.lts)
        yield f'sdg:cluster.kubernetes must have long-term support, which sdg:cluster.lts asks for: {legal}; it is "{cluster.kubernetes}".'
    if cluster.lts and cluster.tier != "Premium":
        yield f'sdg:cluster.tier must be "Premium" for long-term support, which sdg:cluster.lts asks for; it is "{cluster.tier}".'
    if not cluster.lts and Version(minor) < Version(aks.oldest):
        remedy = f"take {aks.kubernetes}"
        if minor in aks.lts:
            remedy += ", or set sdg:cluster.lts to true and sdg:cluster.tier to Premium"
        yield (
            f"sdg:cluster.kubernetes must be {aks.oldest} or newer, since AKS' community support of {minor} has ended; "
            f'it is "{cluster.kubernetes}": {remedy}.'
        )
