"""What the gates behind a Helm release have in common: their workloads are ready, then OSMO answers as it should."""

from __future__ import annotations

from collections.abc import Callable

from sdg.gates.checks import Check, Verdict
from sdg.gates.probes.gateway import ForwardedGateway
from sdg.gates.probes.osmo import StageProbe
from sdg.gates.probes.workloads import WorkloadsProbe
from sdg.gates.resource import Properties
from sdg.gates.waiting import Say, Wait, observed, until_green
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection
from sdg.kube.workload import Workload

Questions = Callable[[ForwardedGateway], list[Check]]

# seconds that an object must be missing before that counts as final: one that is replaced is missing for a moment, and whoever reads
# live that it is missing may be about to bring it back
SETTLE = 10.0


def wait_for_stage(inputs: Properties, questions: Questions, say: Say) -> Verdict:
    """Until the stage is green, late or hopeless."""
    with ForwardedGateway.of(inputs) as gateway:
        look = _probe(inputs, gateway, questions).look
        return until_green(look, Wait(deadline=float(inputs["deadline"]), settle=SETTLE), say)


def observe_stage(inputs: Properties, questions: Questions) -> Verdict:
    """One look."""
    with ForwardedGateway.of(inputs) as gateway:
        return observed(lambda: _probe(inputs, gateway, questions).look())


def _probe(inputs: Properties, gateway: ForwardedGateway, questions: Questions) -> StageProbe:
    workloads = WorkloadsProbe(
        KubernetesApi.connect(Connection.of(inputs["connection"])),
        [Workload.of(workload) for workload in inputs["workloads"]],
        repair=str(inputs.get("repair") or ""),
        restore=str(inputs.get("restore") or ""),
    )
    return StageProbe(workloads, lambda: questions(gateway))
