"""The kubelets' part that kwok leaves out: a pod starts only when everything that it mounts, refers to and runs under exists.

What is missing is said as a kubelet says it, on the pod's status and as an event. Fault switches `pod.crash` and `pod.slow` act here too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from rehearsal.api import PODS, Api, ApiError, Object
from rehearsal.events import Events, timestamp
from rehearsal.faults import Faults, Fields
from rehearsal.needs import CREATING, Missing, missing
from rehearsal.podlogs import PodLogs
from rehearsal.podstatus import CRASH_LOOP, Crash, crashing, held, warming
from rehearsal.references import References
from rehearsal.watching import Key, key_of
from rehearsal.workqueue import WorkQueue

START = "rehearsal.sdg/start"
"""Annotation that kwok's stages wait for: "true" lets the pod run, "crash" keeps it from becoming ready."""
RESTARTS = "rehearsal.sdg/restarts"
WORKERS = 4
# objects of one release arrive within this time in any order: seconds before a pod that waits for one is told so
GRACE = 0.3
REPEAT = 10.0  # seconds between two events about the same thing
NOT_FOUND, CONFLICT = 404, 409


@dataclass(frozen=True, slots=True)
class Start:
    """Everything is there."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Something is missing."""

    found: tuple[Missing, ...]


@dataclass(frozen=True, slots=True)
class Delay:
    """The switch `pod.slow` holds the pod for some more seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Warm:
    """The pod's program runs, and is not ready for some more seconds; infinitely many for one that never is."""

    seconds: float


Decision = Start | Hold | Delay | Warm | Crash
Ending = Callable[[Object], Hold | Delay | Warm | Crash | None]
"""What becomes of a pod's program when it starts, such as how it ends at once; None for one that runs."""


def runs(_pod: Object) -> None:
    """The ending of a program that has none."""


def first_of(*endings: Ending) -> Ending:
    """The first of these that has something to say."""

    def found(pod: Object) -> Hold | Delay | Warm | Crash | None:
        return next((said for ending in endings if (said := ending(pod)) is not None), None)

    return found


def decide(pod: Object, known: References, faults: Faults, age: float, ending: Ending = runs) -> Decision | None:
    """What is to be done with a pod; None when there is nothing to do.

    Args:
        age: seconds since the pod was seen on its node.
        ending: asked once nothing is missing.
    """
    phase = pod.get("status", {}).get("phase", "Pending")
    if not pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp") or phase in {"Succeeded", "Failed"}:
        return None
    if crash := _matching(faults.get("pod.crash"), pod):
        # a reason may be set to nothing as well: a container that ends and is started again
        return Crash(crash.get("reason") or CRASH_LOOP, int(crash.get("exitCode", 1)), str(crash.get("message", "")))
    if _annotation(pod, START) == "true":
        return None
    slow = _matching(faults.get("pod.slow"), pod)
    if slow and (left := float(slow.get("seconds", 0)) - age) > 0:
        return Delay(left)
    found = missing(pod, known)
    return Hold(tuple(found)) if found else ending(pod) or Start()


WARMING = Warm(0.0)


@dataclass(frozen=True, slots=True)
class _Told:
    """What was last told about a pod.

    Attributes:
        since: when the pod was first seen on its node (monotonic).
        said: what was told; a crash, that it gets ready (without the time), or what was missing.
        said_at: when (monotonic).
        restarts: how often the pod's containers were started again.
    """

    since: float
    said: Crash | Warm | tuple[Missing, ...] | None = None
    said_at: float = 0.0
    restarts: int = 0


