"""The composition: settings, then cluster, then OSMO beside inference, then the smoke test, then the workload."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.cluster.base import ClusterBinding, ClusterHandle
from components.cluster.existing import ExistingCluster
from components.cluster.microk8s import MicroK8s
from components.cluster.verified import VerifiedCluster
from components.forward import forwards
from components.inference.none import NoInference
from components.key_backup import KeyBackup
from components.osmo.drain import Drain
from components.osmo.osmo import Osmo
from components.platform.gpu_operator import GpuOperator
from components.platform.kai_scheduler import KaiScheduler
from components.platform.minio import Minio
from components.platform.object_store import ObjectStoreHandle, external_store
from components.platform.runtime_class import RuntimeClass
from components.remains import Remains
from components.retention import Retention
from components.smoke import SmokeTest
from sdg.catalog.versions import versions
from sdg.preflight.stack import problems
from sdg.settings.cluster import ExistingCluster as ExistingClusterSettings
from sdg.settings.cluster import MicroK8s as MicroK8sSettings
from sdg.settings.errors import SettingsError
from sdg.settings.inference import NoInference as NoInferenceSettings
from sdg.settings.loader import Stack, load
from sdg.settings.platform import MinioStore


def bind_cluster(stack: Stack) -> ClusterBinding:
    match stack.settings.cluster:
        case ExistingClusterSettings() as settings if stack.connection:
            return ExistingCluster("cluster", settings, stack.connection).binding
        case MicroK8sSettings() as settings:
            key, operator = stack.secrets.ssh_private_key, stack.settings.platform.gpu_operator
            return MicroK8s("microk8s", settings, operator, ssh_private_key=key, retain=stack.settings.data == "retain").binding
        case planned:  # the loader refuses them with what can be deployed
            raise pulumi.RunError(f"sdg:cluster.kind {planned.kind} is not available yet")


def verify_cluster(stack: Stack, binding: ClusterBinding, after: Sequence[pulumi.Resource]) -> ClusterHandle:
    match stack.settings.cluster:
        case ExistingClusterSettings() | MicroK8sSettings() as settings:
            supported = versions().profiles[stack.settings.osmo.profile].kubernetes
            chosen = settings.kubernetes if isinstance(settings, ExistingClusterSettings) else None
            return VerifiedCluster("verified-cluster", binding, settings, chosen or supported, after=after).handle
        case planned:  # the loader refuses them with what can be deployed
            raise pulumi.RunError(f"sdg:cluster.kind {planned.kind} is not available yet")


def build_inference(stack: Stack, cluster: ClusterHandle) -> None:
    match stack.settings.inference:
        case NoInferenceSettings() as settings:
            NoInference("inference", settings, cluster)
        case planned:  # the loader refuses them with what can be deployed
            raise pulumi.RunError(f"sdg:inference.provider {planned.provider} is not available yet")


def object_store(stack: Stack, cluster: ClusterHandle, opts: pulumi.ResourceOptions) -> ObjectStoreHandle:
    match stack.settings.platform.object_store:
        case MinioStore() as settings:
            chosen = stack.secrets.object_store_password
            return Minio("object-store", settings, cluster, chosen_password=chosen, mirror=stack.settings.mirror, opts=opts).handle
        case elsewhere:
            return external_store(elsewhere, stack.secrets)


def compose(stack: Stack) -> None:
    settings = stack.settings
    binding = bind_cluster(stack)
    runtime_class = RuntimeClass("runtime-class", binding)
    gpu = GpuOperator("gpu-operator", settings.platform.gpu_operator, binding, mirror=settings.mirror, after=runtime_class)
    verified = verify_cluster(stack, binding, after=[runtime_class, *gpu.resources])
    # the first in the cluster and the last two of all: destroy begins with these, and ends with that
    cluster = Remains("remains", settings, verified).before(verified)
    kept = Retention(settings.data)
    kai = KaiScheduler("kai-scheduler", settings.platform.kai_scheduler, cluster, mirror=settings.mirror)
    store = object_store(stack, cluster, kept.options)
    osmo = Osmo(
        "osmo",
        settings.osmo,
        cluster=cluster,
        store=store,
        scheduler=kai.ready,
        given=stack.secrets,
        mirror=settings.mirror,
        opts=kept.options,
    ).handle
    build_inference(stack, cluster)
    smoke = SmokeTest("smoke", settings.smoke, cluster=cluster, osmo=osmo, mirror=settings.mirror)
    opened = forwards(settings.forward, cluster, smoke.record)
    drain = Drain("drain", settings.osmo.on_destroy, cluster, after=[osmo.ready, smoke.record, *(opened or ())])
    KeyBackup("key-backup", kept, settings.data, cluster, after=[drain])
    if stack.connection is None:  # nobody else has it
        pulumi.export("kubeconfig", cluster.connection["kubeconfig"])
    pulumi.export("osmoUrl", opened[0].url if opened else osmo.url)
    pulumi.export("osmoUiUrl", opened[1].url if opened else osmo.url)  # the gateway serves the UI too
    pulumi.export("versions", {"kubernetes": cluster.kubernetes, "osmo": osmo.version})
    verdicts = {"cluster": cluster.verdict, "kai": kai.ready, "osmoService": osmo.service_ready, "osmo": osmo.ready, "smoke": smoke.ready}
    pulumi.export("gates", {stage: verdict.status for stage, verdict in verdicts.items()})


try:
    stack = load(preflight=problems)
except SettingsError as error:
    raise pulumi.RunError(str(error)) from None
compose(stack)
