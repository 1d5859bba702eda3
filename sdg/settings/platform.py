"""`sdg:platform`: what a cluster needs before OSMO."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sdg.catalog.gpu_driver import DriverOwner
from sdg.platform.layout import S3_REGION
from sdg.settings.base import Guid, Quantity, Settings

# the S3 rule for bucket names, without dots: they break virtual-host addressing over TLS
BucketName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", examples=["osmo-workflows"])]
# Azure's rules
StorageAccountName = Annotated[str, Field(pattern=r"^[a-z0-9]{3,24}$", examples=["sdgdata"])]
ContainerName = Annotated[str, Field(pattern=r"^[a-z0-9](-?[a-z0-9]){2,62}$", examples=["osmo-workflows"])]

BUCKET = "osmo-workflows"


class MinioStore(Settings):
    """MinIO in the cluster, one replica on one volume."""

    provider: Literal["minio"] = Field(default="minio", description="What stores the objects.")
    size: Quantity = Field(default="20Gi", description="Size of the volume. It cannot shrink later.")
    bucket: BucketName = Field(default=BUCKET, description="Bucket for workflow data, logs and apps.")


class S3Store(Settings):
    """A bucket that exists, in S3 or anything that speaks its API. The keys are `sdg:storageAccessKeyId` and `sdg:storageAccessKey`."""

    provider: Literal["s3"] = Field(description="What stores the objects.")
    bucket: BucketName = Field(default=BUCKET, description="Bucket for workflow data, logs and apps.")
    region: str = Field(default=S3_REGION, pattern=r"^[a-z0-9-]+$", description="Region of the bucket.")
    endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/@]+$",
        description="URL of the S3 API; Amazon's when unset.",
        examples=["https://s3.example.com"],
    )
    addressing_style: Literal["virtual", "path", "auto"] | None = Field(
        default=None, description="Where requests name the bucket: in the host or in the path; the client's own choice when unset."
    )


class AzureBlobStore(Settings):
    """A container that exists in an Azure storage account."""

    provider: Literal["azure-blob"] = Field(description="What stores the objects.")
    account: StorageAccountName = Field(description="Name of the storage account.")
    container: ContainerName = Field(default=BUCKET, description="Container for workflow data, logs and apps.")
    location: str = Field(default="eastus2", pattern=r"^[a-z0-9]+$", description="Azure region of the account.")
    auth: Literal["key", "workload-identity"] = Field(
        default="key", description="How OSMO logs in: with `sdg:storageAccountKey`, or as the identity that its pods have on AKS."
    )
    client_id: Guid | None = Field(
        default=None, description="Client id of the user-assigned identity; for `workload-identity` only, which needs it."
    )


class ManagedStore(Settings):
    """The storage that comes with the cluster: Blob storage on Azure, where it is the default."""

    provider: Literal["managed"] = Field(description="What stores the objects.")


ObjectStore = Annotated[MinioStore | S3Store | AzureBlobStore | ManagedStore, Field(discriminator="provider")]


class GpuOperator(Settings):
    """NVIDIA's GPU operator: device plugin, container toolkit and, where it owns them, drivers. Only where the cluster plans GPUs."""

    install: bool | None = Field(
        default=None,
        description="Whether the stack installs it. Unset: on MicroK8s, through its addon, and on Azure, where they plan "
        "GPUs; not on a cluster that exists, which has its own as a rule.",
    )
    driver: DriverOwner | None = Field(
        default=None,
        description="Who owns the GPU driver: the operator, which installs it, or the host, which has it. Every related value follows. "
        "Unset: `host` on MicroK8s, `operator` elsewhere. `azure` on Azure alone: AKS installs it; there, `host` is refused.",
    )
    remove_crds: bool = Field(
        default=False,
        description="Whether destroy takes along the CRDs of an operator that the stack installed from its chart, and with them what "
        "anybody told node feature discovery.",
    )


class KaiScheduler(Settings):
    """The scheduler that OSMO places workflows with."""

    install: bool = Field(default=True, description="Whether the stack installs it; off where the cluster has it already.")
    remove_crds: bool = Field(
        default=False, description="Whether destroy takes its CRDs along, and with them every queue and pod group of anybody."
    )


class Platform(Settings):
    """What a cluster needs before OSMO."""

    object_store: ObjectStore = Field(default=MinioStore(), description="Where OSMO keeps workflow data, logs and apps.")
    gpu_operator: GpuOperator = Field(default=GpuOperator(), description="NVIDIA's GPU operator.")
    kai_scheduler: KaiScheduler = Field(default=KaiScheduler(), description="The scheduler of workflows.")
