"""Gate: every endpoint that the stack serves answers as the workload will use it.

Inputs:
    connection: {kubeconfig, context, keys}; `keys` holds, by endpoint name, the key that requests to it carry (absent or empty for none).
    endpoints: what is served, each
        name: of the endpoint, a DNS label.
        provider: "nim-operator", "nvcf", "foundry" or "external".
        url: base URL as clients say it, with its `/v1` where it has one.
        address: how the gate gets there: {namespace, service, port} of a Service in the cluster, or {url}, the base URL through the mirror.
        ready: path below the URL's origin that answers 200 when requests may come ("/v1/health/ready"); "" where there is none.
        model: name that requests have to say.
        request: "chat", "vlm", "image-edit", or "none" to send no request at all.
        auth: how requests carry the key: "bearer", "api-key" (the header of Azure's accounts), or "".
        minutes: expected from the start of its pod (or from the first look, where it has none) until it answers; 0 when it answers at once.
        expect: optional {models: whether `<url>/models` is there and lists the model (true unless it says false), path: where the request
            goes below the URL's origin (unless told, `<url>/chat/completions`; "/v1/images/edits" gets a form, as OpenAI's API has it)}.
        nim: None, or {name} of its NIMService, in the namespace of its address.
        function: None, or {api, id, version} of a function of NVCF: `api` is its API's base URL through the mirror ("https://api.nvcf…"),
            `version` may be "". Its status is asked with the endpoint's key.
    triggers: by name, what makes the gate look again.
    deadline: seconds.
    pools: optional [{name, minimum, maximum, gpus, labels, taints}], as for the cluster gate: a NIM that needs more GPUs on one node than
        every pool has is not waited for.
    repair, restore: optional, the commands that bring back what vanished, as for the service gate.
`endpoint_input` makes an entry of `endpoints` from what a provider says of one.

Evidence: `endpoints` by name: {phase, models, listed, request {seconds, at}}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sdg.gates.checks import Status, Verdict
from sdg.gates.probes.endpoints import Endpoints
from sdg.gates.probes.nims import NAME as NIM_READY
from sdg.gates.probes.nims import NimsProbe
from sdg.gates.probes.pools import Pool
from sdg.gates.resource import Properties, RecordProvider
from sdg.gates.stage import SETTLE
from sdg.gates.waiting import Say, Wait, late, observed, until_green
from sdg.inference.model import PlannedEndpoint
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection

INTERVAL = 1.0  # seconds between two looks; each endpoint says itself how often it may be asked
SPEAK_GAP = 4.0  # seconds between two lines: a start may take an hour and a half
SPEAK_EVERY = 15.0  # seconds between two lines while nothing changes


class InferenceRecord(RecordProvider):
    """Stores what was found about every endpoint."""

    @staticmethod
    def wait(inputs: Properties, say: Say) -> Verdict:
        wait = Wait(float(inputs["deadline"]), interval=INTERVAL, speak_gap=SPEAK_GAP, speak_every=SPEAK_EVERY, settle=SETTLE)
        with Endpoints.of(inputs, _nims(inputs), with_requests=True) as endpoints:
            return _late(until_green(endpoints.look, wait, say), wait.deadline)

    @staticmethod
    def observe(inputs: Properties, found: Properties) -> Verdict:
        with Endpoints.of(inputs, _nims(inputs), with_requests=False) as endpoints:
            return _remembering(observed(endpoints.look), found)


def _nims(inputs: Properties) -> NimsProbe | None:
    """Looks at NIMs where there are some: nothing else is asked of the cluster."""
    if not any(entry.get("nim") for entry in inputs["endpoints"]):
        return None
    api = KubernetesApi.connect(Connection.of(inputs["connection"]))
    pools = tuple(Pool.of(entry) for entry in inputs.get("pools") or ())
    served = frozenset(str(entry["nim"]["name"]) for entry in inputs["endpoints"] if entry.get("nim"))
    return NimsProbe(api, pools, repair=str(inputs.get("repair") or ""), restore=str(inputs.get("restore") or ""), served=served)


def _late(verdict: Verdict, deadline: float) -> Verdict:
    """With a name for a NIM that was still on its way, and nothing wrong with it, when the wait was over."""
    if verdict.evidence.get("ended") != late(deadline):
        return verdict
    waited = f"The gate waited {deadline:g} s (`sdg:inference.deadline`), and the next `pulumi up` waits as long again."
    on_the_way = [
        replace(check, observed=f"NimNotReady: {check.observed}", remedy=f"{check.remedy} {waited}")
        if check.name == NIM_READY and check.status is Status.FAILED and not check.stuck
        else check
        for check in verdict.checks
    ]
    return replace(verdict, checks=tuple(on_the_way))


def _remembering(verdict: Verdict, found: Properties) -> Verdict:
    """With what is known of the requests that were answered before: a look sends none."""
    before = (found.get("evidence") or {}).get("endpoints") or {}
    now: Mapping[str, Any] = dict(verdict.evidence).get("endpoints") or {}  # type: ignore[assignment]
    kept = {name: {"request": before[name]["request"]} if (before.get(name) or {}).get("request") else {} for name in now}
    return verdict.with_evidence(endpoints={name: {**kept[name], **seen} for name, seen in now.items()})


def endpoint_input(planned: PlannedEndpoint, url: object, probe: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of the gate's input `endpoints`: what is planned, the URL (a text, or an Output of one), and how the gate looks at it."""
    known = {"name": planned.name, "provider": planned.provider, "model": planned.model, "ready": planned.ready, "request": planned.request}
    return {**known, "auth": "bearer" if planned.key else "", "minutes": 0, "url": url, **probe}
