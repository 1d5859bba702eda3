"""Dynamic volumes: makes the PersistentVolume that a claim asks for, and removes it when it was released.

Only the volume is made here; the real controllers bind it. What a class cannot give is refused here: nothing else would.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from rehearsal.api import STORAGE_CLASSES, VOLUMES, Api, ApiError, Object
from rehearsal.events import Events
from rehearsal.watching import Key, Watcher, key_of
from rehearsal.workqueue import WorkQueue

log = logging.getLogger(__name__)

PROVISIONER = "volume.kubernetes.io/storage-provisioner"
"""Annotation that the controllers set on a claim once a volume may be made: for WaitForFirstConsumer only when a node was chosen."""
MADE_BY = "pv.kubernetes.io/provisioned-by"
CONFLICT, RETRY = 409, 10.0

# access modes that each of our provisioners can give: block devices are attached to one node, file shares to many
ACCESS_MODES: Mapping[str, frozenset[str]] = {
    "block.rehearsal.sdg": frozenset({"ReadWriteOnce", "ReadWriteOncePod"}),
    "file.rehearsal.sdg": frozenset({"ReadWriteOnce", "ReadWriteOncePod", "ReadOnlyMany", "ReadWriteMany"}),
    # of AKS: disks are attached to one node, shares to many
    "disk.csi.azure.com": frozenset({"ReadWriteOnce", "ReadWriteOncePod"}),
    "file.csi.azure.com": frozenset({"ReadWriteOnce", "ReadWriteOncePod", "ReadOnlyMany", "ReadWriteMany"}),
    # of MicroK8s' addon: a folder of the node, which it gives for every mode that is asked for
    "microk8s.io/hostpath": frozenset({"ReadWriteOnce", "ReadWriteOncePod", "ReadOnlyMany", "ReadWriteMany"}),
}
# the names that CSI drivers use in their refusals
CSI_MODES: Mapping[str, str] = {"ReadWriteMany": "MULTI_NODE_MULTI_WRITER", "ReadOnlyMany": "MULTI_NODE_READER_ONLY"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a claim gets no volume, as the event says it."""

    message: str


def volume_for(claim: Object, classes: Mapping[str, Object]) -> Object | Refusal | None:
    """The volume that a claim waits for; None when it waits for nothing of ours."""
    metadata, spec = claim["metadata"], claim["spec"]
    provisioner = (metadata.get("annotations") or {}).get(PROVISIONER, "")
    pending = claim.get("status", {}).get("phase", "Pending") == "Pending" and not spec.get("volumeName")
    storage_class = classes.get(spec.get("storageClassName") or "")
    if provisioner not in ACCESS_MODES or not pending or metadata.get("deletionTimestamp") or storage_class is None:
        return None
    for mode in spec["accessModes"]:
        if mode not in ACCESS_MODES[provisioner]:
            name = storage_class["metadata"]["name"]
            words = f"rpc error: code = InvalidArgument desc = mountVolume is not supported for access mode: {CSI_MODES.get(mode, mode)}"
            return Refusal(f'failed to provision volume with StorageClass "{name}": {words}')
    return _volume(claim, storage_class, provisioner)


def is_released(volume: Object) -> bool:
    """Whether a volume of ours is to be removed."""
    ours = (volume["metadata"].get("annotations") or {}).get(MADE_BY) in ACCESS_MODES
    released = volume.get("status", {}).get("phase") == "Released"
    return ours and released and volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"


def _volume(claim: Object, storage_class: Object, provisioner: str) -> Object:
    metadata, spec = claim["metadata"], claim["spec"]
    name = f"pvc-{metadata['uid']}"
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {MADE_BY: provisioner}},
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            # with the uid: without it, binding waits for the next resync of 15 s
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
            # a hostPath volume with policy Delete fails outside of temporary directories; nobody looks at this one
            "csi": {"driver": provisioner.replace("/", "."), "volumeHandle": name},
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
            "storageClassName": storage_class["metadata"]["name"],
            "volumeMode": spec.get("volumeMode", "Filesystem"),
        },
    }


@dataclass
class Provisioner:
    """Follows claims, volumes and classes."""

    api: Api
    _classes: dict[str, Object] = field(default_factory=dict)
    _claims: dict[Key, Object] = field(default_factory=dict)
    _queue: WorkQueue = field(default_factory=WorkQueue)

    def __post_init__(self) -> None:
        self._events = Events(self.api, "block.rehearsal.sdg")

    def watchers(self) -> list[Watcher]:
        """The watches of volumes and classes; claims are told by `on_claim`."""
        return [Watcher(self.api, STORAGE_CLASSES, (self._on_class,)), Watcher(self.api, VOLUMES, (self._on_volume,))]

    def start(self) -> None:
        """Starts to work; the watches must have told once what exists."""
        self._queue.start(self._provide, 1, "volumes")

    def on_claim(self, change: str, claim: Object) -> None:
        """Takes over a change of a claim."""
        if change == "DELETED":
            self._claims.pop(key_of(claim), None)
        else:
            self._claims[key_of(claim)] = claim
            self._queue.add(key_of(claim))

    def _on_class(self, change: str, item: Object) -> None:
        if change == "DELETED":
            self._classes.pop(item["metadata"]["name"], None)
            return
        self._classes[item["metadata"]["name"]] = item
        for key in list(self._claims):
            self._queue.add(key)

    def _on_volume(self, change: str, volume: Object) -> None:
        if change != "DELETED" and is_released(volume) and not volume["metadata"].get("deletionTimestamp"):
            self.api.delete(VOLUMES, volume["metadata"]["name"])

    def _provide(self, key: Key) -> None:
        claim = self._claims.get(key)
        wanted = None if claim is None else volume_for(claim, self._classes)
        if claim is None or wanted is None:
            return
        if isinstance(wanted, Refusal):
            self._events.warn({"kind": "PersistentVolumeClaim", **claim}, "ProvisioningFailed", wanted.message)
            self._queue.add(key, RETRY)
            return
        try:
            self.api.create(VOLUMES, wanted)
        except ApiError as error:
            if error.code != CONFLICT:
                self._queue.add(key, 0.5)
                raise
