"""Status of pods that don't run: held back, or crashing. Pure functions that return what to merge into `status`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rehearsal.api import Object
from rehearsal.needs import Missing

CRASH_LOOP = "CrashLoopBackOff"
BACKOFF_FIRST, BACKOFF_LAST = 10, 300  # seconds, doubled at every restart


@dataclass(frozen=True, slots=True)
class Crash:
    """How a pod's containers end.

    Attributes:
        reason: reason of the waiting container; CrashLoopBackOff for containers that start and end.
        exit_code: the process' exit code.
        message: termination message, the last words of the container.
    """

    reason: str = CRASH_LOOP
    exit_code: int = 1
    message: str = ""

    def backoff(self, pod: Object, restarts: int) -> str:
        """What the kubelet says while it waits for the next restart."""
        metadata, seconds = pod["metadata"], min(BACKOFF_FIRST * 2 ** max(restarts - 1, 0), BACKOFF_LAST)
        delay = f"{seconds // 60}m{seconds % 60}s" if seconds >= 60 else f"{seconds}s"  # noqa: PLR2004 - Go's way to write it
        where = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        return f"back-off {delay} restarting failed container={pod['spec']['containers'][0]['name']} pod={where}"


def held(pod: Object, found: Sequence[Missing], now: str) -> Object:
    """Status of a pod that waits for what is missing: Pending, each container waiting with its reason."""
    first = found[0]
    of_container = {item.container: item for item in found}
    init = [container["name"] for container in pod["spec"].get("initContainers") or []]

    def waiting(container: Object) -> Object:
        item = of_container.get(container["name"], first)
        reason = item.reason if not item.container or item.container == container["name"] else "ContainerCreating"
        return _status(container, {"waiting": _waiting(reason, item.waiting if reason == item.reason else "")})

    containers = [
        _status(container, {"waiting": {"reason": "PodInitializing"}}) if init else waiting(container)
        for container in pod["spec"]["containers"]
    ]
    return {
        "phase": "Pending",
        "startTime": now,
        "conditions": _conditions(pod, now, initialized=not init, reason="ContainersNotReady"),
        "containerStatuses": containers,
        "initContainerStatuses": [waiting(container) for container in pod["spec"].get("initContainers") or []],
    }


def warming(pod: Object, restarts: int, now: str) -> Object:
    """Status of a pod whose containers run, and that is not ready yet."""

    def running(container: Object) -> Object:
        return {**_status(container, {"running": {"startedAt": now}}), "restartCount": restarts}

    return {
        "phase": "Running",
        "startTime": pod.get("status", {}).get("startTime") or now,
        "conditions": _conditions(pod, now, reason="ContainersNotReady"),
        "containerStatuses": [running(container) for container in pod["spec"]["containers"]],
    }


def crashing(pod: Object, crash: Crash, restarts: int, now: str) -> Object:
    """Status of a pod whose containers start and end: the phase follows from its restart policy, as the kubelet decides it."""
    ended = {
        "exitCode": crash.exit_code,
        "reason": "Completed" if crash.exit_code == 0 else "Error",
        "startedAt": now,
        "finishedAt": now,
        **({"message": crash.message} if crash.message else {}),
    }
    if pod["spec"].get("restartPolicy") == "Never":
        containers = [_status(container, {"terminated": ended}) for container in pod["spec"]["containers"]]
        phase, reason = ("Succeeded", "PodCompleted") if crash.exit_code == 0 else ("Failed", "PodFailed")
        return {"phase": phase, "conditions": _conditions(pod, now, reason=reason), "containerStatuses": containers}
    words = crash.backoff(pod, restarts) if crash.reason == CRASH_LOOP else crash.message
    state = {"waiting": _waiting(crash.reason, words)}
    # a container that never started (ImagePullBackOff and the like) has no last state
    last = {"terminated": ended} if crash.reason == CRASH_LOOP else {}
    count = restarts if crash.reason == CRASH_LOOP else 0
    containers = [{**_status(container, state), "restartCount": count, "lastState": last} for container in pod["spec"]["containers"]]
    return {
        "phase": "Running" if crash.reason == CRASH_LOOP else "Pending",
        "conditions": _conditions(pod, now, reason="ContainersNotReady"),
        "containerStatuses": containers,
    }


def _status(container: Object, state: Object) -> Object:
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "ready": False,
        "started": False,
        "restartCount": 0,
        "state": state,
    }


def _waiting(reason: str, message: str) -> Object:
    return {"reason": reason, "message": message} if message else {"reason": reason}


def _conditions(pod: Object, now: str, reason: str, *, initialized: bool = True) -> list[Object]:
    """All conditions of the pod: a merge patch replaces lists whole."""
    names = [container["name"] for container in pod["spec"]["containers"]]
    message = f"containers with unready status: [{' '.join(names)}]"
    ours = {
        "Initialized": {"status": "True" if initialized else "False"},
        "Ready": {"status": "False", "reason": reason, "message": message},
        "ContainersReady": {"status": "False", "reason": reason, "message": message},
    }
    kept = [condition for condition in pod.get("status", {}).get("conditions") or [] if condition["type"] not in ours]
    return [*kept, *({"type": kind, "lastTransitionTime": now, **fields} for kind, fields in ours.items())]
