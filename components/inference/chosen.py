"""The inference providers that a stack's settings choose."""

from __future__ import annotations

import pulumi

from components.cluster.base import ClusterHandle
from components.inference.base import InferenceHandle, Served
from components.inference.external import External
from components.inference.nim_operator.nim_operator import NimOperator
from components.inference.none import NoInference
from components.inference.nvcf import Nvcf
from components.inference.verified import VerifiedInference
from sdg.inference.fitting import groups, permanent
from sdg.inference.pools import planned_pools
from sdg.settings.azure import Azure
from sdg.settings.inference import External as ExternalSettings
from sdg.settings.inference import Foundry as FoundrySettings
from sdg.settings.inference import NimOperator as NimOperatorSettings
from sdg.settings.inference import NoInference as NoInferenceSettings
from sdg.settings.inference import Nvcf as NvcfSettings
from sdg.settings.inference import Server, servers
from sdg.settings.loader import Stack


def build_inference(stack: Stack, cluster: ClusterHandle) -> InferenceHandle:
    """Serves the models that workflows ask for, as far as they are planned: a provider that nobody asks for anything makes nothing."""
    settings = stack.settings.inference
    asked = [server for server in servers(settings) if stack.inference.of(server.provider)]
    if isinstance(settings, NoInferenceSettings) or not asked:
        NoInference("inference", cluster)
        return InferenceHandle()
    served = [_served(stack, server, cluster, settings.deadline) for server in asked]
    return VerifiedInference(
        "verified-inference",
        served,
        cluster,
        provider=asked[0].provider,
        requests=settings.requests == "auto",
        deadline=settings.deadline,
    ).handle


def _served(stack: Stack, server: Server, cluster: ClusterHandle, deadline: float) -> Served:
    """Makes what one provider serves."""
    planned, mirror, given = stack.inference.of(server.provider), stack.settings.mirror, stack.secrets
    match server:
        case NvcfSettings():
            return Nvcf("nvcf", server, planned, cluster=cluster.kind, given=given, mirror=mirror).served
        case ExternalSettings():
            return External("external", server, planned, cluster=cluster.kind, given=given, mirror=mirror).served
        case FoundrySettings():
            return _foundry(stack, server, cluster)
        case NimOperatorSettings():
            return _nims(stack, server, cluster, deadline)


def _nims(stack: Stack, server: NimOperatorSettings, cluster: ClusterHandle, deadline: float) -> Served:
    settings = stack.settings
    fitted = {
        "pods": [pod.facts() for pod in permanent(settings.cluster, settings.inference, stack.inference)],
        "pools": [pool.facts() for pool in planned_pools(settings.cluster)],
        "transient": [group.facts() for group in groups(settings.cluster, stack.workload, settings.smoke)],
    }
    return NimOperator(
        "nim-operator",
        server,
        stack.inference.of("nim-operator"),
        cluster,
        given=stack.secrets,
        mirror=settings.mirror,
        fit=fitted,
        deadline=deadline,
    ).served


def _foundry(stack: Stack, server: FoundrySettings, cluster: ClusterHandle) -> Served:
    settings = stack.settings.cluster
    if not isinstance(settings, Azure):  # the loader refuses it with what can be deployed
        raise pulumi.RunError(f"sdg:inference.provider foundry needs a cluster in Azure; this one's kind is {cluster.kind}")
    from components.inference.foundry import Foundry, made_models  # noqa: PLC0415 -- Azure's SDK takes a while, which other stacks need not

    planned, mirror = stack.inference.of("foundry"), stack.settings.mirror
    return Foundry("foundry", server, planned, cluster=cluster, azure=settings, mirror=mirror, before=made_models()).served
