"""What AKS' cluster autoscaler decides about pods that the scheduler refused: pure functions on objects.

As upstream: a pod counts only when a new node would help it; one pool grows at a time; nodes that were ordered count as if they were there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rehearsal.api import Object
from rehearsal.azure import aks_fit as fit
from rehearsal.azure.aks_pools import NodePool, is_of, is_ready, offers_its_gpus, template
from rehearsal.nodes import NOT_READY
from rehearsal.watching import Key, key_of

FULL, BACKED_OFF = "max node group size reached", "in backoff after failed scale-up"
UNSCHEDULABLE: Final = "Unschedulable"


@dataclass(frozen=True, slots=True)
class Cluster:
    """What there is.

    Attributes:
        on: node → its pods.
        daemons: a pod of every DaemonSet: a fresh node gets those that suit it.
        backed_off: names of pools that lately could not grow.
    """

    pools: Sequence[NodePool]
    nodes: Sequence[Object] = ()
    on: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    daemons: Sequence[Object] = ()
    backed_off: frozenset[str] = frozenset()

    def of(self, pool: NodePool) -> list[Object]:
        """The nodes of a pool."""
        return [item for item in self.nodes if is_of(pool, item)]


@dataclass(frozen=True, slots=True)
class Growth:
    """A decision to grow.

    Attributes:
        to: machines that the pool is to have.
        pods: those that it is made for.
    """

    pool: NodePool
    to: int
    pods: tuple[Object, ...]

    @property
    def words(self) -> str:
        """As the event on each of the pods says it."""
        return f"pod triggered scale-up: [{{{self.pool.scale_set} {self.pool.count}->{self.to} (max: {_most(self.pool)})}}]"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        growth: of the one pool that grows now; None when none does.
        helpless: pods that no new node would help, with the reasons.
    """

    growth: Growth | None
    helpless: Mapping[Key, str]


@dataclass
class _Space:
    """A node that is not there yet, and what it has left."""

    node: Object
    free: fit.Resources

    def takes(self, pod: Object) -> bool:
        """Whether the pod fits; from then on it has its place there."""
        if fit.refusals(pod, self.node, self.free):
            return False
        self.free = fit.taken(self.free, [pod])
        return True


def plan(pods: Sequence[Object], cluster: Cluster) -> Plan:
    """Decides about the pods that the scheduler refused."""
    helpless = {key_of(pod): reason for pod in pods if (reason := fit.not_about_nodes(refusal(pod) or ""))}
    left = [pod for pod in pods if key_of(pod) not in helpless]
    present = _present(cluster)
    left = [pod for pod in left if fit.minds_others(pod) or not any(space.takes(pod) for space in present)]
    for pool in cluster.pools:
        spaces = _upcoming(pool, cluster)
        left = [pod for pod in left if not any(space.takes(pod) for space in spaces)]
    growth: Growth | None = None
    groups = [pool for pool in cluster.pools if pool.autoscaled]
    for pod in left:
        reasons = {pool.name: _why_not(pod, pool, cluster) for pool in groups}
        suited = next((pool for pool in groups if not reasons[pool.name]), None)
        if suited is None:
            helpless[key_of(pod)] = _counted(list(reasons.values()))
        elif growth is None:
            growth = _grown(suited, [pod, *(each for each in left if each is not pod)], cluster)
    return Plan(growth, helpless)


def refusal(pod: Object) -> str | None:
    """The scheduler's message about a pod that no node takes; None for any other pod."""
    if pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp"):
        return None
    for condition in pod.get("status", {}).get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False" and condition.get("reason") == UNSCHEDULABLE:
            return str(condition.get("message", ""))
    return None


def serves(item: Object) -> bool:
    """Whether a node has come up; for one with GPUs that is when they are offered."""
    return is_ready(item) and offers_its_gpus(item)


def _fresh(pool: NodePool, cluster: Cluster) -> _Space:
    found = template(pool, cluster.of(pool))
    suited = [pod for pod in cluster.daemons if fit.tolerates_all(pod, found) and fit.matches(pod, found)]
    return _Space(found, fit.taken(fit.allocatable(found), suited))


def _present(cluster: Cluster) -> list[_Space]:
    """Nodes that are there: the scheduler may not have looked again since one came, or since something ended on it."""
    spaces = []
    for item in cluster.nodes:
        if serves(item) and not item["spec"].get("unschedulable"):
            taints = [taint for taint in item["spec"].get("taints") or [] if taint["key"] != NOT_READY]
            settled = {**item, "spec": {**item["spec"], "taints": taints}}
            spaces.append(_Space(settled, fit.taken(fit.allocatable(item), cluster.on.get(item["metadata"]["name"], ()))))
    return spaces


def _upcoming(pool: NodePool, cluster: Cluster) -> list[_Space]:
    """Nodes that were ordered, or that are coming up."""
    own = cluster.of(pool)
    spaces = [_fresh(pool, cluster) for _ in range(pool.count - len(own))]
    for item in own:
        if not serves(item) and not item["spec"].get("unschedulable"):
            found = template(pool, own)
            spaces.append(_Space(found, fit.taken(fit.allocatable(found), cluster.on.get(item["metadata"]["name"], ()))))
    return spaces


def _why_not(pod: Object, pool: NodePool, cluster: Cluster) -> str:
    space = _fresh(pool, cluster)
    if refused := fit.refusals(pod, space.node, space.free):
        return refused[0]
    if pool.count >= _most(pool):
        return FULL
    return BACKED_OFF if pool.name in cluster.backed_off else ""


def _grown(pool: NodePool, pods: Sequence[Object], cluster: Cluster) -> Growth:
    """How far a pool grows for these pods, the first of which fits."""
    spaces: list[_Space] = []
    placed: list[Object] = []
    for pod in pods:
        space = _fresh(pool, cluster)
        if any(known.takes(pod) for known in spaces):
            placed.append(pod)
        elif pool.count + len(spaces) < _most(pool) and space.takes(pod):
            spaces.append(space)
            placed.append(pod)
    return Growth(pool, pool.count + len(spaces), tuple(placed))


def _most(pool: NodePool) -> int:
    return pool.autoscaled[1] if pool.autoscaled else pool.count


def _counted(reasons: Sequence[str]) -> str:
    return ", ".join(f"{reasons.count(reason)} {reason}" for reason in dict.fromkeys(reasons))
