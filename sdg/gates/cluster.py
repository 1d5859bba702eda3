"""Gate: the Kubernetes cluster.

Inputs: `connection`, `minNodes`, `kubernetes` (version specifier, "" for any), `storageClass` (a name, or none for a default class),
`gpus` (planned in all; 0 for CPU only), `gpusPerNode`, `deadline` (seconds); optionally `onDisks`, `pools` [{name, minimum, maximum, gpus,
labels, taints}], `triggers` and `revision` (of the cluster itself; another one is looked at anew).
Evidence: `kubernetes` (version), `nodes`, `gpus`, `gpuNodes`, `storageClass` (the one that claims name; it stays once the gate was green).
"""

from __future__ import annotations

from sdg.gates.checks import Verdict
from sdg.gates.probes.cluster import ClusterProbe
from sdg.gates.probes.nodes import NodePlan
from sdg.gates.probes.pools import Pool
from sdg.gates.resource import Properties, RecordProvider
from sdg.gates.waiting import Say, Wait, observed, until_green
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection


class ClusterRecord(RecordProvider):
    """Stores what was found about a cluster."""

    @staticmethod
    def wait(inputs: Properties, say: Say) -> Verdict:
        return until_green(_probe(inputs).look, Wait(deadline=float(inputs["deadline"])), say)

    @staticmethod
    def observe(inputs: Properties, found: Properties) -> Verdict:  # noqa: ARG004 (the interface)
        return observed(lambda: _probe(inputs).look())

    @staticmethod
    def remembered(stored: Properties) -> Properties:
        # claims exist only behind a green answer; before it, the cluster may still change its mind
        name = (stored.get("evidence") or {}).get("storageClass")
        return {"storageClass": name} if name and stored.get("lastGreen") is not None else {}


def _probe(inputs: Properties) -> ClusterProbe:
    api = KubernetesApi.connect(Connection.of(inputs["connection"]))
    # numbers arrive as floats
    planned = tuple(Pool.of(entry) for entry in inputs.get("pools") or ())
    plan = NodePlan(
        int(inputs.get("minNodes") or 1), int(inputs.get("gpus") or 0), int(inputs.get("gpusPerNode") or 0), in_pools=bool(planned)
    )
    return ClusterProbe(
        api,
        plan,
        str(inputs.get("kubernetes") or ""),
        storage_class=inputs.get("storageClass") or None,
        storage_class_in_use=inputs["remembered"].get("storageClass"),
        pools=planned,
        on_disks=bool(inputs.get("onDisks")),
    )
