"""MinIO: S3 storage inside the cluster for workflow data, logs and apps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment, DeploymentSpecArgsDict
from pulumi_kubernetes.batch.v1 import Job, JobSpecArgsDict
from pulumi_kubernetes.core.v1 import (
    ContainerArgsDict,
    EnvVarArgsDict,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpecArgsDict,
    Secret,
    Service,
    ServiceSpecArgsDict,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

from components.cluster.base import ClusterHandle
from components.generated import GeneratedSecret
from components.not_awaited import JOB_NOT_AWAITED, NOT_AWAITED
from components.ownership import Ground, Ownership, owned_namespace
from components.platform.object_store import ObjectStoreHandle
from sdg.catalog.versions import versions
from sdg.kube.held import Holder
from sdg.kube.workload import Workload
from sdg.platform import layout
from sdg.settings.mirror import Mirror
from sdg.settings.platform import MinioStore

ROOT_USER: Final = "osmoadmin"
API_PORT: Final = 9000
CONSOLE_PORT: Final = 9001
LABELS: Final = {"app.kubernetes.io/name": "minio"}
SERVICE: Final[ServiceSpecArgsDict] = {
    "selector": LABELS,
    "ports": [{"name": "api", "port": API_PORT}, {"name": "console", "port": CONSOLE_PORT}],
}
GROUND: Final = Ground(
    namespaces=(layout.MINIO_NAMESPACE,),
    service=(layout.MINIO_NAMESPACE, "minio"),
    remedy="To use a MinIO that runs there, set `sdg:platform.objectStore` to provider s3, a bucket that it has, endpoint "
    f"http://minio.{layout.MINIO_NAMESPACE}.svc.cluster.local:{{port}} and addressingStyle path, and give its keys as "
    "`sdg:storageAccessKeyId` and `sdg:storageAccessKey`: they are in one of the namespace's Secrets, with MicroK8s' addon in "
    "`microk8s-env-configuration`.",
)


class Minio(pulumi.ComponentResource):
    """One MinIO server with one volume and OSMO's bucket."""

    def __init__(
        self,
        name: str,
        settings: MinioStore,
        cluster: ClusterHandle,
        *,
        chosen_password: pulumi.Output[str] | None,
        mirror: Mirror,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sdg:platform:ObjectStore", name, {"cluster": cluster.kind, "provider": settings.provider}, opts)
        ours = Ownership(f"{name}-ownership", GROUND, cluster.connection, pulumi.ResourceOptions(parent=self, depends_on=[cluster.ready]))
        child = pulumi.ResourceOptions(parent=self, provider=cluster.provider, depends_on=[ours])
        namespace = owned_namespace(f"{name}-namespace", layout.MINIO_NAMESPACE, child)
        inside = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[namespace]))

        generated = pulumi.ResourceOptions(parent=self, depends_on=[ours])
        holder = Holder("Secret", layout.MINIO_NAMESPACE, layout.MINIO_ROOT_SECRET, "root-password")
        password = GeneratedSecret(
            f"{name}-root-password", "password", generated, chosen=chosen_password, connection=cluster.connection, holder=holder
        ).value
        root = Secret(
            f"{name}-root",
            metadata={"name": layout.MINIO_ROOT_SECRET, "namespace": layout.MINIO_NAMESPACE},
            string_data={"root-user": ROOT_USER, "root-password": password},
            opts=inside,
        )
        volume = PersistentVolumeClaim(
            f"{name}-volume",
            metadata=_metadata(layout.MINIO_CLAIM),
            spec=_volume(settings.size, cluster.storage_class),
            opts=inside,
        )
        server = Deployment(
            f"{name}-server",
            metadata=_metadata("minio"),
            spec=_server(mirror.image(versions().images["minio"])),
            opts=pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=[root, volume])),
        )
        service = Service(
            f"{name}-service",
            metadata=_metadata("minio"),
            spec=SERVICE,
            opts=inside,
        )
        bucket = Job(
            f"{name}-bucket",
            metadata=_metadata("minio-bucket", JOB_NOT_AWAITED),
            spec=_make_bucket(mirror.image(versions().images["minio-client"]), settings.bucket),
            opts=pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=[root, service])),
        )
        bucket_uri = f"s3://{settings.bucket}"
        self._handle = ObjectStoreHandle(
            bucket_uri=bucket_uri,
            credential=_credential(password, bucket_uri),
            workloads=(Workload("Deployment", layout.MINIO_NAMESPACE, "minio"), Workload("Job", layout.MINIO_NAMESPACE, "minio-bucket")),
            resources=(server, bucket),
        )
        self.register_outputs({"bucket": bucket_uri})

    @property
    def handle(self) -> ObjectStoreHandle:
        return self._handle


