"""NVIDIA's NIM operator, from its chart."""

from __future__ import annotations

from typing import Any, Final

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from components.cluster.base import ClusterHandle
from components.ownership import Ground
from components.release import pinned_release
from sdg.catalog.versions import versions
from sdg.platform.layout import NIM_NAMESPACE, NIM_OPERATOR_NAMESPACE, NIM_OPERATOR_RELEASE, NIM_PULL_SECRET
from sdg.settings.mirror import Mirror

TIMEOUT: Final = 300.0  # seconds of one Helm call; the gate behind it waits for what it starts
GROUND: Final = Ground(
    namespaces=(NIM_OPERATOR_NAMESPACE, NIM_NAMESPACE),
    remedy="To use NIMs that run there, let the stack refer to them: `sdg:inference` with provider external, and for each of them its URL "
    f"http://NAME.{NIM_NAMESPACE}.svc.cluster.local:8000/v1.",
)


def operator_values(mirror: Mirror) -> dict[str, Any]:
    """Values of the chart; left to the chart is what it does as it should.

    Its webhooks stay off, which need cert-manager, and nothing in them shares a GPU among NIMs.
    """
    published = versions().registries.nim_operator
    repository = mirror.image(published)
    # the chart uses none by itself, and a registry may limit those who pull without a name
    image: dict[str, Any] = {"pullSecrets": [NIM_PULL_SECRET]}
    return {"operator": {"image": image if repository == published else image | {"repository": repository}}}


def operator_release(name: str, cluster: ClusterHandle, mirror: Mirror, opts: pulumi.ResourceOptions) -> Release:
    """Installs the operator; its CRDs come with it, and go as `sdg:inference.removeCrds` says."""
    return pinned_release(
        name,
        "nim-operator",
        release=NIM_OPERATOR_RELEASE,
        namespace=NIM_OPERATOR_NAMESPACE,
        values=operator_values(mirror),
        mirror=mirror,
        timeout=TIMEOUT,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(deleted_with=cluster.deleted_with)),
    )
