"""Gate: work gets done. Submits workflows and waits for COMPLETED, the only green.

Inputs: `connection`, `endpoint` {namespace, service, port}, `pool`, `workflows` [{name, spec (text), optionally growth and taints}],
`triggers`, `deadline` (seconds). `growth` is the image of a pod that makes the first node that the workflow can run on, `taints` what that
pod tolerates (`key=value:Effect`) beside the taint of GPU nodes.
Evidence: `workflows` [{name, id, status, duration, tasks [{name, status, exitCode, failureMessage, node}], log, cancelled, orphan}].
"""

from __future__ import annotations

from sdg.gates.checks import Verdict
from sdg.gates.probes.gateway import ForwardedGateway
from sdg.gates.probes.growth import Growth
from sdg.gates.probes.submission import Smoke, SmokeWorkflow
from sdg.gates.probes.workflow import recorded
from sdg.gates.resource import Properties, RecordProvider
from sdg.gates.waiting import Say, Wait, observed, until_green
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection

_LOOK_EVERY = 0.1  # seconds: a look only reads what the workflows' threads have seen


class SmokeRecord(RecordProvider):
    """Stores what became of the smoke workflows."""

    @staticmethod
    def wait(inputs: Properties, say: Say) -> Verdict:
        with ForwardedGateway.of(inputs) as gateway:
            smoke = Smoke(gateway, str(inputs["pool"]), [_workflow(entry, inputs) for entry in inputs["workflows"]])
            with smoke:
                verdict = until_green(smoke.look, Wait(deadline=float(inputs["deadline"]), interval=_LOOK_EVERY), say)
            for orphan in smoke.orphans():
                say(orphan)
            return verdict.with_evidence(**smoke.evidence())  # with what became of those that had to be cancelled

    @staticmethod
    def observe(inputs: Properties, found: Properties) -> Verdict:
        def look() -> Verdict:
            # a cluster that is down says so sooner, and in better words, than a forward that does not come up
            KubernetesApi.connect(Connection.of(inputs["connection"])).get("/version")
            with ForwardedGateway.of(inputs) as gateway:
                return recorded(gateway, found)

        return observed(look)


def _workflow(entry: Properties, inputs: Properties) -> SmokeWorkflow:
    growth = None
    if entry.get("growth"):
        api = KubernetesApi.connect(Connection.of(inputs["connection"]))
        growth = Growth(api, str(entry["growth"]), float(inputs["deadline"]), tuple(map(str, entry.get("taints") or ())))
    return SmokeWorkflow(name=str(entry["name"]), spec=str(entry["spec"]), growth=growth)
