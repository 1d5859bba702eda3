"""Probe: does the cluster's API answer, in a version that is supported, with what the planned volumes and GPUs need?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from sdg.gates.checks import Check, Verdict, judge
from sdg.gates.probes import nodes, pools
from sdg.kube.api import Json, KubernetesReader, items
from sdg.kube.errors import ObjectNotFoundError
from sdg.kube.objects import collection
from sdg.platform.layout import RUNTIME_CLASS

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_RELEASE = re.compile(r"v?(\d+\.\d+\.\d+)")  # vendors append to it: v1.31.2-gke.1, v1.30.4+k3s1

_CLASS_MISSING = "Name one of the cluster's classes under `sdg:cluster` `storageClass`, or mark one as default."
_RUNTIME_MISSING = (
    "A GPU operator makes it: install one (`sdg:platform.gpuOperator.install true`), or make a RuntimeClass of this name whose handler is "
    "the one that the nodes' container runtime has for GPUs."
)
_SHARED_FILES = frozenset({"file.csi.azure.com", "nfs.csi.k8s.io", "smb.csi.k8s.io"})
_NO_DISKS = "Name a class of disks with `sdg:cluster.storageClass`, such as managed-csi on Azure."
_CLASS_LOST = (
    "The volumes were made with {0}. To keep them and their data, make that class again. "
    "To have them made anew and empty, name another class: set `sdg:cluster.storageClass`."
)


@dataclass(frozen=True, slots=True)
class ClusterProbe:
    """Looks at a cluster once.

    Attributes:
        api: where to read.
        plan: what its nodes must offer.
        kubernetes: the versions that are supported, as in ">=1.30"; empty allows all.
        storage_class: the class that must exist; None asks for the one in use, or else for a default class.
        pools: those that its nodes come in; none where nodes are just there.
        on_disks: whether the stack keeps a database or objects on volumes of the class, which shared files are no place for.
        storage_class_in_use: the class that volumes were made with, if any: theirs stays, whatever the default is by now.
    """

    api: KubernetesReader
    plan: nodes.NodePlan = field(default_factory=nodes.NodePlan)
    kubernetes: str = ""
    storage_class: str | None = None
    storage_class_in_use: str | None = None
    pools: tuple[pools.Pool, ...] = ()
    on_disks: bool = False

    def look(self) -> Verdict:
        version = str(self.api.get("/version")["gitVersion"])
        members = items(self.api, "/api/v1/nodes")
        classes = items(self.api, "/apis/storage.k8s.io/v1/storageclasses")
        found = [
            self._version(version),
            *nodes.checks(members, self.plan),
            *pools.checks(self.api, members, self.pools),
            *self._runtime(),
            self._storage(classes),
            *self._disks(classes),
        ]
        evidence = {
            "kubernetes": version,
            "nodes": len(members),
            "gpus": sum(nodes.gpus(node) for node in members),
            "gpuNodes": sum(nodes.gpus(node) > 0 for node in members),
            # by name, since a chart that is given none cannot be upgraded: the class of a claim is immutable
            "storageClass": self._wanted_class or next(iter(_defaults(classes)), ""),
        }
        return Verdict(tuple(found), evidence)

    @property
    def _wanted_class(self) -> str | None:
        return self.storage_class or self.storage_class_in_use

    def _version(self, found: str) -> Check:
        release = _RELEASE.match(found)
        good = bool(release) and SpecifierSet(self.kubernetes).contains(Version(release.group(1) if release else "0"))
        return judge(
            "kubernetes-version",
            "cluster",
            good,
            observed=found,
            expected=self.kubernetes or "any",
            remedy="Upgrade the cluster, or choose one in the supported range.",
        )

    def _runtime(self) -> list[Check]:
        """Pods with GPUs name a RuntimeClass, and the API server refuses pods that name one it doesn't have."""
        if not self.plan.gpus:
            return []
        try:
            names = [item["metadata"]["name"] for item in items(self.api, collection("RuntimeClass"))]
        except ObjectNotFoundError:
            names = []
        seen = ", ".join(names) or "none"
        good = RUNTIME_CLASS in names
        return [judge("runtime-class", "cluster", good, observed=seen, expected=RUNTIME_CLASS, remedy=_RUNTIME_MISSING)]

    def _storage(self, classes: Sequence[Json]) -> Check:
        names = [item["metadata"]["name"] for item in classes]
        defaults = _defaults(classes)
        seen = f"{', '.join(names) or 'none'}; default: {', '.join(defaults) or 'none'}"
        wanted = self._wanted_class
        lost = self.storage_class is None and self.storage_class_in_use is not None
        return judge(
            "storage-class",
            "cluster",
            wanted in names if wanted else bool(defaults),
            observed=seen,
            expected=wanted or "a default StorageClass",
            remedy=_CLASS_LOST.format(wanted) if lost else _CLASS_MISSING,
        )

    def _disks(self, classes: Sequence[Json]) -> list[Check]:
        """Databases and MinIO need a disk: file locks and syncs of shared files lose their data."""
        wanted = self._wanted_class or next(iter(_defaults(classes)), None)
        found = next((str(item.get("provisioner")) for item in classes if item["metadata"]["name"] == wanted), None)
        if not self.on_disks or found is None:
            return []
        good = found not in _SHARED_FILES
        return [judge("storage-on-disks", "cluster", good, observed=f"{wanted} by {found}", expected="a class of disks", remedy=_NO_DISKS)]


def _defaults(classes: Sequence[Json]) -> list[str]:
    """The default classes; of several, Kubernetes takes the newest, which comes first here."""
    newest_first = sorted(classes, key=lambda item: str(item["metadata"].get("creationTimestamp", "")), reverse=True)
    return [item["metadata"]["name"] for item in newest_first if _is_default(item)]


def _is_default(storage_class: Json) -> bool:
    annotations = storage_class["metadata"].get("annotations") or {}
    return str(annotations.get(_DEFAULT_CLASS)) == "true"
