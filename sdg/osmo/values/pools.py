"""Pool, platforms and pod templates: which nodes workflow pods go to, and what they find there.

OSMO merges a pool's common templates and then the platform's, lists by `name`; Helm replaces a chart's list as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from sdg.osmo import layout
from sdg.osmo.values.base import Values
from sdg.platform.layout import GPU_NODE_LABEL, GPU_RESOURCE, RUNTIME_CLASS
from sdg.platform.taints import NONE, NodeTaints, on_gpu_nodes, toleration
from sdg.settings.osmo import Pods

GpuPlan = Literal["none", "shared", "dedicated"]

USER_TEMPLATE: Final = "default_user"
GPU_TEMPLATE: Final = "gpu_toleration"
CPU_TEMPLATE: Final = "cpu_nodes"
DEFAULT_PLATFORM: Final = "default"

USER_CONTAINER: Final = "{{USER_CONTAINER_NAME}}"
SHARED_MEMORY: Final = "dshm"
SHARED_MEMORY_PATH: Final = "/dev/shm"  # noqa: S108 - a mount path inside pods
OPTIX: Final = "nvoptix"
OPTIX_PATH: Final = "/usr/share/nvidia/nvoptix.bin"


def gpu_plan(gpus: int, *, dedicated: bool) -> GpuPlan:
    """How a cluster's GPUs are shared with work that needs none.

    Args:
        gpus: GPUs that workflows may use, over all nodes.
        dedicated: whether nodes with GPUs are kept for workflows that ask for GPUs.
    """
    if not gpus:
        return "none"
    return "dedicated" if dedicated else "shared"


def gets_optix(pods: Pods, *, host_driver: bool) -> bool:
    """Whether pods with GPUs mount their node's OptiX denoiser: a file of the driver, which a node has only if its host owns that."""
    return host_driver if pods.optix is None else pods.optix


def pool_configs(pods: Pods, gpus: GpuPlan, *, optix: bool, taints: NodeTaints = NONE) -> Values:
    """`pools` and `podTemplates` of `services.configs`; nothing where there are neither GPUs nor taints: the chart's pool is right then.

    With GPUs there is a platform `gpu` beside the default one, so that a workflow without GPUs doesn't occupy a GPU node by accident;
    where GPU nodes are dedicated, the default platform keeps off them. The default stays the default.

    Args:
        taints: of nodes that workflows are to run on all the same.
    """
    templates: Values = {}
    platforms: Values = {}
    if gpus != "none":
        templates = {GPU_TEMPLATE: _gpu_template(pods, optix=optix, taints=taints.gpus)} | _user_template(pods, optix=optix)
        platforms[layout.GPU_PLATFORM] = {"override_pod_template": [GPU_TEMPLATE]}
    if spec := _cpu_spec(gpus, taints.others):
        templates[CPU_TEMPLATE] = {"spec": spec}
        platforms[DEFAULT_PLATFORM] = {"override_pod_template": [CPU_TEMPLATE]}
    if not templates:
        return {}
    return {
        "podTemplates": templates,
        "pools": {layout.POOL: {"default_platform": DEFAULT_PLATFORM, "platforms": platforms}},
    }


def _gpu_template(pods: Pods, *, optix: bool, taints: Sequence[str]) -> Values:
    """Pods on GPU nodes. Only they mount what `default_user` declares, so no other node needs the host's OptiX file."""
    spec: Values = {
        "nodeSelector": {GPU_NODE_LABEL: "true"},
        "tolerations": on_gpu_nodes(taints),
        "runtimeClassName": RUNTIME_CLASS,
    }
    mounts: list[Values] = []
    if pods.shared_memory:
        mounts.append({"name": SHARED_MEMORY, "mountPath": SHARED_MEMORY_PATH})
    if optix:
        mounts.append({"name": OPTIX, "mountPath": OPTIX_PATH, "readOnly": True})
    if mounts:
        spec["containers"] = [{"name": USER_CONTAINER, "volumeMounts": mounts}]
    return {"spec": spec}


def _user_template(pods: Pods, *, optix: bool) -> Values:
    """The chart's `default_user`, restated in full, with the volumes that GPU pods mount.

    The volumes stand here and not beside their mounts, because what checks a cluster for rendering reads them from `default_user`. The
    kubelet leaves out a volume that no container of the pod mounts.
    """
    volumes: list[Values] = []
    if pods.shared_memory:
        volumes.append({"name": SHARED_MEMORY, "emptyDir": {"medium": "Memory", "sizeLimit": pods.shared_memory}})
    if optix:
        volumes.append({"name": OPTIX, "hostPath": {"path": OPTIX_PATH, "type": "File"}})
    if not volumes:
        return {}
    asked = {
        "cpu": "{{USER_CPU}}",
        "memory": "{{USER_MEMORY}}",
        GPU_RESOURCE: "{{USER_GPU}}",
        "ephemeral-storage": "{{USER_STORAGE}}",
    }
    container = {"name": USER_CONTAINER, "resources": {"limits": dict(asked), "requests": dict(asked)}}
    return {USER_TEMPLATE: {"spec": {"containers": [container], "volumes": volumes}}}


def _cpu_spec(gpus: GpuPlan, taints: Sequence[str]) -> Values:
    """Of pods that keep off dedicated GPU nodes, whether or not those are tainted, and on no account off nodes without GPUs."""
    spec: Values = {}
    if gpus == "dedicated":
        absent = {"matchExpressions": [{"key": GPU_NODE_LABEL, "operator": "DoesNotExist"}]}
        required = {"nodeSelectorTerms": [absent]}
        spec["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    if taints:
        spec["tolerations"] = [toleration(taint) for taint in taints]
    return spec
