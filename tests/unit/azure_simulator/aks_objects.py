"""Pods, pools and nodes for the tests of AKS."""

from __future__ import annotations

from rehearsal.azure.account import SUBSCRIPTION
from rehearsal.azure.aks_pools import Owner, pool_of, virtual_node

GROUP_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-a"
CLUSTER_ID = f"{GROUP_ID}/providers/Microsoft.ContainerService/managedClusters/aks-a"
OWNER = Owner(CLUSTER_ID, "eastus2", "MC_rg-a_aks-a_eastus2")
GPU_SIZE, CPU_SIZE = "Standard_NC40ads_H100_v5", "Standard_D16ds_v5"
GPU_TAINT = "nvidia.com/gpu=present:NoSchedule"
TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
NO_NODE = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: none"


def gpu_pool(count=0, least=0, most=1, **more):
    said = {"vmSize": GPU_SIZE, "count": count, "enableAutoScaling": True, "minCount": least, "maxCount": most, "nodeTaints": [GPU_TAINT]}
    return pool_of("gpu", {"nodeLabels": {"nvidia.com/gpu.present": "true"}, "gpuProfile": {"driver": "None"}, **said, **more}, OWNER)


def system_pool(count=1, **more):
    said = {"vmSize": CPU_SIZE, "count": count, "mode": "System", "enableAutoScaling": True, "minCount": 1, "maxCount": 3}
    return pool_of("system", {**said, **more}, OWNER)


def nodes_of(pool, plugged=True):
    """The pool's nodes, with their GPUs offered or not yet."""
    found = [virtual_node(pool, index, 10250) for index in range(pool.count)]
    for item in found:
        if plugged and pool.gpus:
            item["status"]["allocatable"]["nvidia.com/gpu"] = str(pool.gpus)
    return found


def pod(name="a", gpus=1, cpu="1", message=NO_NODE, node="", **spec):
    """A pod that the scheduler refused, or that runs on a node."""
    wanted = {"cpu": cpu, **({"nvidia.com/gpu": str(gpus)} if gpus else {})}
    refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {
        "metadata": {"namespace": "ns", "name": name, "uid": name},
        "spec": {
            "containers": [{"name": "main", "resources": {"requests": wanted}}],
            "tolerations": [TOLERATION] if gpus else [],
            **({"nodeName": node} if node else {}),
            **spec,
        },
        "status": {"phase": "Running" if node else "Pending", "conditions": [] if node else [refused]},
    }
