"""What a stack leaves in its cluster once everything that has an owner is gone: removed here, and looked for until it is gone.

Helm leaves volumes and CRDs, OSMO's operator leaves queues, and nothing waits for a namespace that is being emptied. What somebody else
owns is never touched: objects are told by the release that Helm noted on them, by OSMO's own names, or by the program's label.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from sdg.catalog.gpu_driver import AKS_RUNTIME
from sdg.gates.checks import Check, Status, Verdict
from sdg.kube.api import KubernetesReader, items
from sdg.kube.errors import ObjectNotFoundError, RefusedError
from sdg.kube.objects import Ref, collection
from sdg.osmo import layout, retained
from sdg.platform import layout as platform
from sdg.platform.ownership import is_owned

HELM_RELEASE: Final = "meta.helm.sh/release-name"
HELM_NAMESPACE: Final = "meta.helm.sh/release-namespace"
PROVISIONED_BY: Final = "pv.kubernetes.io/provisioned-by"

# KAI's chart has a namespace of its own besides, which Helm keeps
_POLICY: Final = "ClusterPolicy"
_SCOPED_BY_HELM: Final = ("PriorityClass", "ClusterRole", "ClusterRoleBinding", "SchedulingShard", "Namespace", _POLICY)
_WEBHOOKS: Final = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
# what is looked for in a namespace that stays
_WORKLOADS: Final = ("Deployment", "ReplicaSet", "Job", "Pod")
_INSIDE: Final = (*_WORKLOADS, "Service", "PersistentVolumeClaim", "Secret", "ConfigMap", "ServiceAccount", "ResourceQuota")

Json = Mapping[str, Any]


class KubernetesCleaner(KubernetesReader, Protocol):
    """A cluster in which objects can be removed."""

    def delete(self, path: str) -> None: ...

    def patch(self, path: str, changes: Json) -> Json: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be gone.

    Attributes:
        retain: whether what `sdg.osmo.retained` promises stays.
        namespaces: those that the stack made.
        kai: whether the stack installed the KAI scheduler.
        crds: whether its CRDs go too, and with them every queue and pod group of anybody.
        gpu_operator: whether the stack installed the GPU operator from its chart.
        gpu_operator_crds: whether its CRDs go too.
        nim_operator: whether the stack installed the NIM operator.
        nim_operator_crds: whether its CRDs go too.
        owner: project and stack, as the namespaces name them; empty where an earlier program left nothing to go by.
    """

    retain: bool
    namespaces: tuple[str, ...]
    kai: bool
    crds: bool
    gpu_operator: bool = False
    gpu_operator_crds: bool = False
    nim_operator: bool = False
    nim_operator_crds: bool = False
    owner: str = ""

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Plan:
        """Reads the inputs of the resource."""
        kai, operator = properties["kaiScheduler"], properties.get("gpuOperator") or {}
        nims = properties.get("nimOperator") or {}
        return cls(
            retain=properties["data"] == "retain",
            namespaces=tuple(properties["namespaces"]),
            kai=bool(kai["install"]),
            crds=bool(kai["removeCrds"]),
            gpu_operator=bool(operator.get("install")),
            gpu_operator_crds=bool(operator.get("removeCrds")),
            nim_operator=bool(nims.get("install")),
            nim_operator_crds=bool(nims.get("removeCrds")),
            owner=str(properties.get("owner") or ""),
        )

    def without(self, foreign: Collection[str]) -> Plan:
        """The same where some of the namespaces are somebody else's, and so is what lives in them."""
        kai = self.kai and platform.KAI_NAMESPACE not in foreign
        operator = self.gpu_operator and platform.GPU_OPERATOR_NAMESPACE not in foreign
        nims = self.nim_operator and platform.NIM_OPERATOR_NAMESPACE not in foreign
        rest = tuple(namespace for namespace in self.namespaces if namespace not in foreign)
        return replace(
            self,
            namespaces=rest,
            kai=kai,
            crds=self.crds and kai,
            gpu_operator=operator,
            gpu_operator_crds=self.gpu_operator_crds and operator,
            nim_operator=nims,
            nim_operator_crds=self.nim_operator_crds and nims,
        )

    @property
    def definitions(self) -> frozenset[str]:
        """Names of the CRDs that go."""
        kai, operator = (platform.KAI_CRDS if self.crds else ()), (platform.GPU_OPERATOR_CRDS if self.gpu_operator_crds else ())
        return frozenset((*kai, *operator, *(platform.NIM_CRDS if self.nim_operator_crds else ())))

    def keeps(self, ref: Ref) -> bool:
        return self.retain and retained.promised(ref) is not None

    @property
    def releases(self) -> frozenset[tuple[str, str]]:
        """Namespace and name of the Helm releases whose objects are looked for."""
        osmo = {(layout.SERVICE_NAMESPACE, layout.SERVICE_RELEASE), (layout.OPERATOR_NAMESPACE, layout.OPERATOR_RELEASE)}
        kai = {(platform.KAI_NAMESPACE, platform.KAI_RELEASE)} if self.kai else set()
        operator = {(platform.GPU_OPERATOR_NAMESPACE, platform.GPU_OPERATOR_RELEASE)} if self.gpu_operator else set()
        nims = {(platform.NIM_OPERATOR_NAMESPACE, platform.NIM_OPERATOR_RELEASE)} if self.nim_operator else set()
        known = osmo | kai | operator | nims
        return frozenset(release for release in known if release[0] in self.namespaces)


