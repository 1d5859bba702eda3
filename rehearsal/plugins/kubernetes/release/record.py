"""Helm's own record of a release, as Helm keeps it in the cluster and prints it as JSON."""

from __future__ import annotations

import base64
import gzip
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from rehearsal.plugins.kubernetes import documents
from rehearsal.plugins.kubernetes.api import Api
from rehearsal.plugins.kubernetes.documents import Object
from rehearsal.plugins.kubernetes.kinds import group
from rehearsal.plugins.provider import ProviderError

_COLLECTIONS = {"secret": "secrets", "secrets": "secrets", "": "secrets", "configmap": "configmaps", "configmaps": "configmaps"}


@dataclass(frozen=True)
class Record:
    """One revision of a release."""

    name: str
    namespace: str
    revision: int
    status: str
    chart: str
    version: str
    app_version: str
    values: Object
    manifest: str

    @classmethod
    def from_json(cls, data: Object) -> Record:
        """Read what `helm ... --output json` prints; the stored record has the same form."""
        metadata = (data.get("chart") or {}).get("metadata") or {}
        return cls(
            name=data.get("name", ""),
            namespace=data.get("namespace", ""),
            revision=data.get("version", 0),
            status=(data.get("info") or {}).get("status", "unknown"),
            chart=metadata.get("name", ""),
            version=metadata.get("version", ""),
            app_version=metadata.get("appVersion", ""),
            values=data.get("config") or {},
            manifest=data.get("manifest", ""),
        )

    def summary(self) -> Object:
        """Return the release's `status` output."""
        return {
            "appVersion": self.app_version,
            "chart": self.chart,
            "name": self.name,
            "namespace": self.namespace,
            "revision": self.revision,
            "status": self.status,
            "version": self.version,
        }

    def resource_names(self) -> dict[str, list[str]]:
        """Return the names of what the manifest holds, by `Kind.group/apiVersion`."""
        names: dict[str, set[str]] = defaultdict(set)
        for document in documents.load_all(self.manifest):
            if isinstance(document, dict) and document.get("kind"):
                names[_key(document)].add(_name(document))
        return {key: sorted(found) for key, found in sorted(names.items())}


def last(api: Api, driver: str, namespace: str, name: str) -> Record | None:
    """Return the newest revision that Helm recorded, whatever its status; None when there is none.

    Raises:
        ProviderError: Helm keeps its records somewhere that the stand-in does not look.
    """
    collection = _COLLECTIONS.get(driver)
    if collection is None:
        raise ProviderError(f"helm driver {driver!r}: the rehearsal's stand-in reads Helm's records from Secrets and ConfigMaps only")
    path = f"/api/v1/namespaces/{namespace}/{collection}"
    found = api.get(path, labelSelector=f"owner=helm,name={name}").get("items") or []
    if not found:
        return None
    newest = max(found, key=lambda item: int(item["metadata"]["labels"].get("version", 0)))
    payload = newest["data"]["release"]
    text = base64.b64decode(payload).decode() if collection == "secrets" else payload
    return Record.from_json(_decompressed(text))


def _decompressed(text: str) -> Object:
    data = base64.b64decode(text)
    release: Any = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    return release if isinstance(release, dict) else {}


def _key(document: Object) -> str:
    version, kind = str(document.get("apiVersion", "")), str(document["kind"])
    return f"{kind}.{group(version)}/{version}" if group(version) else f"{kind}/{version}"


def _name(document: Object) -> str:
    metadata = document.get("metadata") or {}
    name, namespace = str(metadata.get("name", "")), metadata.get("namespace")
    return f"{namespace}/{name}" if namespace else name
