"""What `sdg:data: retain` promises: the objects that destroy leaves, and what each of them holds. Everything else goes.

One table for the components that are told to leave them, for destroy's last look, for the backup of the keys, and for inventories.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sdg.kube.objects import Ref
from sdg.osmo import layout
from sdg.platform import layout as platform

KEYS_BACKUP: Final = "sdg-keys-backup"
"""ConfigMap in OSMO's namespace that says which keys were backed up, when and where to; it holds none."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One object that stays.

    Attributes:
        role: a namespace that holds the others, a volume, a key, or a note about them.
        holds: what it is, for people.
    """

    ref: Ref
    role: Literal["place", "volume", "key", "note"]
    holds: str


RETAINED: Final = (
    Promise(Ref("Namespace", "", layout.SERVICE_NAMESPACE), "place", "OSMO's data and keys"),
    Promise(Ref("Namespace", "", platform.MINIO_NAMESPACE), "place", "the object store's data and key"),
    Promise(Ref("PersistentVolumeClaim", layout.SERVICE_NAMESPACE, layout.DATABASE_CLAIM), "volume", "OSMO's database"),
    Promise(Ref("PersistentVolumeClaim", layout.SERVICE_NAMESPACE, layout.REDIS_CLAIM), "volume", "OSMO's queues"),
    Promise(Ref("PersistentVolumeClaim", platform.MINIO_NAMESPACE, platform.MINIO_CLAIM), "volume", "the object store's buckets"),
    Promise(Ref("ConfigMap", layout.SERVICE_NAMESPACE, layout.MEK_CONFIG_MAP), "key", "OSMO's master encryption key"),
    Promise(Ref("Secret", layout.SERVICE_NAMESPACE, layout.DATABASE_SECRET), "key", "the database's password"),
    Promise(Ref("Secret", layout.SERVICE_NAMESPACE, layout.ADMIN_SECRET), "key", "the admin's token"),
    Promise(Ref("Secret", platform.MINIO_NAMESPACE, platform.MINIO_ROOT_SECRET), "key", "the object store's root password"),
    Promise(Ref("ConfigMap", layout.SERVICE_NAMESPACE, KEYS_BACKUP), "note", "where the keys were backed up to"),
)
_BY_REF: Final[Mapping[Ref, Promise]] = {promise.ref: promise for promise in RETAINED}

# what Kubernetes itself keeps in every namespace
_IN_EVERY_NAMESPACE: Final = frozenset({("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")})


def promised(ref: Ref) -> Promise | None:
    """The promise about an object; None where there is none."""
    return _BY_REF.get(ref)


def is_namespaces_own(ref: Ref) -> bool:
    """Whether Kubernetes puts this object into every namespace."""
    return (ref.kind, ref.name) in _IN_EVERY_NAMESPACE


def claim_of(volume: Mapping[str, Any]) -> Ref:
    """The claim that a PersistentVolume is or was bound to; one without a name where there is none."""
    claim = volume["spec"].get("claimRef") or {}
    return Ref("PersistentVolumeClaim", str(claim.get("namespace") or ""), str(claim.get("name") or ""))


def in_words(found: Iterable[Ref]) -> list[str]:
    """One line per object that stayed: where it is and what it holds, in the table's order."""
    present = set(found)
    return [f"{promise.ref}: {promise.holds}" for promise in RETAINED if promise.ref in present]
