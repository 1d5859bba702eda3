"""Objects of the Kubernetes API by kind, namespace and name, and the paths that the API has for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

_CLUSTER_SCOPED: Final[Mapping[str, str]] = {
    "Namespace": "/api/v1/namespaces",
    "PersistentVolume": "/api/v1/persistentvolumes",
    "PriorityClass": "/apis/scheduling.k8s.io/v1/priorityclasses",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "RuntimeClass": "/apis/node.k8s.io/v1/runtimeclasses",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "MutatingWebhookConfiguration": "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "ValidatingWebhookConfiguration": "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    # what OSMO's operator writes for the KAI scheduler
    "Queue": "/apis/scheduling.run.ai/v2/queues",
    "Topology": "/apis/kai.scheduler/v1alpha1/topologies",
    # of the KAI scheduler's chart
    "SchedulingShard": "/apis/kai.scheduler/v1/schedulingshards",
    # of the GPU operator's chart
    "ClusterPolicy": "/apis/nvidia.com/v1/clusterpolicies",
}
_NAMESPACED: Final[Mapping[str, tuple[str, str]]] = {
    "Secret": ("/api/v1", "secrets"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
    "Pod": ("/api/v1", "pods"),
    "Service": ("/api/v1", "services"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "ResourceQuota": ("/api/v1", "resourcequotas"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "ReplicaSet": ("/apis/apps/v1", "replicasets"),
    "Job": ("/apis/batch/v1", "jobs"),
    "PodGroup": ("/apis/scheduling.run.ai/v2alpha2", "podgroups"),
    # of the NIM operator's chart
    "NIMService": ("/apis/apps.nvidia.com/v1alpha1", "nimservices"),
    "NIMCache": ("/apis/apps.nvidia.com/v1alpha1", "nimcaches"),
}


def collection(kind: str, namespace: str = "") -> str:
    """The path of all objects of a kind; of a namespaced kind without a namespace, those of all namespaces."""
    if kind in _CLUSTER_SCOPED:
        return _CLUSTER_SCOPED[kind]
    group, plural = _NAMESPACED[kind]
    return f"{group}/namespaces/{namespace}/{plural}" if namespace else f"{group}/{plural}"


def api_version(kind: str) -> str:
    """What stands as `apiVersion` in an object of a kind."""
    path = _CLUSTER_SCOPED[kind].rpartition("/")[0] if kind in _CLUSTER_SCOPED else _NAMESPACED[kind][0]
    return path.removeprefix("/apis/").removeprefix("/api/")


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One object; `namespace` is empty for what has none."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def to(cls, kind: str, found: Mapping[str, Any]) -> Self:
        """The one that an object of a list is."""
        metadata = found["metadata"]
        return cls(kind, str(metadata.get("namespace") or ""), str(metadata["name"]))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads what `str` wrote.

        Raises:
            ValueError: the text has another form.
        """
        kind, _, rest = text.partition("/")
        namespace, _, name = rest.rpartition("/")
        if kind in _CLUSTER_SCOPED and not namespace and name:
            return cls(kind, "", name)
        if kind in _NAMESPACED and namespace and name and "/" not in namespace:
            return cls(kind, namespace, name)
        raise ValueError(f"{text!r} names no object as KIND/NAMESPACE/NAME")

    @property
    def path(self) -> str:
        return f"{collection(self.kind, self.namespace)}/{self.name}"

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)
