"""Kinds of objects: where the API serves them, and what is known of them without asking."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from rehearsal.plugins.kubernetes.api import Api, ApiError
from rehearsal.plugins.kubernetes.documents import Object

BUILT_IN_GROUPS = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)

_CLUSTER_SCOPED = frozenset(
    {
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "FlowSchema",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
    }
)


class NoMatch(Exception):
    """The API server serves no such kind: as a rule, its CustomResourceDefinition is missing."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(f'no matches for kind "{kind}" in version "{api_version}"')


@dataclass(frozen=True)
class Kind:
    """A kind that the API server serves."""

    api_version: str
    plural: str
    namespaced: bool

    def collection(self, namespace: str) -> str:
        """Return the path of all objects of this kind, in one namespace when it has them."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        scope = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{root}{scope}/{self.plural}"

    def item(self, namespace: str, name: str) -> str:
        """Return the path of one object."""
        return f"{self.collection(namespace)}/{name}"


class Kinds:
    """The kinds that an API server serves, asked once per API version."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[str, dict[str, Kind]] = {}
        self._lock = threading.Lock()

    def find(self, api_version: str, kind: str) -> Kind:
        """Return where a kind is served. What is missing is asked for again: a CRD may have come meanwhile.

        Raises:
            NoMatch: the API server does not serve it.
            Unreachable: it does not answer.
        """
        with self._lock:
            found = self._known.get(api_version, {}).get(kind)
            if found is None:
                self._known[api_version] = self._discover(api_version)
                found = self._known[api_version].get(kind)
        if found is None:
            raise NoMatch(api_version, kind)
        return found

    def _discover(self, api_version: str) -> dict[str, Kind]:
        try:
            answer = self._api.get(f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}")
        except ApiError as error:
            if error.not_found:
                return {}
            raise
        resources: list[Object] = answer.get("resources") or []
        served = [resource for resource in resources if "/" not in resource["name"]]
        return {resource["kind"]: Kind(api_version, resource["name"], resource["namespaced"]) for resource in served}


def group(api_version: str) -> str:
    """Return the API group; empty for the core one."""
    return api_version.rpartition("/")[0]


def built_in(api_version: str) -> bool:
    """Say whether Kubernetes itself defines this API version's kinds."""
    return group(api_version) in BUILT_IN_GROUPS


def probably_namespaced(api_version: str, kind: str) -> bool:
    """Guess, without a cluster, whether objects of a kind live in namespaces; unknown kinds are taken to."""
    return not (built_in(api_version) and kind in _CLUSTER_SCOPED)


def from_token(token: str) -> tuple[str, str]:
    """Split a type token, `kubernetes:apps/v1:Deployment`, into API version and kind."""
    _, api_version, kind = token.split(":", 2)
    return api_version.removeprefix("core/"), kind
