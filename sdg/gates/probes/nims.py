"""Probe: do NIMs run, in the shape that is wanted now? Says at what they are, and what keeps them from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sdg.catalog.endpoint_causes import Scene, endpoint_causes
from sdg.gates.checks import Check, Status
from sdg.gates.probes.downloads import Download, DownloadsProbe
from sdg.gates.probes.elapsed import told
from sdg.gates.probes.endpoint import Endpoint
from sdg.gates.probes.model_volume import VolumeView, volume_check
from sdg.gates.probes.nim_phase import AtWork, Phase, at_work, last_end
from sdg.gates.probes.nim_spec import lagging
from sdg.gates.probes.pod_logs import KubernetesLogs, PodLogs
from sdg.gates.probes.pools import Pool
from sdg.gates.probes.workloads import NamespaceView, WorkloadsProbe
from sdg.kube.api import Json, items
from sdg.kube.errors import KubeError, ObjectNotFoundError
from sdg.kube.objects import collection
from sdg.kube.workload import Workload
from sdg.platform.layout import GPU_RESOURCE, NIM_OPERATOR_NAMESPACE, download_job, nim_claim

NAME: Final = "nim-ready"
_EXPECTED: Final = "Ready, of what is wanted now"
_SHOWN: Final = 3  # last log lines of a NIM that ended
_PROGRESS_DEADLINE: Final = "exceeded its progress deadline"  # what every long start says: 600 s, and a model takes longer
_OPERATOR_LOG: Final = (
    f"Look at the log of the operator: `kubectl --namespace {NIM_OPERATOR_NAMESPACE} logs --selector control-plane --tail 50`."
)
_NO_IMAGE: Final = ("ImagePullBackOff", "ErrImagePull")
_PULLS: Final = frozenset({"Pulling", "Pulled", "Failed", "BackOff"})
_GPUS: Final = f"Insufficient {GPU_RESOURCE}"


@dataclass(slots=True)
class NimsProbe:
    """Looks at NIMs and their operator.

    Attributes:
        pools: those that nodes come in; none where nodes are just there.
        repair: the command that brings back what vanished from the operator's release.
        restore: the `pulumi up` that brings back what no release holds.
        served: names of the NIMs that the stack serves; empty where nobody says.
    """

    api: KubernetesLogs
    pools: Sequence[Pool] = ()
    repair: str = ""
    restore: str = ""
    served: frozenset[str] = frozenset()
    logs: PodLogs = field(init=False)
    downloads: DownloadsProbe = field(init=False)

    def __post_init__(self) -> None:
        self.logs, self.downloads = PodLogs(self.api), DownloadsProbe(self.api, (), self.restore)

    def look(self, namespace: str) -> NimsView:
        """Reads a namespace of NIMs once, for all of them; raises KubeError."""
        return NimsView.of(self, namespace)


@dataclass(frozen=True, slots=True)
class NimsView:
    """A namespace of NIMs, as it was at one look.

    Attributes:
        services: NIMServices by name; None where the cluster doesn't know the kind.
    """

    probe: NimsProbe
    namespace: str
    services: Mapping[str, Json] | None
    deployments: Mapping[str, Json]
    jobs: Mapping[str, Json]
    volumes: VolumeView
    inside: NamespaceView
    operator: Check

    @classmethod
    def of(cls, probe: NimsProbe, namespace: str) -> NimsView:
        api = probe.api
        inside = NamespaceView(api, namespace)
        try:
            services = _by_name(items(api, collection("NIMService", namespace)))
        except ObjectNotFoundError:
            services = None
        deployments = _by_name(items(api, collection("Deployment", namespace)))
        jobs = _by_name(items(api, collection("Job", namespace)))
        volumes = VolumeView(api, namespace, inside)
        return cls(probe, namespace, services, deployments, jobs, volumes, inside, _operator(probe))

    def checks(self, endpoint: Endpoint) -> tuple[list[Check], Phase]:
        """Its download and its volume, as far as it needs them still, and the NIM itself; and at what it is."""
        found, phase = self._nim(endpoint)
        if found.status is Status.PASSED:
            return [found], phase
        claim = nim_claim(endpoint.nim)
        if phase in _UNTOUCHED and self.volumes.claim(claim) is None:  # the operator makes it, and has not begun
            return [*self._download(endpoint), found], phase
        return [*self._download(endpoint), volume_check(self.volumes, claim, endpoint.name), found], phase

    def _download(self, endpoint: Endpoint) -> list[Check]:
        job = self.jobs.get(download_job(endpoint.nim))
        if job is None:  # none is needed, or none is left
            return []
        download = Download(endpoint.nim, endpoint.model, Workload("Job", self.namespace, download_job(endpoint.nim)))
        return [self.probe.downloads.check(download, job, {self.namespace: self.inside})]

    def _nim(self, endpoint: Endpoint) -> tuple[Check, Phase]:
        name = endpoint.nim
        if self.services is None or name not in self.services:
            seen = "no such object" if self.services is not None else "the cluster knows no NIMServices: the operator's CRDs are gone"
            found = _red(name, f"NimMissing: {seen}", f"Run `{_refreshing(self.probe.restore)}`.")
            return replace(found, final=True, stuck=True), Phase.ABSENT  # the stack has made it before, and nothing else does
        service, deployment = self.services[name], self.deployments.get(name)
        behind = "the operator has made no Deployment of it yet"
        if deployment is not None and (lacks := lagging(service, deployment)):
            behind = f"the operator has still to take over: {lacks}"
        elif deployment is not None:
            return self._made(endpoint, service, deployment)
        words = self._words_with(f"{Phase.ACCEPTED}: {behind}", _failure(service) or _said(_condition(service, "Ready")))
        found = _red(name, words, self._operator_remedy())
        return replace(found, stuck=bool(_failure(service)) or self.operator.status is not Status.PASSED), Phase.ACCEPTED

    def _made(self, endpoint: Endpoint, service: Json, deployment: Json) -> tuple[Check, Phase]:
        """A NIM whose Deployment is of what is wanted now."""
        workload = Workload("Deployment", self.namespace, endpoint.nim)
        rollout = WorkloadsProbe(self.probe.api, (), restore=self.probe.restore).check(workload, deployment, {self.namespace: self.inside})
        if rollout.status is not Status.PASSED:
            found = _red(endpoint.nim, rollout.observed, rollout.remedy)
            return self._rolling(endpoint, replace(found, final=rollout.final, stuck=rollout.stuck), deployment)
        ready = _condition(service, "Ready")
        if ready.get("status") == "True":
            return Check(NAME, f"nim/{endpoint.nim}", Status.PASSED, "Ready", _EXPECTED), Phase.READY
        words = self._words_with(f"{Phase.ANSWERING}: its pods are available", _failure(service) or _said(ready))
        return _red(endpoint.nim, words, self._operator_remedy()), Phase.ANSWERING

    def _rolling(self, endpoint: Endpoint, found: Check, deployment: Json) -> tuple[Check, Phase]:
        """A NIM whose pods are on their way."""
        work = at_work(self.inside.of(deployment), self.inside.events())
        if work is None or work.trouble is None:
            return found, Phase.STARTING
        if work.phase is Phase.STARTING and (image := self._pulling(work)):
            work = replace(work, phase=Phase.PULLING)
            found = replace(found, observed=f"{image}; {found.observed}")
        judged = self._judged(endpoint, work, found)
        time = told(work.minutes, endpoint.minutes)
        head = f"{work.phase}, {time}" if time else str(work.phase)
        line = self._log_line(work)
        over = bool(endpoint.minutes and (work.minutes or 0.0) > endpoint.minutes)
        if work.phase is Phase.LOADING and not judged.final:
            loading = f"{head}{f': {line}' if line else ''}"
            seen = f"NimSlow: {loading}; {work.trouble}" if over else loading
            return replace(judged, observed=seen, remedy=self._patience(endpoint, over), stuck=over), work.phase
        return replace(judged, observed=f"{head}; {judged.observed}"), work.phase

    def _judged(self, endpoint: Endpoint, work: AtWork, found: Check) -> Check:
        """The check with the cause's name and what to do, where the words tell one."""
        assert work.trouble is not None  # noqa: S101 (for the type checker: whoever calls has looked)
        if work.phase is Phase.PENDING and _GPUS in work.trouble.words:
            return self._without_gpus(found, work)
        if found.final:
            return replace(found, observed=f"{_kind_missing(found)}: {found.observed}")
        scene = _SCENES.get(work.phase)
        if scene is None:
            return found
        words, tail = self._words(work, scene)
        cause = endpoint_causes().of_words(scene, "\n".join([words, *tail]))
        seen = "\n".join([found.observed, *(["last log lines:", *tail[-_SHOWN:]] if tail else [])])
        if cause is None:
            return replace(found, observed=f"NimFailing: {seen}" if scene == "run" else seen)
        advice = cause.advice(name=endpoint.name, model=endpoint.model, claim=nim_claim(endpoint.nim))
        return replace(found, observed=f"{cause.name}: {seen}", remedy=advice, stuck=True)

    def _words(self, work: AtWork, scene: Scene) -> tuple[str, list[str]]:
        """Where a cause is looked for: what was said of the pod, and what its last try wrote."""
        said = [str(work.trouble), last_end(work.pod)]
        if scene == "pull":  # older kubelets say in the pod only that they wait; why, they said in an event
            name = work.pod["metadata"]["name"]
            about = [event for event in self.inside.events() if (event.get("involvedObject") or {}).get("name") == name]
            said += [str(event.get("message") or "") for event in about if event.get("reason") == "Failed"]
            return "\n".join(said), []
        return "\n".join(said), self.probe.logs.last(work.pod, ended=True) or self.probe.logs.last(work.pod)

    def _without_gpus(self, found: Check, work: AtWork) -> Check:
        """No node has its GPUs free; final where no pool's node ever could."""
        wanted = _gpus(work.pod)
        largest = max((pool.gpus for pool in self.probe.pools if pool.maximum), default=0)
        if self.probe.pools and largest < wanted:
            remedy = f"Add a pool to `sdg:cluster.gpuPools` whose nodes have {wanted} GPUs; those of the largest have {largest}."
            return replace(found, observed=f"GpusInsufficient: {found.observed}", remedy=remedy, final=True, stuck=True)
        if leaving := self._leaving():
            held = f"GPUs are held until this update ends by what the stack serves no more ({', '.join(leaving)})"
            command = f"`kubectl --namespace {self.namespace} delete nimservice {' '.join(leaving)}`"
            remedy = f"Free them now: {command}. The gate goes on by itself; else run `pulumi up` again."
            return replace(found, observed=f"GpusInsufficient: {held}; {found.observed}", remedy=remedy, stuck=True)
        remedy = f"It needs a node on which this many GPUs are free: {wanted}. Let a pool grow, add nodes, or serve less."
        return replace(found, observed=f"GpusInsufficient: {found.observed}", remedy=remedy, stuck=True)

    def _leaving(self) -> list[str]:
        """NIMs that the stack serves no more: the engine deletes them last, and not at all where something failed before."""
        served = self.probe.served
        return sorted(name for name in self.services or () if served and name not in served and name in self.deployments)

    def _pulling(self, work: AtWork) -> str:
        """That its node pulls an image now, in the kubelet's words; empty when it doesn't, or doesn't say."""
        query = {"fieldSelector": f"involvedObject.name={work.pod['metadata']['name']}", "limit": "100"}
        try:
            told_of = items(self.probe.api, f"/api/v1/namespaces/{self.namespace}/events", query)
        except KubeError:  # it only explains
            return ""
        news = [event for event in told_of if event.get("reason") in _PULLS]
        latest = max(news, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""), default={})
        return str(latest.get("message") or "") if latest.get("reason") == "Pulling" else ""

    def _log_line(self, work: AtWork) -> str:
        lines = self.probe.logs.last(work.pod) if work.phase is Phase.LOADING else []
        return lines[-1] if lines else ""

    def _patience(self, endpoint: Endpoint, over: bool) -> str:
        look = f"`kubectl --namespace {self.namespace} logs deployment/{endpoint.nim} --tail 50` shows what it does"
        if over:
            return f"It takes longer than the expected {endpoint.minutes:g} min: {look}, and `kubectl describe` of its pod what fails."
        return f"A first start takes about {endpoint.minutes:g} min; {look}." if endpoint.minutes else f"{look.capitalize()}."

    def _words_with(self, *words: str) -> str:
        """Words, and what is wrong with the operator if anything is, in short: its own check says the rest."""
        operator = "" if self.operator.status is Status.PASSED else f"the NIM operator: {self.operator.observed.partition(';')[0]}"
        return "; ".join(filter(None, [*words, operator]))

    def _operator_remedy(self) -> str:
        return _OPERATOR_LOG if self.operator.status is Status.PASSED else self.operator.remedy


