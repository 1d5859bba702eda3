"""Helm's own record of a release, as Helm keeps it in Secrets of the release's namespace."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from sdg.kube.api import KubernetesReader, items


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a release.

    Attributes:
        status: Helm's word for it: "deployed", "superseded", "failed", "pending-upgrade".
        chart: the chart's name.
        version: the chart's version.
        values: what the release was given, without the chart's defaults. May hold credentials.
    """

    number: int
    status: str
    chart: str
    version: str
    values: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        chart = (record.get("chart") or {}).get("metadata") or {}
        return cls(
            number=int(record.get("version") or 0),
            status=str((record.get("info") or {}).get("status") or "unknown"),
            chart=str(chart.get("name") or ""),
            version=str(chart.get("version") or ""),
            values=record.get("config") or {},
        )


def revisions(api: KubernetesReader, namespace: str, release: str) -> list[Revision]:
    """The revisions that Helm still knows, the newest last; none for a release that doesn't exist.

    Raises:
        KubeError: the cluster did not say.
    """
    query = {"labelSelector": f"owner=helm,name={release}"}
    found = items(api, f"/api/v1/namespaces/{namespace}/secrets", query)
    return sorted((Revision.of(_decoded(secret["data"]["release"])) for secret in found), key=lambda revision: revision.number)


def _decoded(stored: str) -> Mapping[str, Any]:
    # once by Kubernetes, once by Helm
    packed = base64.b64decode(base64.b64decode(stored))
    record: Mapping[str, Any] = json.loads(gzip.decompress(packed))
    return record
