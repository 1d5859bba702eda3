"""What the programs of NIMs and of the Jobs around them do on their nodes: pull, fetch, load, and get ready or end with a word why.

The kubelet asks before it lets a pod be ready. Times are a cluster's, compressed. Faults: `nim.slow`, `nim.never`, `nim.download`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from rehearsal.api import DEFINITIONS, NODES, Api, Object
from rehearsal.faults import Faults, Fields
from rehearsal.kubelet import Delay, Hold, Warm
from rehearsal.needs import Missing
from rehearsal.nims import downloads, pods
from rehearsal.nims.access import Access
from rehearsal.nims.images import Image, hub_model, image
from rehearsal.nims.kinds import KINDS, definition
from rehearsal.nims.pulls import Pulls
from rehearsal.nims.rendering import KEY
from rehearsal.nims.starts import Seen, ending, is_offline, model
from rehearsal.nims.store import Store
from rehearsal.nodes import GPU
from rehearsal.podlogs import PodLogs
from rehearsal.podstatus import Crash

CACHING: Final = "download-to-cache"
"""Command of an image that only fetches its model."""
MINUTE: Final = 60.0
TOO_MANY: Final = 429
NEVER: Final = Warm(float("inf"))
Said = Hold | Delay | Warm | Crash | None


class Programs:
    """Follows pods from their images' pull to their readiness. May be used from several threads.

    Args:
        scale: seconds that pass here for each of a cluster's.
        now: monotonic seconds.
    """

    def __init__(self, api: Api, faults: Faults, logs: PodLogs, scale: float, now: Callable[[], float] = time.monotonic) -> None:
        self._api, self._faults, self._logs, self._scale, self._now = api, faults, logs, scale, now
        self._pulls, self._store, self._access = Pulls(api, faults), Store(api), Access(api, faults)
        self._lock = threading.Lock()
        self._since: dict[tuple[str, str], float] = {}
        self._pods: dict[str, Object] = {}
        self._logged: set[tuple[str, str]] = set()

    def on_pod(self, change: str, pod: Object) -> None:
        """Takes over a change of a pod: a node keeps the images of pods that ran on it."""
        uid = pod["metadata"]["uid"]
        with self._lock:
            if change == "DELETED":
                self._pods.pop(uid, None)
                self._since = {step: when for step, when in self._since.items() if step[0] != uid}
                self._logged = {said for said in self._logged if said[0] != uid}
            elif pods.is_nim(pod) or _caches(pod) or downloads.download(pod):
                self._pods[uid] = pod
        if change != "DELETED" and pod.get("status", {}).get("phase") in {"Running", "Succeeded"}:
            for item in pod["spec"]["containers"]:
                self._pulls.keep(pod["spec"].get("nodeName", ""), str(item.get("image", "")))

    def on_node(self, change: str, node: Object) -> None:
        """Takes over a change of a node."""
        if change == "DELETED":
            self._pulls.forget(node["metadata"]["name"])

    def ending(self, pod: Object) -> Said:
        """What becomes of a pod's program; None when it runs and is ready, or is none of these."""
        if refused := self._pulls.refused(pod):
            return self._unpulled(refused)
        labels = pod["metadata"].get("labels") or {}
        if labels.get("control-plane") == "controller-manager" and labels.get(pods.NAME) == pods.MANAGER:
            return self._manager()
        if pods.is_nim(pod):
            return self._nim(pod, image(str(pods.container(pod).get("image", ""))))
        if _caches(pod):
            return self._caching(pod, image(str(pods.container(pod).get("image", ""))))
        return self._download(pod)

    def _unpulled(self, refused: Missing) -> Hold:
        return Hold((refused,))

    def _manager(self) -> Crash | None:
        """The manager looks for all its kinds when it starts."""
        for kind in KINDS:
            if self._api.get(DEFINITIONS, definition(kind)) is None:
                words = f'no matches for kind "{kind}" in version "apps.nvidia.com/v1alpha1"'
                return Crash(message=f"problem running manager: {words}")
        return None

    def _nim(self, pod: Object, does: Image) -> Said:
        name = pods.service_of(pod)
        if left := self._left(pod, "pull", self._pull_seconds(pod, does)):
            return Delay(left)
        seen = self._seen(pod)
        if crash := ending(pod, does, seen):
            self._again(pod)
            return crash
        if (never := _meant(self._faults.get("nim.never"), name)) is not None:
            self._log(pod, str(never.get("message") or "waiting for the engine to initialise"))
            return NEVER
        if (said := self._fetching(pod, does, seen)) is not None:
            return said
        return self._loading(pod, does, name)

    def _loading(self, pod: Object, does: Image, name: str) -> Said:
        item, load = pods.container(pod), does.load_minutes * MINUTE
        if not _is_probed_well(item, does):
            self._log(pod, f"listening on port {pods.listens_on(item)}; ready at {', '.join(does.health)}")
            return NEVER
        budget = _patience(item.get("startupProbe") or {})
        if load > budget:
            if left := self._left(pod, "probe", budget * self._scale):
                return Warm(left)
            self._again(pod)
            return Crash(exit_code=137, message="the startup probe gave up before the model was loaded")
        slow = _meant(self._faults.get("nim.slow"), name)
        extra = float(slow.get("seconds", 0)) if slow else 0.0
        if left := self._left(pod, "load", load * self._scale + extra):
            self._log(pod, "loading the weights of the model")
            return Warm(left)
        self._log(pod, f"the model is served on port {pods.listens_on(item)}")
        return None

    def _fetching(self, pod: Object, does: Image, seen: Seen) -> Said:
        """What a program fetches by itself before it loads it."""
        wanted = model(pod, does)
        if wanted is None or is_offline(pod):
            return None
        place = pods.place(pod, wanted.folder)
        if place is not None and place.path in seen.folders:
            return None
        known = hub_model(wanted.name)
        minutes, size = (known.minutes, known.size_gb) if wanted.name else (does.fetch_minutes, max(does.vram_gib, 1.0))
        return self._fetch(pod, wanted.name, place, (minutes, size))

    def _caching(self, pod: Object, does: Image) -> Said:
        """A Job of a NIMCache: it fetches what the image would fetch, and ends."""
        if left := self._left(pod, "pull", self._pull_seconds(pod, does)):
            return Delay(left)
        wanted = model(pod, does)
        place = pods.place(pod, wanted.folder) if wanted else None
        return self._fetch(pod, wanted.name if wanted else "", place, (does.fetch_minutes, max(does.vram_gib, 1.0)))

    def _download(self, pod: Object) -> Said:
        """A Job that fetches a model from the Hub."""
        found = downloads.download(pod)
        if found is None:
            return None
        place, known = pods.place(pod, found.folder), hub_model(found.model)
        if place is not None and place.path in self._store.folders(pod["metadata"]["namespace"], place.claim):
            return None
        return self._fetch(pod, found.model, place, (known.minutes, known.size_gb))

    def _fetch(self, pod: Object, name: str, place: pods.Place | None, takes: tuple[float, float]) -> Said:
        minutes, size = takes
        if status := self._refused(pod) or self._access.refused(pod, name):
            self._again(pod)
            return Crash(message=downloads.refusal(name, status))
        if left := self._left(pod, "fetch", minutes * MINUTE * self._scale):
            self._log(pod, f"fetching {name or 'the model'}: {size:.0f} GB")
            return Warm(left)
        if place is None:
            return None
        namespace = pod["metadata"]["namespace"]
        if size > self._store.free_gb(namespace, place.claim):
            self._again(pod)
            return Crash(message=f"OSError: [Errno 28] No space left on device: {name or 'the model'} has {size:.0f} GB")
        self._store.add(namespace, place.claim, place.path, size)
        return None

    def _refused(self, pod: Object) -> int | None:
        """The status that the switch says for a pod's program; None when it says nothing, or has said it often enough."""
        fault = _meant(self._faults.get("nim.download"), _owner(pod))
        if fault is None:
            return None
        times = fault.get("times")
        if times is not None and self._attempts(pod) >= int(times):
            return None
        return int(fault.get("status", TOO_MANY))

    def _attempts(self, pod: Object) -> int:
        """How often the pod's program, and those that its Job made before it, have ended."""
        uid, owners = pod["metadata"]["uid"], _owners(pod)
        with self._lock:
            others = [one for one in self._pods.values() if _owners(one) & owners and one["metadata"]["uid"] != uid]
        failed = [one for one in others if one.get("status", {}).get("phase") == "Failed"]
        restarts = [int(status.get("restartCount", 0)) for status in pod.get("status", {}).get("containerStatuses") or []]
        return len(failed) + sum(restarts)

    def _seen(self, pod: Object) -> Seen:
        place = pods.place(pod, "/model-store")
        folders = self._store.folders(pod["metadata"]["namespace"], place.claim) if place else {}
        node = self._api.get(NODES, pod["spec"]["nodeName"]) or {}
        memory = (node.get("metadata", {}).get("labels") or {}).get(f"{GPU}.memory")
        return Seen(folders, float(memory) / 1024 if memory else None, bool(self._access.value(pod, KEY)))

    def _pull_seconds(self, pod: Object, does: Image) -> float:
        there = self._pulls.has(pod["spec"]["nodeName"], str(pods.container(pod).get("image", "")))
        return 0.0 if there else does.pull_minutes * MINUTE * self._scale

    def _left(self, pod: Object, step: str, seconds: float) -> float:
        """Seconds that are left of a step that takes so many; it begins when it is first asked about."""
        key = (pod["metadata"]["uid"], step)
        with self._lock:
            since = self._since.setdefault(key, self._now())
        return max(since + seconds - self._now(), 0.0)

    def _again(self, pod: Object) -> None:
        """The container is started anew: everything but the pull begins again."""
        uid = pod["metadata"]["uid"]
        with self._lock:
            self._since = {step: when for step, when in self._since.items() if step[0] != uid or step[1] == "pull"}

    def _log(self, pod: Object, line: str) -> None:
        metadata = pod["metadata"]
        with self._lock:
            if (metadata["uid"], line) in self._logged:
                return
            self._logged.add((metadata["uid"], line))
        self._logs.append(metadata["namespace"], metadata["name"], pods.container(pod)["name"], [line])


