"""Gate: the KAI scheduler: what OSMO's operator writes is served, and where the stack installed the scheduler, all of it runs.

Inputs: `connection`, `installed` (whether the stack installs it), `workloads` [{kind, namespace, name}], `definitions` [name of a CRD],
`triggers`, `deadline` (seconds); optionally `repair` (the command that brings back what vanished from its Helm release).
"""

from __future__ import annotations

from sdg.gates.checks import Verdict
from sdg.gates.probes.definitions import DefinitionsProbe
from sdg.gates.probes.workloads import WorkloadsProbe
from sdg.gates.resource import Properties, RecordProvider
from sdg.gates.stage import SETTLE
from sdg.gates.waiting import Look, Say, Wait, observed, until_green
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection
from sdg.kube.workload import Workload

_ABSENT = "Install the KAI scheduler in this cluster, or have the stack do it: set `sdg:platform.kaiScheduler.install` to true."


class KaiRecord(RecordProvider):
    """Stores what was found about the KAI scheduler."""

    @staticmethod
    def wait(inputs: Properties, say: Say) -> Verdict:
        return until_green(_look(inputs), Wait(deadline=float(inputs["deadline"]), settle=SETTLE), say)

    @staticmethod
    def observe(inputs: Properties, found: Properties) -> Verdict:  # noqa: ARG004 (the interface)
        return observed(_look(inputs))


def _look(inputs: Properties) -> Look:
    api, repair = KubernetesApi.connect(Connection.of(inputs["connection"])), str(inputs.get("repair") or "")
    installed = bool(inputs["installed"])
    definitions = DefinitionsProbe(api, inputs["definitions"], repair or _ABSENT, awaited=installed)
    workloads = WorkloadsProbe(api, [Workload.of(workload) for workload in inputs["workloads"]], repair=repair)
    return lambda: Verdict((*definitions.look(), *workloads.look()))