class Kubelet:
    """Looks at every pod that changes, and at those that wait whenever something changes that they may wait for."""

    def __init__(self, api: Api, faults: Faults, known: References, logs: PodLogs, ending: Ending = runs) -> None:
        self._api, self._faults, self._known, self._logs, self._ending = api, faults, known, logs, ending
        self._events = Events(api, "kubelet")
        self._queue = WorkQueue()
        self._pods: dict[Key, Object] = {}
        self._told: dict[str, _Told] = {}
        faults.on_change(self._look_at_all)

    def start(self) -> None:
        """Starts to work; the watches must have told once what exists."""
        self._queue.start(self._look, WORKERS, "kubelet")

    def on_pod(self, change: str, pod: Object) -> None:
        """Takes over a change of a pod."""
        key = key_of(pod)
        if change == "DELETED":
            self._pods.pop(key, None)
            self._told.pop(pod["metadata"]["uid"], None)
            self._logs.forget(pod["metadata"]["uid"])
            return
        pod["metadata"].pop("managedFields", None)  # half of the object's size
        self._pods[key] = pod
        self._queue.add(key)

    def on_reference(self, _change: str, _item: Object) -> None:
        """Something changed that pods may wait for."""
        for key, pod in list(self._pods.items()):
            if pod["spec"].get("nodeName") and _annotation(pod, START) is None:
                self._queue.add(key)

    def _look_at_all(self) -> None:
        for key in list(self._pods):
            self._queue.add(key)

    def _look(self, key: Key) -> None:
        pod = self._pods.get(key)
        if pod is None:
            return
        told = self._told.setdefault(pod["metadata"]["uid"], _Told(time.monotonic()))
        try:
            decision = decide(pod, self._known, self._faults, time.monotonic() - told.since, self._ending)
            self._act(key, pod, told, decision)
        except ApiError as error:
            if error.code not in {NOT_FOUND, CONFLICT}:
                self._queue.add(key, 0.5)
                raise

    def _act(self, key: Key, pod: Object, told: _Told, decision: Decision | None) -> None:
        match decision:
            case Start():
                self._start(pod, told)
            case Hold(found):
                self._hold(key, pod, told, found)
            case Delay(seconds):
                if told.said is None:
                    self._tell(pod, replace(told, said=()))
                    self._patch(pod, {"status": held(pod, [Missing(CREATING, "", "")], timestamp())}, "status")
                    image = pod["spec"]["containers"][0].get("image", "")
                    self._events.inform(pod, "Pulling", f'Pulling image "{image}"')
                self._queue.add(key, seconds)
            case Warm(seconds):
                self._warm(key, pod, told, seconds)
            case Crash():
                self._crash(key, pod, told, decision)

    def _start(self, pod: Object, told: _Told) -> None:
        annotations = {START: "true"} | ({RESTARTS: str(told.restarts)} if told.restarts else {})
        self._patch(pod, {"metadata": {"annotations": annotations}})
        self._tell(pod, replace(told, said=None))

    def _hold(self, key: Key, pod: Object, told: _Told, found: tuple[Missing, ...]) -> None:
        now = time.monotonic()
        if told.said is None and told.said_at == 0:
            self._tell(pod, replace(told, said_at=now))
            self._queue.add(key, GRACE)
            return
        wait = told.said_at + (REPEAT if told.said == found else GRACE) - now
        if wait > 0:
            self._queue.add(key, wait)
            return
        if told.said != found:
            self._patch(pod, {"status": held(pod, found, timestamp())}, "status")
        for item in found:
            self._events.warn(pod, item.event, item.message)
        self._tell(pod, replace(told, said=found, said_at=now))
        self._queue.add(key, REPEAT)

    def _warm(self, key: Key, pod: Object, told: _Told, seconds: float) -> None:
        now, image = time.monotonic(), pod["spec"]["containers"][0].get("image", "")
        if told.said != WARMING:
            self._patch(pod, {"status": warming(pod, told.restarts, timestamp())}, "status")
            for reason, words in (("Pulled", f'Successfully pulled image "{image}"'), ("Started", "Container started")):
                self._events.inform(pod, reason, words)
        elif now >= told.said_at + REPEAT and pod["spec"]["containers"][0].get("startupProbe"):
            self._events.warn(pod, "Unhealthy", "Startup probe failed: HTTP probe failed with statuscode: 503")
        else:
            self._queue.add(key, min(seconds, max(told.said_at + REPEAT - now, GRACE)))
            return
        self._tell(pod, replace(told, said=WARMING, said_at=now))
        self._queue.add(key, min(seconds, REPEAT))

    def _crash(self, key: Key, pod: Object, told: _Told, crash: Crash) -> None:
        now = time.monotonic()
        if told.said == crash and now < told.said_at + REPEAT:
            self._queue.add(key, told.said_at + REPEAT - now)
            return
        restarts = told.restarts + 1
        # first the annotation: else kwok would find an unready pod that may run, and make it ready
        self._patch(pod, {"metadata": {"annotations": {START: "crash"}}})
        if told.said != crash:
            self._write_last_words(pod, crash)
        self._patch(pod, {"status": crashing(pod, crash, restarts, timestamp())}, "status")
        container = pod["spec"]["containers"][0]["name"]
        if pod["spec"].get("restartPolicy") == "Never":
            pass  # its phase says it all
        elif crash.reason == CRASH_LOOP:
            where = f"{pod['metadata']['name']}_{pod['metadata']['namespace']}({pod['metadata']['uid']})"
            self._events.warn(pod, "BackOff", f"Back-off restarting failed container {container} in pod {where}")
        else:
            self._events.warn(pod, "Failed", f"Error: {crash.reason}")
        self._tell(pod, replace(told, said=crash, said_at=now, restarts=restarts))
        self._queue.add(key, REPEAT)

    def _write_last_words(self, pod: Object, crash: Crash) -> None:
        fault = self._faults.get("pod.crash") or {}
        lines = [str(line) for line in fault.get("log") or ([crash.message] if crash.message else [])]
        if lines:
            metadata = pod["metadata"]
            self._logs.append(metadata["namespace"], metadata["name"], pod["spec"]["containers"][0]["name"], lines)

    def _tell(self, pod: Object, told: _Told) -> None:
        self._told[pod["metadata"]["uid"]] = told

    def _patch(self, pod: Object, body: Object, subresource: str = "") -> None:
        self._api.patch(PODS, pod["metadata"]["name"], body, pod["metadata"]["namespace"], subresource)


def _annotation(pod: Object, name: str) -> str | None:
    value = (pod["metadata"].get("annotations") or {}).get(name)
    return None if value is None else str(value)


def _matching(fault: Fields | None, pod: Object) -> Fields | None:
    """The switch when it is meant for this pod: `prefix` of its name, and `namespace` where given."""
    if fault is None:
        return None
    metadata = pod["metadata"]
    same = fault.get("namespace") in {None, "", metadata["namespace"]}
    return fault if same and metadata["name"].startswith(str(fault.get("prefix", ""))) else None