def _caches(pod: Object) -> bool:
    """Whether a pod only fetches what its image would fetch."""
    return CACHING in pods.words(pods.container(pod))


def _patience(probe: Object) -> float:
    """Seconds that a startup probe bears failures; infinite without one."""
    if not probe:
        return float("inf")
    return float(probe.get("initialDelaySeconds", 0)) + float(probe.get("periodSeconds", 10)) * float(probe.get("failureThreshold", 3))


def _is_probed_well(item: Object, does: Image) -> bool:
    """Whether the probes that readiness depends on ask where the program answers."""
    for name in ("startupProbe", "readinessProbe"):
        probe = item.get(name) or {}
        port, path = pods.probe_port(item, probe), (probe.get("httpGet") or {}).get("path")
        if (port is not None and port != pods.listens_on(item)) or (path is not None and path not in does.health):
            return False
    return True


def _owners(pod: Object) -> set[str]:
    """The uids of what a pod belongs to."""
    return {str(owner["uid"]) for owner in pod["metadata"].get("ownerReferences") or []}


def _owner(pod: Object) -> str:
    """Name of the NIM that a pod is, or fetches for: as its Job or its labels say."""
    if pods.is_nim(pod):
        return pods.service_of(pod)
    owners = pod["metadata"].get("ownerReferences") or [{"name": pod["metadata"]["name"]}]
    return str(owners[0]["name"]).removesuffix("-hf-download").removesuffix("-job")


def _meant(fault: Fields | None, name: str) -> Fields | None:
    """The switch when it is meant for the NIM of this name; for all when it names none."""
    return fault if fault is not None and fault.get("name", "") in {"", None, name} else None
