"""What is on volumes: the folders of models, kept on the PersistentVolume itself, so that they live and go with it."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Final

from rehearsal.api import CLAIMS, VOLUMES, Api, Object
from rehearsal.nims.pods import quantity

HOLDS: Final = "rehearsal.sdg/holds"
"""Annotation of a volume: a JSON object of the folders on it and their sizes in GB."""


class Store:
    """Reads and writes what claims' volumes hold. May be used from several threads."""

    def __init__(self, api: Api) -> None:
        self._api, self._lock = api, threading.Lock()

    def folders(self, namespace: str, claim: str) -> dict[str, float]:
        """Folders on a claim's volume and their sizes in GB; empty where there is no volume."""
        volume = self._volume(namespace, claim)
        return {} if volume is None else holds(volume)

    def free_gb(self, namespace: str, claim: str) -> float:
        """What a claim's volume has left, in GB; infinite where there is no volume."""
        volume = self._volume(namespace, claim)
        if volume is None:
            return float("inf")
        return quantity(str(volume["spec"]["capacity"]["storage"])) / 1e9 - sum(holds(volume).values())

    def add(self, namespace: str, claim: str, folder: str, size_gb: float) -> None:
        """Puts a folder on a claim's volume."""
        with self._lock:
            volume = self._volume(namespace, claim)
            if volume is None:
                return
            text = json.dumps({**holds(volume), folder: size_gb}, sort_keys=True)
            self._api.patch(VOLUMES, volume["metadata"]["name"], {"metadata": {"annotations": {HOLDS: text}}})

    def _volume(self, namespace: str, claim: str) -> Object | None:
        found = self._api.get(CLAIMS, claim, namespace)
        name = found["spec"].get("volumeName") if found else ""
        return self._api.get(VOLUMES, name) if name else None


def holds(volume: Object) -> dict[str, float]:
    """The folders that a PersistentVolume's annotation names."""
    annotations: Mapping[str, str] = volume["metadata"].get("annotations") or {}
    content = json.loads(annotations.get(HOLDS, "{}"))
    return {str(folder): float(size) for folder, size in content.items()}
