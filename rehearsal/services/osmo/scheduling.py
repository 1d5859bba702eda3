"""What OSMO writes for the KAI scheduler, and what KAI's admission does to a pod: pure functions on objects.

Nothing here schedules: the standard scheduler places the pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rehearsal.services.osmo.configuration import Configuration, GpuShare, Pool
from rehearsal.services.osmo.records import GroupRecord, WorkflowRecord

JsonMap = dict[str, Any]
GPU = "nvidia.com/gpu"
SCHEDULER = "kai-scheduler"  # its namespace too
SCHEDULER_POD, ADMISSION = "kai-scheduler-default", "admission"
RUNTIME_CLASS_ARGUMENT, RUNTIME_CLASS = "--gpu-pod-runtime-class-name", "nvidia"
NAMESPACE_LABEL = "osmo.namespace"
POD_GROUP_ANNOTATION = "pod-group-name"
UNLIMITED = {"quota": -1, "limit": -1, "overQuotaWeight": 1}


def queues(configuration: Configuration, namespace: str) -> list[JsonMap]:
    """The queues of every pool, parents first. A backend that is configured with another namespace gets a second set, which nobody uses."""
    configured = {str(backend.get("k8s_namespace") or namespace) for backend in configuration.backends.values()}
    return [queue for each in sorted({namespace, *configured}) for queue in _of_namespace(configuration.pools.values(), each)]


def queue_name(pool: str, namespace: str) -> str:
    return f"osmo-pool-{namespace}-{pool}"


def pod_group(workflow: WorkflowRecord, group: GroupRecord, namespace: str) -> JsonMap:
    """What holds a group's pods together until all of them have a place."""
    return {
        "apiVersion": "scheduling.run.ai/v2alpha2",
        "kind": "PodGroup",
        "metadata": {"name": pod_group_name(group), "namespace": namespace, "labels": {"osmo.workflow_id": workflow.name}},
        "spec": {"queue": queue_name(workflow.pool, namespace), "minMember": len(group.tasks)},
    }


def pod_group_name(group: GroupRecord) -> str:
    """Named after the group's first pod, whose name is its own."""
    return group.tasks[0].pod_name


def admitted(pod: JsonMap, group: GroupRecord, runtime_class: str) -> JsonMap:
    """The pod as KAI's admission lets it pass.

    Args:
        runtime_class: what every pod gets that names GPUs among its resources, be it none of them; empty for no pod.
    """
    metadata = {**pod["metadata"], "annotations": {POD_GROUP_ANNOTATION: pod_group_name(group)}}
    spec = pod["spec"] | ({"runtimeClassName": runtime_class} if runtime_class and _names_gpus(pod) else {})
    return {**pod, "metadata": metadata, "spec": spec}


def runtime_class_of(arguments: list[str]) -> str:
    """What the admission's arguments say about the RuntimeClass; its own default when they don't."""
    if RUNTIME_CLASS_ARGUMENT not in arguments[:-1]:
        return RUNTIME_CLASS
    return arguments[arguments.index(RUNTIME_CLASS_ARGUMENT) + 1]


def _of_namespace(pools: Iterable[Pool], namespace: str) -> Iterator[JsonMap]:
    parent = f"osmo-default-{namespace}"
    yield _queue(parent, namespace, {"resources": dict.fromkeys(("cpu", "gpu", "memory"), UNLIMITED)})
    for pool in pools:
        share = pool.resources.gpu or GpuShare()
        gpu = {"quota": share.guarantee, "limit": share.maximum, "overQuotaWeight": share.weight}
        resources = {"cpu": UNLIMITED, "gpu": gpu, "memory": UNLIMITED}
        yield _queue(queue_name(pool.name, namespace), namespace, {"parentQueue": parent, "resources": resources})


def _queue(name: str, namespace: str, spec: JsonMap) -> JsonMap:
    return {
        "apiVersion": "scheduling.run.ai/v2",
        "kind": "Queue",
        "metadata": {"name": name, "labels": {NAMESPACE_LABEL: namespace}},
        "spec": spec,
    }


def _names_gpus(pod: JsonMap) -> bool:
    containers = [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]
    resources = [container.get("resources") or {} for container in containers]
    return any(GPU in (needs.get(side) or {}) for needs in resources for side in ("requests", "limits"))
