"""A pinned Helm release, and what tells its gate that it changed."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from sdg.catalog.versions import ChartKey
from sdg.charts.wanted import Located, located, pinned
from sdg.settings.mirror import Mirror

Values = dict[str, Any] | pulumi.Output[dict[str, Any]]


def pinned_release(
    name: str,
    chart: ChartKey,
    version: str | None = None,
    *,
    release: str,
    namespace: str,
    values: Values,
    mirror: Mirror,
    timeout: float,
    opts: pulumi.ResourceOptions,
) -> Release:
    """Installs one chart of the catalog. Its gate waits for what it starts: Helm's own wait is slow and names nothing.

    Args:
        version: of a chart that has none of its own in the catalog.
    """
    source = pinned(chart, version)
    return Release(
        name,
        name=release,
        **_arguments(located(source, mirror)),
        version=source.version,
        namespace=namespace,
        values=values,
        skip_await=True,
        timeout=int(timeout),
        # its name is fixed, so the old one has to go first
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True)),
    )


def _arguments(chart: Located) -> dict[str, Any]:
    if chart.repository is None:
        return {"chart": chart.chart}
    return {"chart": chart.chart, "repository_opts": {"repo": chart.repository}}


def repair(release: Release) -> pulumi.Output[str]:
    """The one command that brings back objects of a release: neither Helm nor the provider notices that they are gone."""
    return release.urn.apply(lambda urn: f"pulumi up --stack {pulumi.get_stack()} --replace '{urn}'")


def restore() -> str:
    """The command that brings back everything else: what a refresh saw missing is made again."""
    return f"pulumi up --stack {pulumi.get_stack()}"


def triggers(release: Release, key: pulumi.Output[str], values: Mapping[str, Any]) -> dict[str, pulumi.Input[str]]:
    """What has to make the gate behind a release look again: revision, chart version, and a fingerprint of values and Secrets."""
    return {
        "revision": release.status.apply(lambda status: str(int(status.revision or 0))),
        "chart": release.version.apply(str),
        "values": fingerprint(key, values),
    }


def fingerprint(key: pulumi.Output[str], contents: Mapping[str, Any]) -> pulumi.Output[str]:
    """What differs where contents differ. It is keyed, so that nobody can guess a weak value by it, and may stand in the clear."""
    canonical = pulumi.Output.json_dumps(contents, sort_keys=True)
    found = pulumi.Output.all(key, canonical).apply(lambda both: hmac.new(both[0].encode(), both[1].encode(), "sha256").hexdigest())
    return pulumi.Output.unsecret(found)
