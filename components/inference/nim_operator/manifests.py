"""NIMService and NIMCache of a NIM, as the operator takes them. Pure, but for values that the engine knows later.

Source: the operator's API `apps.nvidia.com/v1alpha1` as of 3.1.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sdg.catalog.nims import Nim, Probe
from sdg.platform import layout
from sdg.settings.mirror import Mirror

API_VERSION: Final = "apps.nvidia.com/v1alpha1"
SHARED: Final = "ReadWriteMany"
# on the pods of every NIM: how many GPUs one of them takes
GPUS_LABEL: Final = "sdg/gpus"
_ONE_GPU: Final = {GPUS_LABEL: "1"}
_CACHE_PATH: Final = "NIM_CACHE_PATH"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a NIM runs and keeps its model.

    Attributes:
        storage_class: of its volume; a name, or an output of one.
        tolerations: of its pods.
        fetching: tolerations of what fetches its model, which needs no GPU.
        node_selector: labels of nodes for NIMs.
        replicas: pods.
        cached: whether a NIMCache of its name fetches the model.
    """

    storage_class: Any
    tolerations: tuple[Mapping[str, str], ...] = ()
    fetching: tuple[Mapping[str, str], ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    replicas: int = 1
    cached: bool = False


def can_be_cached(nim: Nim) -> bool:
    """Whether a NIMCache can fetch its model: one of NVIDIA's, which is looked for where the cache puts it."""
    return nim.source == "ngc" and _CACHE_PATH not in nim.environment


def service_spec(name: str, nim: Nim, mirror: Mirror, at: Placement) -> Json:
    """Spec of the NIMService."""
    optional: Json = {
        "command": list(nim.command),
        "args": list(nim.args),
        "env": list(_environment(nim)),
        "nodeSelector": dict(at.node_selector),
        "tolerations": [dict(each) for each in at.tolerations],
        "affinity": _packed() if nim.gpus == 1 else {},
    }
    return {
        "image": _image(nim, mirror),
        "authSecret": layout.NGC_SECRET,  # the API asks for it, even of a NIM that needs none
        "replicas": at.replicas,
        "labels": {**nim.labels, GPUS_LABEL: str(nim.gpus)},
        "storage": _storage(name, nim, at),
        "resources": {"requests": _resources(nim), "limits": _resources(nim)},
        "expose": {"service": {"type": "ClusterIP", "port": layout.NIM_PORT}},
        **{key: value for key, value in optional.items() if value},
        **{key: value for key, value in (("userID", nim.user), ("groupID", nim.group)) if value is not None},
        **dict(_probes(nim)),
    }


def cache_spec(nim: Nim, mirror: Mirror, at: Placement) -> Json:
    """Spec of the NIMCache that fetches the model before any GPU is taken."""
    source = {"modelPuller": mirror.image(nim.image), "authSecret": layout.NGC_SECRET, "pullSecret": layout.NIM_PULL_SECRET}
    spec = {"source": {"ngc": source}, "storage": {"pvc": _made_claim(nim, at)}}
    return {**spec, "tolerations": [dict(each) for each in at.fetching]} if at.fetching else spec


def _image(nim: Nim, mirror: Mirror) -> Json:
    repository, _, tag = mirror.image(nim.image).rpartition(":")
    pulled = {"repository": repository, "tag": tag, "pullPolicy": "IfNotPresent"}
    return {**pulled, "pullSecrets": [layout.NIM_PULL_SECRET]} if nim.pull_secret else pulled


def _environment(nim: Nim) -> Iterator[Json]:
    yield from ({"name": name, "value": value} for name, value in nim.environment.items())
    for name, secret in nim.secret_environment.items():
        yield {"name": name, "valueFrom": {"secretKeyRef": {"name": secret.secret, "key": secret.key}}}


def _resources(nim: Nim) -> Json:
    """CPU is never asked for: NVIDIA's guide gives none, and a limit would slow the start."""
    own = {layout.GPU_RESOURCE: str(nim.gpus), "memory": nim.memory}
    return {**own, "ephemeral-storage": nim.ephemeral_storage} if nim.ephemeral_storage else own


def _storage(name: str, nim: Nim, at: Placement) -> Json:
    store: Json
    if nim.volume.owner == "stack":
        store = {"pvc": {"name": layout.nim_claim(name)}}
    elif at.cached:
        store = {"nimCache": {"name": name}}
    else:
        store = {"pvc": _made_claim(nim, at)}
    return {**store, "sharedMemorySizeLimit": nim.shared_memory} if nim.shared_memory else store


def _made_claim(nim: Nim, at: Placement) -> Json:
    return {"create": True, "size": nim.volume.size, "volumeAccessMode": SHARED, "storageClass": at.storage_class}


def _packed() -> Json:
    """NIMs of one GPU go where others of them are, so that nodes with all GPUs free are left for those that need as many."""
    term = {"labelSelector": {"matchLabels": _ONE_GPU}, "topologyKey": "kubernetes.io/hostname"}
    return {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}}


def _probes(nim: Nim) -> Iterator[tuple[str, Json]]:
    """Those that replace the operator's own; their port is the one of the container."""
    known = {"startupProbe": nim.probes.startup, "readinessProbe": nim.probes.readiness, "livenessProbe": nim.probes.liveness}
    yield from ((key, {"enabled": True, "probe": _probe(probe)}) for key, probe in known.items() if probe)


def _probe(probe: Probe) -> Json:
    port = {"port": layout.NIM_PORT}
    asks = {"tcpSocket": port} if probe.path is None else {"httpGet": {"path": probe.path, **port}}
    times = {"initialDelaySeconds": probe.delay, "periodSeconds": probe.period, "timeoutSeconds": probe.timeout}
    return {**asks, **times, "failureThreshold": probe.failures}
