"""The fit of pods and the real scheduler of a virtual cluster, asked the same random questions."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pytest

from rehearsal.api import ACCOUNTS, PODS, Api, Resource
from rehearsal.cluster import VirtualCluster
from rehearsal.nodes import NodeGroup
from rehearsal.state import StateDir
from rehearsal.tools import Tools
from sdg.catalog.fit import Fit, Group, Pod, Pool, Toleration, fit
from sdg.catalog.fit_model import GPU, GPU_TAINT
from sdg.catalog.nims import nim, nims

NAMESPACES = Resource("v1", "namespaces")
NAMESPACE = "fit"
CASE = "test.sdg/case"
TIER, LENT = "test.sdg/tier", "test.sdg/lent=true:NoSchedule"
LENDER = Toleration("test.sdg/lent", "Equal", "true", "NoSchedule")
SIZES = (
    "Standard_NC40ads_H100_v5",
    "Standard_NC80adis_H100_v5",
    "Standard_NC48ads_A100_v4",
    "Standard_NC96ads_A100_v4",
    "Standard_ND96isr_H100_v5",
    "Standard_ND96asr_v4",
    "Standard_D32ds_v5",
)
# cases of each kind: what certainly fits, what certainly does not, and what depends on the scheduler
EACH = 16
THE_EIGHT = 10**7


@dataclass(frozen=True)
class Case:
    """A question, and the catalog's answer."""

    seed: int
    lasting: tuple[Pod, ...]
    passing: tuple[Group, ...]
    pools: tuple[Pool, ...]
    found: Fit

    @property
    def kind(self) -> str:
        if self.found.gave_up or (self.found.holds is None and self.found.placed):
            return "undecided"
        return "impossible" if self.found.impossible else "holds" if self.found.holds else "depends"

    def __str__(self) -> str:
        wanted = [f"{pod.name}: {pod.amount} on {dict(pod.node_selector)}" for pod in self.lasting]
        there = [f"{pool.maximum} x {pool.size} {pool.taints}" for pool in self.pools]
        return f"seed {self.seed}: {wanted}, {self.passing}, on {there}; {self.found}"


def a_case(seed: int) -> Case:
    """A random question, near the border between what fits and what doesn't."""
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    own = {CASE: str(seed)}
    pools = tuple(
        Pool.of_size(
            f"case-{seed}-{number}",
            size,
            0,
            chance.choice((1, 1, 2, 3)),
            labels={**own, TIER: chance.choice(("a", "b"))},
            taints=(*((GPU_TAINT,) if size.startswith("Standard_N") else ()), *((LENT,) if chance.random() < 0.2 else ())),
            daemons=False,
        )
        for number, size in enumerate(chance.sample(SIZES, chance.choice((1, 2, 2, 3))))
    )

    def made(pod: Pod) -> Pod:
        # the scheduler knows nothing of the memory of GPUs
        selector = {**own, TIER: chance.choice(("a", "b"))} if chance.random() < 0.15 else own
        lent = (LENDER,) if chance.random() < 0.7 else ()
        return replace(pod, vram_gib=None, node_selector=selector, tolerations=(*pod.tolerations, *lent))

    gpus = sum(pool.gpus * pool.maximum for pool in pools)
    known = [name for name in nims() if nim(name).gpus <= max(1, gpus)]
    names = chance.choices(known, k=chance.randint(1, max(1, min(gpus, 7))))
    lasting = tuple(made(Pod.of_nim(f"{name}-{number}", nim(name))) for number, name in enumerate(names))
    passing = tuple(
        Group(f"group-{number}", tuple(made(a_task(chance, f"task-{number}-{index}")) for index in range(chance.randint(1, 3))))
        for number in range(chance.randint(0, 2))
    )
    return Case(seed, lasting, passing, pools, fit(lasting, passing, pools))


def a_task(chance: random.Random, name: str) -> Pod:
    amounts = {
        "cpu": chance.choice((1, 4, 11, 16)),
        "memory_gib": chance.choice((8, 64, 100, 128)),
        "storage_gib": chance.choice((1, 25, 50)),
    }
    return Pod.of_task(name, gpus=chance.choice((0, 1, 1, 2)), **amounts)


def cases(first: int) -> list[Case]:
    """As many of each kind, by seeds from one on."""
    kept: dict[str, list[Case]] = {"holds": [], "impossible": [], "depends": []}
    seed = first
    while any(len(some) < EACH for some in kept.values()):
        case = a_case(seed)
        if len(kept.get(case.kind, ())) < EACH and case.kind in kept:
            kept[case.kind].append(case)
        seed += 1
    return [all_of_nvidias(), *(case for some in kept.values() for case in some)]


def all_of_nvidias() -> Case:
    """The eight NIMs of NVIDIA's installer on two nodes of eight GPUs: the one that takes a whole node has to come first."""
    own = {CASE: str(THE_EIGHT), TIER: "a"}
    pool = Pool.of_size(f"case-{THE_EIGHT}", "Standard_ND96isr_H100_v5", 0, 2, labels=own, taints=(GPU_TAINT,), daemons=False)
    names = [name for name in nims() if name != "qwen-image-edit-2511"]
    lasting = tuple(Pod.of_nim(name, nim(name), node_selector={CASE: str(THE_EIGHT)}) for name in names)
    return Case(THE_EIGHT, lasting, (), (pool,), fit(lasting, (), (pool,)))