_UNTOUCHED: Final = (Phase.ABSENT, Phase.ACCEPTED)
_SCENES: Final[Mapping[Phase, Scene]] = {Phase.PULLING: "pull", Phase.CRASHING: "run"}


def _operator(probe: NimsProbe) -> Check:
    """Whether the operator runs; the worst of its Deployments."""
    deployments = items(probe.api, collection("Deployment", NIM_OPERATOR_NAMESPACE))
    judge_one = WorkloadsProbe(probe.api, (), repair=probe.repair, restore=probe.restore).check
    views: dict[str, NamespaceView] = {}
    found = [judge_one(Workload.of({"kind": "Deployment", **each["metadata"]}), each, views) for each in deployments]
    if not found:
        remedy = probe.repair or _refreshing(probe.restore)
        seen, subject = "no Deployment of it", f"namespace/{NIM_OPERATOR_NAMESPACE}"
        return Check("nim-operator", subject, Status.FAILED, seen, "available", f"Run `{remedy}`.", final=True, stuck=True)
    first = next((check for check in found if check.status is not Status.PASSED), found[0])
    said = [str(event.get("message")) for view in views.values() for event in view.events() if event.get("reason") == "Failed"]
    return replace(_unpulled(first, said), name="nim-operator")


def _unpulled(found: Check, said: Sequence[str]) -> Check:
    """The check with the cause's name and what to do, where the image is what is lacking; `said` are events about it."""
    if found.status is Status.PASSED or not any(reason in found.observed for reason in _NO_IMAGE):
        return found
    cause = endpoint_causes().of_words("pull", "\n".join([found.observed, *said]))
    return found if cause is None else replace(found, observed=f"{cause.name}: {found.observed}", remedy=cause.advice(), stuck=True)


