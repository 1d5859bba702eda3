"""Probe: is the volume that a model is kept on there? Says why it is not, and which class of storage would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sdg.catalog import storage_provisioners
from sdg.catalog.endpoint_causes import endpoint_causes
from sdg.gates.checks import Check, Status
from sdg.gates.probes.workloads import NamespaceView
from sdg.kube.api import Json, KubernetesReader, items
from sdg.kube.errors import KubeError
from sdg.kube.objects import collection

NAME: Final = "model-volume"
_CLASSES: Final = "/apis/storage.k8s.io/v1/storageclasses"
_BOUND: Final = "Bound"
_NEWS: Final = frozenset({"ProvisioningFailed", "FailedBinding"})


class VolumeView:
    """The claims of a namespace, read once and only when asked for."""

    def __init__(self, api: KubernetesReader, namespace: str, inside: NamespaceView) -> None:
        self._api, self.namespace, self._inside = api, namespace, inside
        self._claims: Mapping[str, Json] | None = None

    def claim(self, name: str) -> Json | None:
        """One claim; raises KubeError."""
        if self._claims is None:
            self._claims = {
                item["metadata"]["name"]: item for item in items(self._api, collection("PersistentVolumeClaim", self.namespace))
            }
        return self._claims.get(name)

    def news(self, name: str) -> str:
        """What was last said to be wrong with a claim, in the provisioner's words."""
        about = [event for event in self._inside.events() if event.get("reason") in _NEWS and _is_about(event, name)]
        latest = max(about, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""), default=None)
        return f"{latest['reason']}: {latest.get('message')}" if latest else ""

    def refusal(self, storage_class: str) -> str:
        """What is known of a class that cannot give volumes for many nodes; empty where nothing is."""
        try:
            found = self._api.get(f"{_CLASSES}/{storage_class}") if storage_class else {}
        except KubeError:
            return ""
        return storage_provisioners.refusal(storage_class, str(found.get("provisioner") or "")) or "" if found else ""


def _is_about(event: Json, claim: str) -> bool:
    subject = event.get("involvedObject") or {}
    return subject.get("kind") == "PersistentVolumeClaim" and subject.get("name") == claim


def volume_check(view: VolumeView, claim: str, endpoint: str) -> Check:
    """The check on one claim."""
    subject, expected = f"claim/{claim}", "a volume that many nodes can write"
    found = view.claim(claim)
    if found is None:
        return Check(NAME, subject, Status.FAILED, "no such claim yet", expected, "The NIM operator, or the stack, makes it.")
    phase = str((found.get("status") or {}).get("phase") or "Pending")
    if phase == _BOUND:
        return Check(NAME, subject, Status.PASSED, _BOUND, expected)
    news = view.news(claim)
    storage_class = str((found.get("spec") or {}).get("storageClassName") or "")
    cause = endpoint_causes().of_words("volume", news) if news else None
    if cause is None:
        remedy = f"Run `kubectl --namespace {view.namespace} describe pvc {claim}` and look at its events."
        return Check(NAME, subject, Status.FAILED, "; ".join(filter(None, [phase, news])), expected, remedy, stuck=bool(news))
    advice = cause.advice(name=endpoint, claim=claim, class_=storage_class or "(the cluster's default)")
    known = view.refusal(storage_class)
    remedy = f"{known} {advice}" if known else advice
    return Check(NAME, subject, Status.FAILED, f"{cause.name}: {phase}; {news}", expected, remedy, stuck=True)