@dataclass(frozen=True, slots=True)
class Leftover:
    """One object that is still there.

    Attributes:
        found: as the API server has it.
        ours: whether it is deleted here; else it goes with something that is, and is only waited for.
    """

    ref: Ref
    found: Json
    ours: bool = True

    @property
    def going(self) -> bool:
        return bool(self.found["metadata"].get("deletionTimestamp"))


class RemainsProbe:
    """Removes what is left, a little with every look, and says what is still there and why."""

    def __init__(self, api: KubernetesCleaner, plan: Plan) -> None:
        self._api, self._asked = api, plan
        self._foreign: tuple[str, ...] | None = None

    @property
    def _plan(self) -> Plan:
        return self._asked.without(self.foreign())

    def foreign(self) -> tuple[str, ...]:
        """The namespaces that somebody else made: an update that was refused for them leaves them in the plan. Looked for once."""
        if self._foreign is None:
            there = {namespace: self._found(Ref("Namespace", "", namespace)) for namespace in self._asked.namespaces if self._asked.owner}
            self._foreign = tuple(name for name, found in there.items() if found and not is_owned(found, self._asked.owner))
        return self._foreign

    def look(self) -> Verdict:
        left = [*self._leftovers()]
        checks = [self._removed(leftover) for leftover in left]
        return Verdict(tuple(checks) or (Check("gone", "cluster", Status.PASSED, "nothing is left", "nothing is left"),))

    def kept(self) -> list[Ref]:
        """The promised objects that are there."""
        foreign = self.foreign()
        ours = (promise.ref for promise in retained.RETAINED if (promise.ref.namespace or promise.ref.name) not in foreign)
        return [ref for ref in ours if self._found(ref)] if self._plan.retain else []

    def strangers(self) -> list[Ref]:
        """Namespaces that somebody else made, and what somebody put into those that stay: left alone."""
        places = {promise.ref.name for promise in retained.RETAINED if promise.role == "place"} if self._plan.retain else set()
        foreign = self.foreign()
        kept = places.difference(foreign)
        inside = (Ref.to(kind, found) for namespace in sorted(kept) for kind in _INSIDE for found in self._list(kind, namespace))
        left = [ref for ref in inside if not self._plan.keeps(ref) and not retained.is_namespaces_own(ref)]
        return [*(Ref("Namespace", "", namespace) for namespace in foreign), *left]

    def _removed(self, leftover: Leftover) -> Check:
        ref, why = leftover.ref, "deleted just now"
        if leftover.going or not leftover.ours:
            why = _why_it_stays(leftover)
        else:
            try:
                self._api.delete(ref.path)
            except ObjectNotFoundError:
                why = "just gone"
            except RefusedError as error:
                why = f"the API server refuses to delete it: {error}"
        remedy = f"See what holds it: `kubectl get {_argument(ref)} --output yaml`; then destroy again."
        return Check("gone", str(ref), Status.FAILED, why, "gone", remedy, stuck=not leftover.going)

    def _leftovers(self) -> Iterator[Leftover]:
        yield from self._of_scheduler()
        yield from self._of_releases()
        yield from self._of_gpu_operator()
        yield from self._stub()
        for namespace in self._plan.namespaces:
            if self._plan.keeps(Ref("Namespace", "", namespace)):
                yield from self._inside(namespace)
            else:
                yield from self._namespace(namespace)
        yield from self._volumes()
        if names := self._plan.definitions:
            yield from (left for left in self._all("CustomResourceDefinition") if left.ref.name in names)

    def _of_scheduler(self) -> Iterator[Leftover]:
        """Queues, topologies and pod groups of our workflows; of a KAI that was ours, its default queues once nobody uses them."""
        queues = [*self._all("Queue")]
        workflows = layout.WORKFLOWS_NAMESPACE in self._plan.namespaces
        ours = [queue for queue in queues if workflows and _of_workflows(queue)]
        yield from sorted(ours, key=lambda queue: not queue.found.get("spec", {}).get("parentQueue"))  # children before their parents
        if workflows:
            yield from (topology for topology in self._all("Topology") if _of_workflows(topology))
            yield from self._all("PodGroup", layout.WORKFLOWS_NAMESPACE)
        foreign = [queue for queue in queues if not _of_workflows(queue) and queue.ref.name not in platform.KAI_DEFAULT_QUEUES]
        if self._plan.kai and not foreign:
            yield from (queue for queue in queues if queue.ref.name in platform.KAI_DEFAULT_QUEUES)

    def _of_releases(self) -> Iterator[Leftover]:
        """What a release left outside of its namespace; a webhook whose service is gone would keep every pod from starting."""
        for kind in _SCOPED_BY_HELM:
            yield from (left for left in self._all(kind) if _release(left.found) in self._plan.releases)
        if self._plan.kai:
            for kind in _WEBHOOKS:
                yield from (left for left in self._all(kind) if _serves_only(left.found, platform.KAI_NAMESPACE))

    def _of_gpu_operator(self) -> Iterator[Leftover]:
        """The classes that it made for its ClusterPolicy: Kubernetes collects them when that is gone."""
        if self._plan.gpu_operator:
            for left in self._all("RuntimeClass"):
                owners = left.found["metadata"].get("ownerReferences") or []
                if any(owner.get("kind") == _POLICY for owner in owners):
                    yield Leftover(left.ref, left.found, ours=False)

    def _stub(self) -> Iterator[Leftover]:
        for left in self._all("RuntimeClass"):
            stub = left.ref.name == platform.RUNTIME_CLASS and left.found.get("handler") in (platform.STUB_HANDLER, AKS_RUNTIME)
            if stub and platform.OURS.items() <= (left.found["metadata"].get("labels") or {}).items():
                yield left

    def _namespace(self, namespace: str) -> Iterator[Leftover]:
        ref = Ref("Namespace", "", namespace)
        if found := self._found(ref):
            yield Leftover(ref, found)

    def _inside(self, namespace: str) -> Iterator[Leftover]:
        """What has to go from a namespace that stays: all of our releases, and whatever is going already or goes with its owner."""
        everything = [left for kind in _INSIDE for left in self._all(kind, namespace)]
        present = {left.found["metadata"].get("uid") for left in everything}
        for left in everything:
            if self._plan.keeps(left.ref) or retained.is_namespaces_own(left.ref):
                continue
            if _release(left.found) in self._plan.releases:
                yield left
            elif left.going or _is_orphan(left, present):
                yield Leftover(left.ref, left.found, ours=False)

    def _volumes(self) -> Iterator[Leftover]:
        """Volumes behind claims that went. Those that their class would keep are handed to their provisioner, as the claim was ours."""
        for left in self._all("PersistentVolume"):
            claim = retained.claim_of(left.found)
            if claim.namespace not in self._plan.namespaces or self._plan.keeps(claim):
                continue
            released = (left.found.get("status") or {}).get("phase") in ("Released", "Failed")
            made_for_claim = PROVISIONED_BY in (left.found["metadata"].get("annotations") or {})
            if released and made_for_claim and left.found["spec"].get("persistentVolumeReclaimPolicy") != "Delete":
                self._api.patch(left.ref.path, {"spec": {"persistentVolumeReclaimPolicy": "Delete"}})
            if made_for_claim:
                yield Leftover(left.ref, left.found, ours=False)

    def _all(self, kind: str, namespace: str = "") -> Iterator[Leftover]:
        return (Leftover(Ref.to(kind, found), found) for found in self._list(kind, namespace))

    def _list(self, kind: str, namespace: str = "") -> list[Json]:
        try:
            return items(self._api, collection(kind, namespace))
        except ObjectNotFoundError:  # a kind that this cluster doesn't know
            return []

    def _found(self, ref: Ref) -> Json | None:
        try:
            return self._api.get(ref.path)
        except ObjectNotFoundError:
            return None


