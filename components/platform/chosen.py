"""The object store that a stack's settings choose."""

from __future__ import annotations

import pulumi

from components.cluster.base import ClusterHandle
from components.platform.minio import Minio
from components.platform.object_store import ObjectStoreHandle, external_store, managed_store
from sdg.settings.loader import Stack
from sdg.settings.platform import ManagedStore, MinioStore


def object_store(stack: Stack, cluster: ClusterHandle, opts: pulumi.ResourceOptions) -> ObjectStoreHandle:
    """Makes the store where the stack is to make it.

    Args:
        opts: of the component that makes it.
    """
    match stack.settings.platform.object_store:
        case MinioStore() as settings:
            chosen = stack.secrets.object_store_password
            return Minio("object-store", settings, cluster, chosen_password=chosen, mirror=stack.settings.mirror, opts=opts).handle
        case ManagedStore():
            return managed_store(cluster.services)
        case elsewhere:
            return external_store(elsewhere, stack.secrets)