@pytest.fixture(scope="module")
def asked() -> list[Case]:
    first = random.randrange(10**6)  # noqa: S311 - chance, not secrecy
    print(f"first seed: {first}")
    return cases(first)


@pytest.fixture(scope="module")
def api(asked, tmp_path_factory):
    state = StateDir(tmp_path_factory.mktemp("cluster") / "state")
    groups = [
        NodeGroup(pool.name, str(pool.size), pool.maximum, tuple((key, (pool.labels or {})[key]) for key in (CASE, TIER)), pool.taints)
        for case in asked
        for pool in case.pools
    ]
    cluster = VirtualCluster(state, Tools.locate())
    cluster.start(groups, storage_class=False)
    found = Api.of_kubeconfig(state.kubeconfig, state.pki / "ca.crt")
    found.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    until(lambda: found.get(ACCOUNTS, "default", NAMESPACE), "the namespace's service account")
    yield found
    cluster.stop(purge=True)


def until(look, what, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        time.sleep(0.1)
    return found


def manifest(case: Case, pod: Pod, *, packs: bool) -> dict[str, object]:
    """As a NIM's pod is made; those with one GPU prefer to be beside each other, so that big ones find empty nodes."""
    count, millis, memory, disk = pod.amount
    asked = {GPU: str(count), "cpu": f"{millis}m", "memory": f"{memory}Mi", "ephemeral-storage": f"{disk}Mi"}
    amounts = {name: amount for name, amount in asked.items() if amount not in ("0", "0m", "0Mi")}
    labels = {CASE: str(case.seed), "test.sdg/gpus": str(pod.gpus)}
    term = {"labelSelector": {"matchLabels": labels}, "topologyKey": "kubernetes.io/hostname"}
    near = {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"case-{case.seed}-{pod.name}", "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "containers": [{"name": "main", "image": "nvcr.io/example:1", "resources": {"requests": amounts, "limits": amounts}}],
            "nodeSelector": dict(pod.node_selector),
            "tolerations": [each.facts() for each in pod.tolerations],
            **({"affinity": near} if packs and pod.gpus == 1 else {}),
        },
    }


def waiting(api: Api, wanted: Sequence[tuple[Case, Pod]], *, packs: bool) -> Mapping[int, list[str]]:
    """Creates pods in this order; names of those that the scheduler found no node for, by case."""
    for case, pod in wanted:
        api.create(PODS, manifest(case, pod, packs=packs))
    names = {f"case-{case.seed}-{pod.name}": case.seed for case, pod in wanted}
    until(lambda: all(decided(found) for found in pods(api, names)), "decision about every pod")
    lost: dict[int, list[str]] = {case.seed: [] for case, _ in wanted}
    for found in pods(api, names):
        if not found["spec"].get("nodeName"):
            lost[names[found["metadata"]["name"]]].append(found["metadata"]["name"])
    return lost


def pods(api: Api, names: Iterable[str]):
    wanted = set(names)
    return [item for item in api.list(PODS, NAMESPACE)["items"] if item["metadata"]["name"] in wanted]


def decided(found) -> bool:
    conditions = found["status"].get("conditions") or []
    refused = any(each["type"] == "PodScheduled" and each.get("reason") == "Unschedulable" for each in conditions)
    return bool(found["spec"].get("nodeName")) or refused


def gone(api: Api, wanted: Sequence[tuple[Case, Pod]]) -> None:
    names = {f"case-{case.seed}-{pod.name}" for case, pod in wanted}
    for name in names:
        api.delete(PODS, name, NAMESPACE, gracePeriodSeconds="0")
    until(lambda: not pods(api, names), "end of a group")


@pytest.fixture(scope="module")
def lost(api, asked) -> Mapping[int, list[str]]:
    """Pods without a node, by case: lasting ones are made biggest first, then one group after the other."""
    found: dict[int, list[str]] = {case.seed: [] for case in asked}

    def note(more: Mapping[int, list[str]]) -> None:
        for seed, names in more.items():
            found[seed] += names

    note(waiting(api, [(case, pod) for case in asked for pod in sorted(case.lasting, key=lambda pod: -pod.gpus)], packs=True))
    for number in range(2):
        beside = [(case, pod) for case in asked for group in case.passing[number : number + 1] for pod in group.pods]
        note(waiting(api, beside, packs=False))
        gone(api, beside)
    return found


def test_what_holds_by_the_catalog_is_placed_by_the_scheduler(asked, lost):
    sure = [case for case in asked if case.kind == "holds"]
    assert len(sure) == EACH + 1
    for case in sure:
        assert not lost[case.seed], f"{lost[case.seed]} of {case}"


def test_what_the_scheduler_places_has_places_by_the_catalog(asked, lost):
    placed = [case for case in asked if not lost[case.seed]]
    assert len(placed) >= EACH
    for case in placed:
        assert case.found.placed, str(case)


def test_what_has_no_place_by_the_catalog_leaves_a_pod_without_a_node(asked, lost):
    impossible = [case for case in asked if case.kind == "impossible"]
    assert len(impossible) == EACH
    for case in impossible:
        assert lost[case.seed], str(case)


def test_a_pod_that_the_scheduler_strands_was_told_of(asked, lost):
    depends = [case for case in asked if case.kind == "depends"]
    print(f"{sum(bool(lost[case.seed]) for case in depends)} of {len(depends)} that depend on the scheduler left a pod without a node")
    for case in asked:
        assert not lost[case.seed] or case.found.misfits or case.found.risk, str(case)
