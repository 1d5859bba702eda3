"""What settings of different sections ask of each other. The facts behind it are the catalog's, which the policies read as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypedDict

from sdg.catalog.compatibility import matrix
from sdg.catalog.versions import versions
from sdg.settings.cluster import Cluster, ExistingCluster
from sdg.settings.errors import it_is
from sdg.settings.forward import Forward
from sdg.settings.inference import Inference
from sdg.settings.osmo import Osmo
from sdg.settings.smoke import Smoke


class Sections(TypedDict, total=False):
    """The sections that could be read; a rule that misses one has nothing to say."""

    cluster: Cluster
    forward: Forward
    inference: Inference
    osmo: Osmo
    smoke: Smoke
    data: str


def cross_field_problems(sections: Sections) -> Iterator[str]:
    """Every combination that cannot work, one sentence or two each."""
    yield from _cluster_and_inference(sections)
    if "osmo" in sections:
        yield from _release(sections["osmo"])
    cluster = sections.get("cluster")
    if isinstance(cluster, ExistingCluster):
        yield from _gpus(cluster, sections.get("smoke"))
    if sections.get("data") == "retain":
        yield "sdg:data: \"retain\" is not available yet; use 'delete'."


def _cluster_and_inference(sections: Sections) -> Iterator[str]:
    known = matrix()
    kind = sections["cluster"].kind if "cluster" in sections else None
    provider = sections["inference"].provider if "inference" in sections else None
    # what can never be is refused as that, and not as something to wait for
    if kind and provider and (refusal := known.refusal(kind, provider)):
        yield f"sdg:inference.provider: {refusal}"
        return
    if kind and not known.clusters[kind].deployable:
        yield f'sdg:cluster.kind: "{kind}" is not available yet; use {_one_of(known.deployable_clusters())}.'
    if provider and not known.providers[provider].deployable:
        yield f'sdg:inference.provider: "{provider}" is not available yet; use {_one_of(known.deployable_providers())}.'


def _release(osmo: Osmo) -> Iterator[str]:
    profile = versions().profiles.get(osmo.profile)
    if profile is None:
        yield f"sdg:osmo.profile must be {_one_of(versions().profiles)}{it_is(osmo.profile)}."
    elif profile.release(osmo.chart_version) is None:
        legal = f"a chart version that OSMO profile {osmo.profile} is known to work with, {_one_of(profile.chart_versions)}"
        yield f"sdg:osmo.chartVersion must be {legal}{it_is(osmo.chart_version)}."


def _gpus(cluster: ExistingCluster, smoke: Smoke | None) -> Iterator[str]:
    if cluster.gpus_per_node > cluster.gpus:
        yield f"sdg:cluster.gpusPerNode must be at most sdg:cluster.gpus, which is {cluster.gpus}; it is {cluster.gpus_per_node}."
    if smoke and smoke.gpu == "always" and cluster.gpus == 0:
        yield "sdg:smoke.gpu: \"always\" needs GPUs, and sdg:cluster.gpus is 0; plan GPUs, or use 'auto' or 'never'."


def _one_of(names: Iterable[str]) -> str:
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else f"one of {', '.join(quoted)}"
