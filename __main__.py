"""The composition: settings, then cluster, then OSMO beside inference, then the smoke test, then the workload."""

from __future__ import annotations

import pulumi

from components.cluster.base import ClusterBinding, ClusterHandle
from components.cluster.existing import ExistingCluster
from components.cluster.verified import VerifiedCluster
from components.forward import forwards
from components.inference.none import NoInference
from components.osmo.osmo import Osmo
from components.platform.minio import Minio
from components.platform.object_store import ObjectStoreHandle, external_store
from components.smoke import SmokeTest
from sdg.catalog.versions import versions
from sdg.preflight.stack import problems
from sdg.settings.cluster import ExistingCluster as ExistingClusterSettings
from sdg.settings.errors import SettingsError
from sdg.settings.inference import NoInference as NoInferenceSettings
from sdg.settings.loader import Stack, load
from sdg.settings.platform import MinioStore


def bind_cluster(stack: Stack) -> ClusterBinding:
    match stack.settings.cluster:
        case ExistingClusterSettings() as settings if stack.connection:
            return ExistingCluster("cluster", settings, stack.connection).binding
        case planned:  # the loader refuses them with what can be deployed
            raise pulumi.RunError(f"sdg:cluster.kind {planned.kind} is not available yet")


def verify_cluster(stack: Stack, binding: ClusterBinding) -> ClusterHandle:
    match stack.settings.cluster:
        case ExistingClusterSettings() as settings:
            kubernetes_range = settings.kubernetes or versions().profiles[stack.settings.osmo.profile].kubernetes
            return VerifiedCluster("verified-cluster", binding, settings, kubernetes_range).handle
        case planned:  # the loader refuses them with what can be deployed
            raise pulumi.RunError(f"sdg:cluster.kind {planned.kind} is not available yet")


def build_inference(stack: Stack, cluster: ClusterHandle) -> None:
    match stack.settings.inference:
        case NoInferenceSettings() as settings:
            NoInference("inference", settings, cluster)
        case planned:  # the loader refuses them with what can be deployed
            raise pulumi.RunError(f"sdg:inference.provider {planned.provider} is not available yet")


def object_store(stack: Stack, cluster: ClusterHandle) -> ObjectStoreHandle:
    match stack.settings.platform.object_store:
        case MinioStore() as settings:
            chosen = stack.secrets.object_store_password
            return Minio("object-store", settings, cluster, chosen_password=chosen, mirror=stack.settings.mirror).handle
        case elsewhere:
            return external_store(elsewhere, stack.secrets)


def compose(stack: Stack) -> None:
    settings = stack.settings
    cluster = verify_cluster(stack, bind_cluster(stack))
    store = object_store(stack, cluster)
    osmo = Osmo("osmo", settings.osmo, cluster=cluster, store=store, given=stack.secrets, mirror=settings.mirror).handle
    build_inference(stack, cluster)
    smoke = SmokeTest("smoke", settings.smoke, cluster=cluster, osmo=osmo, mirror=settings.mirror)
    url, ui_url = forwards(settings.forward, cluster, smoke.ready) or (osmo.url, osmo.url)  # the gateway serves the UI too
    pulumi.export("osmoUrl", url)
    pulumi.export("osmoUiUrl", ui_url)
    pulumi.export("versions", {"kubernetes": cluster.kubernetes, "osmo": osmo.version})
    verdicts = {"cluster": cluster.ready, "osmoService": osmo.service_ready, "osmo": osmo.ready, "smoke": smoke.ready}
    pulumi.export("gates", {stage: verdict.status for stage, verdict in verdicts.items()})


try:
    stack = load(preflight=problems)
except SettingsError as error:
    raise pulumi.RunError(str(error)) from None
compose(stack)
