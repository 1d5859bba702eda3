"""Probe: have the Jobs that download models done their work? Says how far they are, and what stops them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from sdg.catalog.endpoint_causes import Cause, endpoint_causes
from sdg.gates.checks import Check, Status, Verdict
from sdg.gates.probes.elapsed import since, told
from sdg.gates.probes.pod_logs import KubernetesLogs, PodLogs, progress
from sdg.gates.probes.workloads import NamespaceView, WorkloadsProbe
from sdg.kube.api import Json, items
from sdg.kube.objects import collection
from sdg.kube.workload import Workload
from sdg.platform.layout import nim_claim

NAME: Final = "model-downloaded"
_SHOWN: Final = 3  # last log lines of a Job that gave up


@dataclass(frozen=True, slots=True)
class Download:
    """One Job that downloads a model.

    Attributes:
        nim: name of the NIM that serves it.
        model: as Hugging Face calls it.
        minutes: that it is expected to take; 0 where nobody says.
        storage_class: of its volume; empty where nobody says.
    """

    nim: str
    model: str
    job: Workload
    minutes: float = 0.0
    storage_class: str = ""

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        """Reads an entry of the gate's input `downloads`; numbers arrive as floats."""
        job = Workload("Job", str(entry["namespace"]), str(entry["job"]))
        more = {"minutes": float(entry.get("minutes") or 0), "storage_class": str(entry.get("storageClass") or "")}
        return cls(str(entry["nim"]), str(entry["model"]), job, **more)  # type: ignore[arg-type]


@dataclass(slots=True)
class DownloadsProbe:
    """Looks at the Jobs.

    Attributes:
        restore: the `pulumi up` that starts anew what did not complete.
    """

    api: KubernetesLogs
    downloads: Sequence[Download]
    restore: str = ""
    logs: PodLogs = field(init=False)
    # a Job that was given up has no pod left that says why
    _seen: dict[str, tuple[Cause, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.logs = PodLogs(self.api)

    def look(self) -> Verdict:
        namespaces = dict.fromkeys(each.job.namespace for each in self.downloads)
        jobs = {name: {job["metadata"]["name"]: job for job in items(self.api, collection("Job", name))} for name in namespaces}
        views = {name: NamespaceView(self.api, name) for name in namespaces}
        found = [self.check(each, jobs[each.job.namespace].get(each.job.name), views) for each in self.downloads]
        said = {each.nim: check.observed for each, check in zip(self.downloads, found, strict=True)}
        return Verdict(tuple(found), {"downloads": said})

    def check(self, download: Download, job: Json | None, views: dict[str, NamespaceView]) -> Check:
        """The check on one Job as it was read; `views` holds by namespace what one look has read beside it."""
        judged = WorkloadsProbe(self.api, (), restore=self.restore).check(download.job, job, views)
        found = replace(judged, name=NAME, subject=f"{download.model} for NIM {download.nim}")
        if job is None or found.status is Status.PASSED:
            return found
        lines = self._lines(download, job, views)
        words = [found.observed, *lines[-_SHOWN:]] if found.stuck else [found.observed]
        found = self._named(download, found, "\n".join(words))
        if found.final:
            return replace(found, observed="\n".join([found.observed, *(["last log lines:", *lines[-_SHOWN:]] if lines else [])]))
        return replace(found, observed=f"{_progress(download, job, lines)}; {found.observed}")

    def _named(self, download: Download, found: Check, words: str) -> Check:
        """The check with the cause's name and remedy, where the words of now or of before tell one."""
        storage = "claim" in found.observed
        cause = endpoint_causes().of_words("volume", words) if storage else None
        cause = cause or endpoint_causes().of_words("download", words)
        if cause is not None:
            self._seen[download.nim] = (cause, found.observed)
        elif download.nim in self._seen:
            cause, before = self._seen[download.nim]
            found = replace(found, observed=f"{found.observed}; before that: {before}")
        if cause is None:
            return found
        advice = cause.advice(
            model=download.model, name=download.nim, claim=nim_claim(download.nim), class_=download.storage_class or "of that claim"
        )
        return replace(found, observed=f"{cause.name}: {found.observed}", remedy=advice, stuck=True)

    def _lines(self, download: Download, job: Json, views: dict[str, NamespaceView]) -> list[str]:
        """What the newest pod wrote last, or its last try."""
        view = views.setdefault(download.job.namespace, NamespaceView(self.api, download.job.namespace))
        newest = max(view.of(job), key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), default=None)
        return (self.logs.last(newest) or self.logs.last(newest, ended=True)) if newest else []


def _progress(download: Download, job: Json, lines: list[str]) -> str:
    began = (job.get("status") or {}).get("startTime") or job["metadata"].get("creationTimestamp")
    seen = ["downloading", told(since(str(began or "")), download.minutes), progress(lines) or (lines[-1] if lines else "")]
    return ", ".join(filter(None, seen))
