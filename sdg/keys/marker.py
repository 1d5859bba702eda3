"""The note in the cluster that its keys were backed up: which, when, where to. It holds no key."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from sdg.keys.contents import manifest
from sdg.kube.api import KubernetesReader
from sdg.kube.errors import ObjectNotFoundError
from sdg.kube.objects import Ref, collection
from sdg.osmo import layout
from sdg.osmo.retained import KEYS_BACKUP

REF = Ref("ConfigMap", layout.SERVICE_NAMESPACE, KEYS_BACKUP)


class KubernetesWriter(KubernetesReader, Protocol):
    """A cluster in which objects can be made and changed."""

    def post(self, path: str, document: Any) -> Any: ...  # noqa: ANN401 (JSON)

    def patch(self, path: str, changes: Any) -> Any: ...  # noqa: ANN401 (JSON)


@dataclass(frozen=True, slots=True)
class Marker:
    """One backup.

    Attributes:
        fingerprint: of the keys in it.
        made: when, ISO in UTC.
        file: absolute path on the host that made it.
        host: that host's name.
    """

    fingerprint: str
    made: str
    file: str
    host: str

    def __str__(self) -> str:
        return f"{self.file} on {self.host}, made {self.made}"


def read(api: KubernetesReader) -> Marker | None:
    """The last backup that was noted; None where there is none. Raises KubeError."""
    try:
        data = api.get(REF.path).get("data") or {}
    except ObjectNotFoundError:
        return None
    return Marker(*(str(data.get(key, "")) for key in ("fingerprint", "made", "file", "host")))


def write(api: KubernetesWriter, marker: Marker) -> None:
    """Notes a backup in place of the last one. Raises KubeError."""
    if read(api) is None:
        api.post(collection(REF.kind, REF.namespace), manifest(REF, asdict(marker)))
    else:
        api.patch(REF.path, {"data": asdict(marker)})
