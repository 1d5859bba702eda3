"""Where models are kept: volumes that many nodes read and write."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.core.v1 import PersistentVolumeClaim
from pulumi_kubernetes.storage.v1 import StorageClass

from components.cluster.base import ClusterHandle, ManagedShares
from components.inference.nim_operator.manifests import SHARED
from components.not_awaited import NOT_AWAITED
from sdg.catalog.nims import Nim
from sdg.platform.layout import NIM_NAMESPACE, OURS, nim_claim


def model_storage(
    chosen: str | None, cluster: ClusterHandle, opts: pulumi.ResourceOptions
) -> tuple[pulumi.Output[str], list[StorageClass]]:
    """Name of the StorageClass of models, and what has to be made before it can be used.

    Args:
        chosen: by the stack; else it is one over shares that come with the cluster, else the cluster's own.
    """
    if chosen is not None:
        return pulumi.Output.from_input(chosen), []
    shares = cluster.services.shares if cluster.services else None
    if shares is None:
        return cluster.storage_class, []
    return pulumi.Output.from_input(shares.storage_class), [_made(shares, opts)]


def _made(shares: ManagedShares, opts: pulumi.ResourceOptions) -> StorageClass:
    own = pulumi.ResourceOptions(depends_on=list(shares.resources), delete_before_replace=True)  # nothing in a class can be changed
    return StorageClass(
        "nim-storage-class",
        metadata={"name": shares.storage_class, "labels": dict(OURS)},
        provisioner=shares.provisioner,
        parameters=shares.parameters,
        mount_options=list(shares.mount_options),
        reclaim_policy="Delete",
        volume_binding_mode="Immediate",
        allow_volume_expansion=True,
        opts=pulumi.ResourceOptions.merge(opts, own),
    )


def model_claim(name: str, nim: Nim, storage_class: pulumi.Output[str], opts: pulumi.ResourceOptions) -> PersistentVolumeClaim:
    """The volume that a Job fills and the NIM reads. It is not awaited: a class may wait for the Job's pod.

    It keeps the class that it was made with, as those do that the operator makes: another one would be another volume, without the model.
    """
    kept = pulumi.ResourceOptions(ignore_changes=["spec.storageClassName"])
    return PersistentVolumeClaim(
        f"nim-{name}-volume",
        metadata={"name": nim_claim(name), "namespace": NIM_NAMESPACE, "annotations": dict(NOT_AWAITED)},
        spec={"access_modes": [SHARED], "storage_class_name": storage_class, "resources": {"requests": {"storage": nim.volume.size}}},
        opts=pulumi.ResourceOptions.merge(opts, kept),
    )
