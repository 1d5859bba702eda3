"""Probe: are Deployments and their like available, and Jobs complete? Names every pod that is in the way, with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sdg.gates.checks import Check, Status
from sdg.gates.probes.pods import Missing, Trouble, missing, trouble
from sdg.kube.api import Json, KubernetesReader, items
from sdg.kube.errors import KubeError, ObjectNotFoundError
from sdg.kube.workload import Workload

_NAMED = 3  # pods that one check names

_PATHS = {
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{namespace}/statefulsets",
    "DaemonSet": "/apis/apps/v1/namespaces/{namespace}/daemonsets",
    "Job": "/apis/batch/v1/namespaces/{namespace}/jobs",
}
_HELM_RECORDS = {"labelSelector": "owner=helm", "limit": "1"}
_LOOK_UP = {
    "secret": "/api/v1/namespaces/{namespace}/secrets/{name}",
    "configmap": "/api/v1/namespaces/{namespace}/configmaps/{name}",
    "runtimeclass": "/apis/node.k8s.io/v1/runtimeclasses/{name}",
    "storageclass": "/apis/storage.k8s.io/v1/storageclasses/{name}",
}
"""Objects whose absence no time cures, when nothing in the graph makes them."""
_CLUSTER_SCOPED = ("runtimeclass", "storageclass")

_FAILED = "Failed"  # the condition of a Job that will not be tried again


@dataclass(frozen=True, slots=True)
class WorkloadsProbe:
    """Looks at workloads once; all that are asked for must be there.

    Attributes:
        repair: the command that brings back an object that vanished from its Helm release.
        restore: the `pulumi up` that brings back what no release holds any more, or never did, once a refresh has seen that it is gone.
    """

    api: KubernetesReader
    workloads: Sequence[Workload]
    repair: str = ""
    restore: str = ""

    def __post_init__(self) -> None:
        for workload in self.workloads:
            if workload.kind not in _PATHS:
                raise ValueError(f"workloads of kind {workload.kind!r} cannot be judged; known: {', '.join(_PATHS)}")

    def look(self) -> list[Check]:
        """One check per workload, in the order they were asked for."""
        found: dict[tuple[str, str], dict[str, Json]] = {}
        for kind, namespace in dict.fromkeys((workload.kind, workload.namespace) for workload in self.workloads):
            listed = items(self.api, _PATHS[kind].format(namespace=namespace))
            found[kind, namespace] = {item["metadata"]["name"]: item for item in listed}
        views: dict[str, NamespaceView] = {}
        return [self.check(workload, found[workload.kind, workload.namespace].get(workload.name), views) for workload in self.workloads]

    def check(self, workload: Workload, item: Json | None, views: dict[str, NamespaceView]) -> Check:
        """The check on one workload as it was read; `views` holds by namespace what one look has read beside it."""
        name, subject, expected = "workload-ready", str(workload), _EXPECTED.get(workload.kind, "available")
        if item is None:
            remedy = self._way_back(workload, views) or f"Install what makes {subject} again."
            # final: its release has been installed, and nothing else makes it
            return Check(name, subject, Status.FAILED, "no such object", "the object to exist", remedy, final=True, stuck=True)
        progress = _PROGRESS[workload.kind](item)
        if not progress:
            return Check(name, subject, Status.PASSED, expected, expected)
        view = self._view(workload, views)
        troubles = view.troubles(workload, item)
        seen = "; ".join([progress, *(str(each) for each in troubles[:_NAMED])])
        if workload.kind == "Job" and _FAILED in _states(item):
            return Check(name, subject, Status.FAILED, seen, expected, self._again(workload, item), final=True, stuck=True)
        final = [each for each in troubles if each.unparsable or any(view.absent(gone) for gone in each.missing)]
        stuck = any(not each.quiet for each in troubles)
        remedy = _remedy(workload, item, final or troubles, self.repair)
        return Check(name, subject, Status.FAILED, seen, expected, remedy, final=bool(final), stuck=stuck)

    def _again(self, workload: Workload, item: Json) -> str:
        """How a Job that failed for good gets another try: nothing retries it, and to Pulumi it is still there."""
        if self.repair and (item["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == "Helm":
            return f"{_read_up(workload)}, then run `{self.repair}`."
        up = f"{self.restore} --refresh" if self.restore else "pulumi refresh && pulumi up"
        return f"{_read_up(workload)}, then run `kubectl --namespace {workload.namespace} delete job {workload.name} && {up}`."

    def _way_back(self, workload: Workload, views: dict[str, NamespaceView]) -> str:
        return self.repair if not self.restore or self._view(workload, views).released() else self.restore

    def _view(self, workload: Workload, views: dict[str, NamespaceView]) -> NamespaceView:
        return views.setdefault(workload.namespace, NamespaceView(self.api, workload.namespace))


class NamespaceView:
    """What one look needs to know about a namespace, read at most once."""

    def __init__(self, api: KubernetesReader, namespace: str) -> None:
        self._api, self._namespace = api, namespace
        self._pods: list[Json] | None = None
        self._events: list[Json] | None = None
        self._absent: dict[Missing, bool] = {}
        self._released: bool | None = None

    def released(self) -> bool:
        """Whether Helm holds a release here; taken for granted when that cannot be asked."""
        if self._released is None:
            try:
                self._released = bool(items(self._api, f"/api/v1/namespaces/{self._namespace}/secrets", _HELM_RECORDS))
            except KubeError:
                self._released = True
        return self._released

    def troubles(self, workload: Workload, item: Json) -> list[Trouble]:
        """What keeps a workload's pods from being ready; without pods, why there are none."""
        found = [each for pod in self.of(item) if (each := trouble(pod, self.events()))]
        return sorted(found, key=lambda each: each.quiet) or list(_creation_trouble(workload, item))

    def of(self, item: Json) -> list[Json]:
        """The pods of a workload."""
        wanted = (item["spec"].get("selector") or {}).get("matchLabels") or {}
        return [pod for pod in self.pods() if wanted and wanted.items() <= (pod["metadata"].get("labels") or {}).items()]

    def pods(self) -> list[Json]:
        if self._pods is None:
            self._pods = items(self._api, f"/api/v1/namespaces/{self._namespace}/pods")
        return self._pods

    def events(self) -> list[Json]:
        if self._events is None:
            path, query = f"/api/v1/namespaces/{self._namespace}/events", {"fieldSelector": "type=Warning", "limit": "500"}
            self._events = items(self._api, path, query)
        return self._events

    def absent(self, gone: Missing) -> bool:
        """Whether an object that somebody once missed is missing now: events tell of the past."""
        if gone.kind not in _LOOK_UP:
            return False
        if gone not in self._absent:
            try:
                self._api.get(_LOOK_UP[gone.kind].format(namespace=self._namespace, name=gone.name))
                self._absent[gone] = False
            except ObjectNotFoundError:
                self._absent[gone] = True
        return self._absent[gone]