def _credential(password: pulumi.Output[str], bucket_uri: str) -> dict[str, pulumi.Input[str]]:
    return {
        "access_key_id": ROOT_USER,
        "access_key": password,
        "endpoint": bucket_uri,
        "region": layout.S3_REGION,
        "override_url": f"http://minio.{layout.MINIO_NAMESPACE}.svc.cluster.local:{API_PORT}",
        "addressing_style": "path",  # MinIO has no wildcard host names for buckets
    }


def _metadata(name: str, annotations: Mapping[str, str] = NOT_AWAITED) -> ObjectMetaArgsDict:
    return {"name": name, "namespace": layout.MINIO_NAMESPACE, "annotations": dict(annotations)}


def _volume(size: str, storage_class: pulumi.Output[str]) -> PersistentVolumeClaimSpecArgsDict:
    return {"access_modes": ["ReadWriteOnce"], "storage_class_name": storage_class, "resources": {"requests": {"storage": size}}}


def _root_environment() -> list[EnvVarArgsDict]:
    keys = {"MINIO_ROOT_USER": "root-user", "MINIO_ROOT_PASSWORD": "root-password"}
    return [{"name": name, "value_from": {"secret_key_ref": {"name": layout.MINIO_ROOT_SECRET, "key": key}}} for name, key in keys.items()]


def _server(reference: str) -> DeploymentSpecArgsDict:
    container: ContainerArgsDict = {
        "name": "minio",
        "image": reference,
        "args": ["server", "/data", "--console-address", f":{CONSOLE_PORT}"],
        "env": _root_environment(),
        "ports": [{"name": "api", "container_port": API_PORT}, {"name": "console", "container_port": CONSOLE_PORT}],
        "readiness_probe": {
            "http_get": {"path": "/minio/health/ready", "port": API_PORT},
            "initial_delay_seconds": 5,
            "period_seconds": 10,
        },
        "liveness_probe": {"http_get": {"path": "/minio/health/live", "port": API_PORT}, "initial_delay_seconds": 30, "period_seconds": 30},
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "2", "memory": "2Gi"}},
        "volume_mounts": [{"name": "data", "mount_path": "/data"}],
    }
    return {
        "replicas": 1,
        "strategy": {"type": "Recreate"},  # the volume can be mounted by one pod only
        "selector": {"match_labels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                "containers": [container],
                "volumes": [{"name": "data", "persistent_volume_claim": {"claim_name": layout.MINIO_CLAIM}}],
            },
        },
    }


def _make_bucket(reference: str, bucket: str) -> JobSpecArgsDict:
    # the client takes an alias with its keys from the environment, so that no command line holds them
    alias: EnvVarArgsDict = {
        "name": "MC_HOST_store",
        "value": f"http://$(MINIO_ROOT_USER):$(MINIO_ROOT_PASSWORD)@minio.{layout.MINIO_NAMESPACE}.svc.cluster.local:{API_PORT}",
    }
    container: ContainerArgsDict = {
        "name": "mc",
        "image": reference,
        "command": ["mc", "mb", "--ignore-existing", f"store/{bucket}"],
        "env": [*_root_environment(), alias],
    }
    return {
        "backoff_limit": 10,  # the server may need a while
        "template": {"spec": {"restart_policy": "OnFailure", "containers": [container]}},
    }