def _of_workflows(left: Leftover) -> bool:
    labelled = (left.found["metadata"].get("labels") or {}).get(layout.SCHEDULER_LABEL) == layout.WORKFLOWS_NAMESPACE
    return labelled or (left.ref.kind == "Queue" and left.ref.name.startswith(layout.QUEUE_PREFIXES))


def _is_orphan(left: Leftover, present: Collection[object]) -> bool:
    """Whether the workload that owned an object is gone: Kubernetes collects it in a moment."""
    owners = left.found["metadata"].get("ownerReferences") or []
    return any(owner.get("kind") in _WORKLOADS and owner.get("uid") not in present for owner in owners)


def _release(found: Json) -> tuple[str, str]:
    """Namespace and name of the release that Helm noted on an object."""
    annotations = found["metadata"].get("annotations") or {}
    return str(annotations.get(HELM_NAMESPACE, "")), str(annotations.get(HELM_RELEASE, ""))


def _serves_only(webhooks: Json, namespace: str) -> bool:
    services = [(webhook.get("clientConfig") or {}).get("service") or {} for webhook in webhooks.get("webhooks") or []]
    return bool(services) and all(service.get("namespace") == namespace for service in services)


def _why_it_stays(left: Leftover) -> str:
    """In Kubernetes' words, where it has any."""
    metadata, status = left.found["metadata"], left.found.get("status") or {}
    told = [str(condition["message"]) for condition in status.get("conditions") or [] if _holds_up(condition)]
    held = f"held by finalizers {', '.join(metadata['finalizers'])}" if metadata.get("finalizers") else ""
    words = told or [word for word in (str(status.get("phase") or ""), held) if word]
    return "; ".join(["being deleted" if left.going else "still there", *words])


def _holds_up(condition: Json) -> bool:
    """Whether a namespace says by this condition what keeps it."""
    return str(condition.get("type", "")).startswith("Namespace") and condition.get("status") == "True"


def _argument(ref: Ref) -> str:
    return f"{ref.kind.lower()} {ref.name}" + (f" --namespace {ref.namespace}" if ref.namespace else "")


def sentences(checks: Iterable[Check]) -> list[str]:
    """One line per object that is still there."""
    return [f"{check.subject}: {check.observed}" for check in checks]
