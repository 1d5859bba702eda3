"""Why a pod is not ready, in the cluster's own words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sdg.kube.api import Json

_NEWS = frozenset(
    {"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedScheduling", "Failed", "FailedCreate", "Unhealthy"}
)
_CLAIM_NEWS = frozenset({"ProvisioningFailed", "FailedBinding"})
_QUIET = frozenset({"ContainerCreating", "PodInitializing", "Pending", "Running"})  # say nothing about why
_MISSING = re.compile(
    r"(?P<kind>secret|configmap|persistentvolumeclaim|runtimeclass(?:\.node\.k8s\.io)?|storageclass(?:\.storage\.k8s\.io)?|serviceaccount)s?"
    r'(?: object)? "(?P<name>[^"]+)" not found',
    re.IGNORECASE,
)
_UNPARSABLE = "InvalidImageName"


@dataclass(frozen=True, slots=True)
class Missing:
    """An object that somebody needs and that does not exist; kinds are lower case."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a pod from being ready.

    Attributes:
        reason: the cluster's short word ("Unschedulable", "CrashLoopBackOff").
        words: its sentence.
        missing: objects that the sentence says do not exist.
        unparsable: an image name is no image name, so no pull can ever succeed.
    """

    pod: str
    reason: str
    words: str = ""
    missing: tuple[Missing, ...] = ()
    unparsable: bool = False

    @property
    def quiet(self) -> bool:
        """Whether the pod is merely on its way, as far as it says."""
        return self.reason in _QUIET

    def __str__(self) -> str:
        return f"pod {self.pod}: {self.reason}{': ' + self.words if self.words else ''}"


def trouble(pod: Json, events: Sequence[Json] = ()) -> Trouble | None:
    """What is wrong with one pod; None for a pod that is ready or has done its work.

    `events` are those of the namespace: a pod that cannot mount says so nowhere else.
    """
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp") or status.get("phase") == "Succeeded":
        return None
    reason, words = _own_words(status, _latest(events, "Pod", [name], _NEWS))
    if reason and not _containers(status):  # not even placed: perhaps for want of a volume, which only the claim can explain
        claim = _latest(events, "PersistentVolumeClaim", _claims(pod), _CLAIM_NEWS)
        words = f"{words}; claim {claim['involvedObject']['name']}: {claim.get('message')}" if claim else words
    return Trouble(name, reason, words, tuple(missing(words)), unparsable=reason == _UNPARSABLE) if reason else None


def missing(words: str) -> Iterator[Missing]:
    """The objects that a sentence of the cluster says do not exist."""
    for found in _MISSING.finditer(words):
        yield Missing(found["kind"].lower().partition(".")[0], found["name"])


def _own_words(status: Mapping[str, Any], event: Json | None) -> tuple[str, str]:
    """Reason and sentence; the reason is empty for a ready pod."""
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    scheduled, ready = conditions.get("PodScheduled", {}), conditions.get("Ready", {})
    if status.get("phase") == "Failed":
        return str(status.get("reason") or "Failed"), str(status.get("message") or _ends(_containers(status)))
    if scheduled.get("status") == "False":
        return str(scheduled.get("reason") or "Unscheduled"), str(scheduled.get("message") or "")
    for container in _containers(status):
        if told := _of_container(container):
            return told
    if ready.get("status") == "True":
        return "", ""
    if event is not None:
        return str(event.get("reason")), str(event.get("message") or "")
    return _silent(status, ready)


def _silent(status: Mapping[str, Any], ready: Mapping[str, Any]) -> tuple[str, str]:
    """For a pod that is merely not ready yet."""
    waiting = next((str(reason) for container in _containers(status) if (reason := _waiting(container).get("reason"))), "")
    return waiting or str(status.get("phase") or "Pending"), str(ready.get("message") or "")


def _of_container(container: Mapping[str, Any]) -> tuple[str, str] | None:
    """What a container says about itself; None when it is fine, or says nothing."""
    waiting, name = _waiting(container), container.get("name")
    reason = waiting.get("reason")
    if reason and reason not in _QUIET:
        # how it ended tells more than how long the kubelet waits, and a line may be cut
        words = "; ".join(filter(None, [_last_end(container), waiting.get("message")]))
        return str(reason), f"container {name}: {words or 'no message'}"
    ended = (container.get("state") or {}).get("terminated") or {}
    if ended.get("exitCode"):
        return str(ended.get("reason") or "Error"), f"container {name} {_end(ended)}"
    return None


def _last_end(container: Mapping[str, Any]) -> str:
    """How the try before this one ended: what a crash loop is about."""
    ended = (container.get("lastState") or {}).get("terminated")
    return f"last {_end(ended)}" if ended else ""


def _end(ended: Mapping[str, Any]) -> str:
    said = str(ended.get("message") or ended.get("reason") or "").strip()
    return f"exit code {ended.get('exitCode')}" + (f": {said[-300:]}" if said else "")


def _ends(containers: Iterable[Mapping[str, Any]]) -> str:
    ended = [(container.get("name"), (container.get("state") or {}).get("terminated") or {}) for container in containers]
    return "; ".join(f"container {name} {_end(end)}" for name, end in ended if end.get("exitCode"))


def _waiting(container: Mapping[str, Any]) -> Mapping[str, Any]:
    waiting: Mapping[str, Any] = (container.get("state") or {}).get("waiting") or {}
    return waiting


def _containers(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _claims(pod: Json) -> list[str]:
    volumes = (pod.get("spec") or {}).get("volumes") or []
    return [volume["persistentVolumeClaim"]["claimName"] for volume in volumes if volume.get("persistentVolumeClaim")]


def _latest(events: Sequence[Json], kind: str, names: Sequence[str], reasons: frozenset[str]) -> Json | None:
    """The last warning about one of these objects that tells a cause."""
    about = ((event.get("involvedObject") or {}, event) for event in events if event.get("reason") in reasons)
    return max((event for subject, event in about if subject.get("kind") == kind and subject.get("name") in names), key=_time, default=None)


def _time(event: Json) -> str:
    series = event.get("series") or {}
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or "")
