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
            goes below the URL's origin (unless told, `<url>/chat/completions`; "/v1/infer" takes the form of NVIDIA's image NIMs)}.
        nim: None, or {namespace, name} of its NIMService, with `gpus` of one pod, `claim` (name of its volume's claim) and
            `download` {job, minutes}, each None or absent where there is none.
        function: None, or {api, id, version} of a function of NVCF: `api` is its API's base URL through the mirror ("https://api.nvcf…"),
            `version` may be "". Its status is asked with the endpoint's key.
    triggers: by name, what makes the gate look again.
    deadline: seconds.
    workloads: optional [{kind, namespace, name}], what has to run before any NIM can: the operator's Deployment.
    pools: optional [{name, minimum, maximum, gpus, labels, taints}], as for the cluster gate: a NIM that needs more GPUs on one node than
        every pool has is not waited for.
    repair, restore: optional, the commands that bring back what vanished, as for the service gate.
`endpoint_input` makes an entry of `endpoints` from what a provider says of one.

Evidence: `endpoints` by name: {phase, models, listed, request {seconds, at}}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdg.inference.model import PlannedEndpoint


def endpoint_input(planned: PlannedEndpoint, url: object, probe: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of the gate's input `endpoints`: what is planned, the URL (a text, or an Output of one), and how the gate looks at it."""
    known = {"name": planned.name, "provider": planned.provider, "model": planned.model, "ready": planned.ready, "request": planned.request}
    return {**known, "auth": "bearer" if planned.key else "", "minutes": 0, "url": url, **probe}