def _creation_trouble(workload: Workload, item: Json) -> list[Trouble]:
    """Why pods could not even be created: the API server refused them."""
    failed = [condition for kind, condition in _states(item).items() if kind in ("ReplicaFailure", "FailedCreate")]
    words = [str(condition.get("message") or "") for condition in failed]
    return [Trouble(f"of {workload.name}", "FailedCreate", said, tuple(missing(said))) for said in words]


def _remedy(workload: Workload, item: Json, troubles: Sequence[Trouble], repair: str) -> str:
    if item["spec"].get("replicas") == 0:
        return f"Run `kubectl --namespace {workload.namespace} scale {workload.kind.lower()} {workload.name} --replicas 1`."
    if not troubles:
        return f"{_read_up(workload)}."
    first = troubles[0]
    if first.missing:
        gone = first.missing[0]
        where = "in the cluster" if gone.kind in _CLUSTER_SCOPED else f"in namespace {workload.namespace}"
        release = f"; if its release made it, `{repair}` does" if repair else ""
        return f"Create {gone.kind} {gone.name} {where}; if the stack owns it, `pulumi refresh` and `pulumi up` bring it back{release}."
    if first.reason == "Unschedulable":
        return "Add nodes or free room on them: the scheduler's sentence says what is lacking."
    return f"Run `kubectl --namespace {workload.namespace} describe pod {first.pod}` and `… logs {first.pod} --previous`."


def _read_up(workload: Workload) -> str:
    return f"Run `kubectl --namespace {workload.namespace} describe {workload.kind.lower()} {workload.name}` and look at its events"


def _rollout(item: Json, ready: str, wanted: int) -> str:
    """What is missing from a rollout; empty when it is complete."""
    if item["spec"].get("replicas") == 0:
        return "scaled to 0 replicas"
    status = item.get("status") or {}
    if status.get("observedGeneration", 0) < item["metadata"].get("generation", 0):
        return "the newest revision has not been looked at yet"
    updated, available = status.get("updatedReplicas", status.get("updatedNumberScheduled", 0)), status.get(ready, 0)
    if updated < wanted:
        return f"{updated} of {wanted} replicas updated"
    if status.get("replicas", wanted) > wanted:
        return f"{status['replicas'] - wanted} replicas of the last revision still run"
    return f"{available} of {wanted} replicas available" if available < wanted else ""


def _deployment(item: Json) -> str:
    return _rollout(item, "availableReplicas", int(item["spec"].get("replicas", 1)))


def _stateful_set(item: Json) -> str:
    return _rollout(item, "readyReplicas", int(item["spec"].get("replicas", 1)))


def _daemon_set(item: Json) -> str:
    return _rollout(item, "numberAvailable", int((item.get("status") or {}).get("desiredNumberScheduled", 0)))


def _job(item: Json) -> str:
    states = _states(item)
    if "Complete" in states:
        return ""
    if failed := states.get(_FAILED):
        return f"failed: {failed.get('reason')}: {failed.get('message')}"
    return f"{(item.get('status') or {}).get('succeeded', 0)} of {item['spec'].get('completions', 1)} completions"


def _states(item: Json) -> dict[str, Json]:
    """The conditions that are true, by type."""
    conditions = (item.get("status") or {}).get("conditions") or []
    return {condition["type"]: condition for condition in conditions if condition["status"] == "True"}


_PROGRESS: Mapping[str, Callable[[Json], str]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
}
_EXPECTED = {"Job": "complete"}
