"""The cluster that a stack's settings choose: first the way in, then what is found there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.cluster.base import ClusterBinding, ClusterHandle
from components.cluster.existing import ExistingCluster
from components.cluster.microk8s import MicroK8s
from components.cluster.verified import VerifiedCluster
from sdg.azure.account import Account
from sdg.azure.deployer import deployer_of
from sdg.azure.made_of import UsedServices
from sdg.catalog.versions import versions
from sdg.settings.azure import Azure as AzureSettings
from sdg.settings.cluster import ExistingCluster as ExistingClusterSettings
from sdg.settings.cluster import MicroK8s as MicroK8sSettings
from sdg.settings.gpu_operator import gpu_operator_plan
from sdg.settings.inference import shares_models
from sdg.settings.loader import Stack
from sdg.settings.model import StackSettings


def bind_cluster(stack: Stack) -> ClusterBinding:
    """Makes the cluster where the stack is to make it, and binds the stack to it."""
    match stack.settings.cluster:
        case ExistingClusterSettings() as settings if stack.connection:
            return ExistingCluster("cluster", settings, stack.connection).binding
        case MicroK8sSettings() as settings:
            key, operator = stack.secrets.ssh_private_key, stack.settings.platform.gpu_operator
            return MicroK8s("microk8s", settings, operator, ssh_private_key=key, retain=stack.settings.data == "retain").binding
        case AzureSettings() as settings if stack.account:
            return _azure(stack, settings, stack.account)
        case planned:  # the loader refuses them with what can be deployed
            raise pulumi.RunError(f"sdg:cluster.kind {planned.kind} is not available yet")


def _azure(stack: Stack, settings: AzureSettings, account: Account) -> ClusterBinding:
    from components.cluster.azure.azure import AzureCluster  # noqa: PLC0415 -- seconds, which other stacks need not spend
    from components.cluster.azure.stored import stored  # noqa: PLC0415

    osmo, platform = stack.settings.osmo, stack.settings.platform
    return AzureCluster(
        "azure",
        settings,
        account,
        deployer_of(account, os.environ),
        driver=gpu_operator_plan(platform.gpu_operator, cluster=settings.kind, gpus=settings.gpus).driver,
        wanted=UsedServices(
            database=osmo.database.kind == "managed",
            redis=osmo.redis.kind == "managed",
            store=platform.object_store.provider == "managed",
            shares=bool(stack.inference.of("nim-operator")) and shares_models(stack.settings.inference),
        ),
        before=stored(),
        retain=stack.settings.data == "retain",
    ).binding


def verify_cluster(stack: Stack, binding: ClusterBinding, after: Sequence[pulumi.Resource]) -> ClusterHandle:
    """Proves that the platform fits on the cluster.

    Args:
        after: what has to be there before GPUs can be counted.
    """
    settings = stack.settings.cluster
    supported = versions().profiles[stack.settings.osmo.profile].kubernetes
    chosen = settings.kubernetes if isinstance(settings, ExistingClusterSettings) else None
    on_disks = keeps_data_on_volumes(stack.settings)
    handle = VerifiedCluster("verified-cluster", binding, settings, chosen or supported, on_disks=on_disks, after=after).handle
    if settings.gpus and "dedicated_gpu_nodes" not in settings.model_fields_set and not binding.pools:
        handle.verdict.evidence.apply(_hint)
    return handle


def keeps_data_on_volumes(settings: StackSettings) -> bool:
    """Whether a database or objects are kept on volumes of the cluster."""
    kinds = (settings.osmo.database.kind, settings.osmo.redis.kind)
    return "in-cluster" in kinds or settings.platform.object_store.provider == "minio"


def _hint(found: Mapping[str, Any]) -> None:
    """Says what nobody has decided yet: whether work without GPUs keeps off the nodes that have some."""
    nodes, with_gpus = int(found.get("nodes") or 0), int(found.get("gpuNodes") or 0)
    if 0 < with_gpus < nodes:
        pulumi.log.info(
            f"{with_gpus} of the cluster's {nodes} nodes have GPUs, and work without GPUs may take those nodes as well. To keep it away: "
            "pulumi config set --path sdg:cluster.dedicatedGpuNodes true (and sdg:cluster.minNodes 2 or more); to leave it so: false."
        )
