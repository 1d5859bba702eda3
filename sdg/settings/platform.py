"""`sdg:platform`: what a cluster needs before OSMO."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sdg.settings.base import Quantity, Settings

# the S3 rule for bucket names, without dots: they break virtual-host addressing over TLS
BucketName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", examples=["osmo-workflows"])]


class MinioStore(Settings):
    """MinIO in the cluster, one replica on one volume."""

    provider: Literal["minio"] = Field(default="minio", description="What stores the objects.")
    size: Quantity = Field(default="20Gi", description="Size of the volume. It cannot shrink later.")
    bucket: BucketName = Field(default="osmo-workflows", description="Bucket for workflow data, logs and apps.")


class Platform(Settings):
    """What a cluster needs before OSMO."""

    object_store: MinioStore = Field(default=MinioStore(), description="Where OSMO keeps workflow data, logs and apps.")
