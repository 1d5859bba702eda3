"""What there is of this product in a cluster and on this host: everything while a stack is up, and nothing, or what was promised, after.

Destroy knows by its state what it made. Here things are told by what they look like, so that what the state forgot is found as well.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import yaml

from sdg.forward.store import Store
from sdg.gates.probes.remains import HELM_NAMESPACE
from sdg.kube.api import KubernetesReader, items
from sdg.kube.errors import ObjectNotFoundError, RefusedError
from sdg.kube.kubeconfig_file import EXTENSION
from sdg.kube.objects import Ref, collection
from sdg.microk8s.gpu import NAMESPACE as MICROK8S_GPU_NAMESPACE
from sdg.osmo import layout
from sdg.osmo.retained import claim_of, is_namespaces_own, promised
from sdg.platform import layout as platform

NAMESPACES: Final = (
    layout.SERVICE_NAMESPACE,
    layout.OPERATOR_NAMESPACE,
    layout.WORKFLOWS_NAMESPACE,
    platform.MINIO_NAMESPACE,
    platform.KAI_NAMESPACE,
    platform.GPU_OPERATOR_NAMESPACE,
    platform.NIM_OPERATOR_NAMESPACE,
    platform.NIM_NAMESPACE,
    MICROK8S_GPU_NAMESPACE,
)
_INSIDE: Final = (
    *("Deployment", "Job", "Pod", "PodGroup", "Service", "ServiceAccount"),
    *("PersistentVolumeClaim", "Secret", "ConfigMap", "ResourceQuota"),
)
_SCOPED: Final = (
    *("Namespace", "PriorityClass", "ClusterRole", "ClusterRoleBinding", "RuntimeClass", "Queue", "Topology", "PersistentVolume"),
    *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "CustomResourceDefinition"),
)

_CRD: Final = "CustomResourceDefinition"
_NAMES: Final = frozenset({*platform.KAI_DEFAULT_QUEUES, *platform.KAI_CRDS, *platform.GPU_OPERATOR_CRDS, *platform.NIM_CRDS})
_ASKS: Final = 20
_PAUSE: Final = 0.5  # seconds between two of them

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything that was found.

    Attributes:
        objects: of the cluster, with what is inside the product's namespaces.
        volumes: the claims of the PersistentVolumes among them, by volume.
        host: forwards and entries of kubeconfigs, one sentence each.
    """

    objects: frozenset[Ref]
    volumes: Mapping[Ref, Ref]
    host: tuple[str, ...]

    def unexpected(self, *, retain: bool, definitions: Collection[str] = platform.KAI_CRDS) -> list[str]:
        """What should not be there after a destroy; empty when it kept its promise.

        Args:
            retain: whether data was to stay.
            definitions: names of the CRDs that were to stay, as Helm leaves them.
        """
        return [*(str(ref) for ref in sorted(self.objects) if not self._may_stay(ref, definitions, retain=retain)), *self.host]

    def kept(self) -> list[Ref]:
        """The promised objects that are there."""
        return [ref for ref in sorted(self.objects) if promised(ref)]

    def _may_stay(self, ref: Ref, definitions: Collection[str], *, retain: bool) -> bool:
        if ref.kind == _CRD:
            return ref.name in definitions
        return retain and promised(self.volumes.get(ref, ref)) is not None


def inventory(api: KubernetesReader | None, kubeconfigs: Sequence[Path] = ()) -> Inventory:
    """Looks at a cluster where there is one, at the forwards of this user, and at some kubeconfigs of theirs.

    Raises:
        KubeError: the cluster does not answer.
    """
    found = dict(_objects(api)) if api else {}
    volumes = {ref: claim_of(volume) for ref, volume in found.items() if ref.kind == "PersistentVolume"}
    return Inventory(frozenset(found), volumes, (*_forwards(), *(line for path in kubeconfigs for line in _contexts(path))))


def _objects(api: KubernetesReader) -> Iterator[tuple[Ref, Json]]:
    for namespace in NAMESPACES:
        try:
            yield Ref("Namespace", "", namespace), api.get(f"{collection('Namespace')}/{namespace}")
        except ObjectNotFoundError:
            continue
        for kind in _INSIDE:
            yield from ((ref, found) for ref, found in _all(api, kind, namespace) if not is_namespaces_own(ref))
    for kind in _SCOPED:
        yield from ((ref, found) for ref, found in _all(api, kind) if _is_ours(ref, found))


def _all(api: KubernetesReader, kind: str, namespace: str = "") -> Iterator[tuple[Ref, Json]]:
    for found in _patiently(api, collection(kind, namespace)):
        yield Ref.to(kind, found), found


def _patiently(api: KubernetesReader, path: str) -> list[Json]:
    """The objects of a list; none of a kind that this cluster doesn't know. Right after a kind was made, the API server asks to wait."""
    for _ in range(_ASKS - 1):
        try:
            return items(api, path)
        except ObjectNotFoundError:
            return []
        except RefusedError as error:
            if error.status != HTTPStatus.TOO_MANY_REQUESTS:
                raise
            time.sleep(_PAUSE)
    return items(api, path)


def _is_ours(ref: Ref, found: Json) -> bool:
    """By its name, by the program's label, by Helm's note, or by what it leads to."""
    metadata = found["metadata"]
    if ref.kind == "PersistentVolume":
        return claim_of(found).namespace in NAMESPACES
    if ref.name.startswith("osmo-") or ref.name in _NAMES:
        return True
    labelled = platform.OURS.items() <= (metadata.get("labels") or {}).items() or layout.SCHEDULER_LABEL in (metadata.get("labels") or {})
    noted = (metadata.get("annotations") or {}).get(HELM_NAMESPACE) in NAMESPACES
    services = [(webhook.get("clientConfig") or {}).get("service") or {} for webhook in found.get("webhooks") or []]
    return labelled or noted or any(service.get("namespace") in NAMESPACES for service in services)


def _forwards() -> Iterator[str]:
    for store in Store.all_of_user():
        marker = store.marker()
        if marker:
            yield f"a forward on port {store.port}, which serves {marker.serves}"


def _contexts(path: Path) -> Iterator[str]:
    """Contexts that this product made."""
    if not path.exists():
        return
    document = yaml.safe_load(path.read_text()) or {}
    for entry in document.get("contexts") or []:
        if any(extension.get("name") == EXTENSION for extension in (entry.get("context") or {}).get("extensions") or []):
            yield f"context {entry['name']} in {path}"
