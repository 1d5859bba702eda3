"""Upper bounds for all workflow pods together."""

from __future__ import annotations

from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import LimitRange, LimitRangeItemArgsDict, ResourceQuota
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

from sdg.osmo import layout
from sdg.platform.layout import GPU_RESOURCE
from sdg.settings.osmo import Quota

# a quota of CPUs or memory refuses every container that requests none of it, OSMO's own init container included
_SMALLEST: Final = {"cpu": "10m", "memory": "16Mi"}


def limit_workflows(name: str, quota: Quota, in_cluster: pulumi.ResourceOptions, namespace: pulumi.Resource) -> tuple[pulumi.Resource, ...]:
    """The quota and what makes pods fit it; nothing where no bound is set."""
    bounds = {"requests.cpu": quota.cpu, "requests.memory": quota.memory, f"requests.{GPU_RESOURCE}": quota.gpus, "pods": quota.pods}
    hard = {key: str(bound) for key, bound in bounds.items() if bound is not None}
    if not hard:
        return ()
    inside = pulumi.ResourceOptions.merge(in_cluster, pulumi.ResourceOptions(depends_on=[namespace]))
    metadata: ObjectMetaArgsDict = {"name": layout.WORKFLOWS_NAMESPACE, "namespace": layout.WORKFLOWS_NAMESPACE}
    made: list[pulumi.Resource] = [ResourceQuota(f"{name}-workflow-quota", metadata=metadata, spec={"hard": hard}, opts=inside)]
    requests = {key: least for key, least in _SMALLEST.items() if f"requests.{key}" in hard}
    if requests:
        limits: list[LimitRangeItemArgsDict] = [{"type": "Container", "default_request": requests}]
        made.append(LimitRange(f"{name}-workflow-requests", metadata=metadata, spec={"limits": limits}, opts=inside))
    return tuple(made)