def _red(nim: str, observed: str, remedy: str) -> Check:
    return Check(NAME, f"nim/{nim}", Status.FAILED, observed, _EXPECTED, remedy)


def _refreshing(restore: str) -> str:
    """The update that makes again what vanished."""
    return f"{restore} --refresh" if restore else "pulumi up --refresh"


def _condition(service: Json, kind: str) -> Json:
    conditions = (service.get("status") or {}).get("conditions") or []
    found: Json = next((each for each in conditions if each.get("type") == kind), {})
    return found


def _failure(service: Json) -> str:
    """What the operator could not do, in its own words; it tries again. Empty when nothing went wrong."""
    failed = _condition(service, "Failed")
    return f"NimRefused: {_said(failed)}" if failed.get("status") == "True" else ""


def _said(condition: Json) -> str:
    message = str(condition.get("message") or "")
    if _PROGRESS_DEADLINE in message:
        return ""
    return ": ".join(filter(None, [str(condition.get("reason") or ""), message]))


def _kind_missing(found: Check) -> str:
    """A name for what time cannot cure, from the sentence that says it."""
    said = found.observed.lower()
    kinds = {
        "secret": "SecretMissing",
        "configmap": "ConfigMapMissing",
        "storageclass": "StorageClassMissing",
        "runtimeclass": "RuntimeClassMissing",
    }
    return next((name for kind, name in kinds.items() if kind in said), "ImageNameInvalid")


def _gpus(pod: Json) -> int:
    """GPUs that a pod asks for."""
    containers: Iterator[Json] = iter((pod.get("spec") or {}).get("containers") or [])
    return sum(int(((each.get("resources") or {}).get("limits") or {}).get(GPU_RESOURCE) or 0) for each in containers)


def _by_name(found: Sequence[Json]) -> dict[str, Json]:
    return {item["metadata"]["name"]: item for item in found}
