"""When an object counts as ready, kind by kind, from one look at it.

Kinds that are not here are ready as soon as they exist, unless the user names a condition with `pulumi.com/waitFor`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from rehearsal.plugins.kubernetes import jsonpath
from rehearsal.plugins.kubernetes.api import Api, ApiError
from rehearsal.plugins.kubernetes.checkpoint import annotation, name_of, namespace_of
from rehearsal.plugins.kubernetes.documents import Json, Object
from rehearsal.plugins.kubernetes.kinds import group

_WAIT_FOR = "pulumi.com/waitFor"


@dataclass(frozen=True)
class Readiness:
    """What one look told. `failed` is a cause that waiting will not cure; `reasons` say what is missing."""

    ready: bool
    waiting_for: str = ""
    failed: str = ""
    reasons: list[str] = field(default_factory=list)


READY = Readiness(ready=True)

Look = Callable[[Object, Api], Readiness]


def look_for(inputs: Object) -> Look | None:
    """Return how to tell whether an object is ready; None when existing is enough.

    Raises:
        ValueError: `pulumi.com/waitFor` is not understood.
    """
    wanted = annotation(inputs, _WAIT_FOR)
    if wanted:
        return _custom(wanted)
    return _LOOKS.get((group(str(inputs.get("apiVersion", ""))), str(inputs.get("kind", ""))))


def condition(live: Object, kind: str) -> Object:
    """Return a status condition; empty when there is none of the kind."""
    conditions = (live.get("status") or {}).get("conditions") or []
    return next((entry for entry in conditions if entry.get("type") == kind), {})


def _observed(live: Object) -> bool:
    observed = _status(live, "observedGeneration")
    return observed is None or observed >= live.get("metadata", {}).get("generation", 0)


def _deployment(live: Object, api: Api) -> Readiness:
    wanted = live.get("spec", {}).get("replicas", 1)
    available, updated = _number(live, "availableReplicas"), _number(live, "updatedReplicas")
    progressing = condition(live, "Progressing")
    done = condition(live, "Available").get("status") == "True" and progressing.get("reason") == "NewReplicaSetAvailable"
    if _observed(live) and updated >= wanted and available >= wanted and (done or not progressing):
        return READY
    stuck = condition(live, "ReplicaFailure").get("message", "")
    reasons = [f"[MinimumReplicasUnavailable] {condition(live, 'Available').get('message', 'no Pod is available yet')}"]
    return Readiness(
        ready=False,
        waiting_for=f"[1/2] Waiting for app ReplicaSet be available ({available}/{wanted} Pods available)",
        reasons=[*([stuck] if stuck else reasons), *pod_reasons(live, api)],
    )


def _stateful_set(live: Object, api: Api) -> Readiness:
    wanted = live.get("spec", {}).get("replicas", 1)
    ready, updated = _number(live, "readyReplicas"), _number(live, "updatedReplicas")
    current = _status(live, "currentRevision") == _status(live, "updateRevision")
    if _observed(live) and ready >= wanted and (current or updated >= wanted):
        return READY
    return Readiness(
        ready=False,
        waiting_for=f"[1/2] Waiting for StatefulSet update to roll out ({ready}/{wanted} Pods ready)",
        reasons=[f"{ready} out of {wanted} replicas succeeded readiness checks", *pod_reasons(live, api)],
    )


def _daemon_set(live: Object, api: Api) -> Readiness:
    wanted = _number(live, "desiredNumberScheduled")
    available, updated = _number(live, "numberAvailable"), _number(live, "updatedNumberScheduled")
    if _observed(live) and _status(live, "observedGeneration") is not None and available >= wanted and updated >= wanted:
        return READY
    return Readiness(
        ready=False,
        waiting_for=f"Waiting for DaemonSet ({available}/{wanted} Pods available)",
        reasons=[f"{available} out of {wanted} Pods are available", *pod_reasons(live, api)],
    )


def _job(live: Object, api: Api) -> Readiness:
    if condition(live, "Complete").get("status") == "True":
        return READY
    failed = condition(live, "Failed")
    if failed.get("status") == "True":
        return Readiness(
            ready=False,
            failed=f"Job failed: [{failed.get('reason', 'Failed')}] {failed.get('message', '')}".strip(),
            reasons=pod_reasons(live, api),
        )
    return Readiness(ready=False, waiting_for=f"Waiting for Job {name_of(live)!r} to complete", reasons=pod_reasons(live, api))


def _pod(live: Object, _: Api) -> Readiness:
    phase = _status(live, "phase")
    if phase == "Succeeded" or condition(live, "Ready").get("status") == "True":
        return READY
    return Readiness(ready=False, waiting_for="Waiting for Pod to be ready", reasons=_pod_sentences(live))


def _claim(live: Object, api: Api) -> Readiness:
    if _status(live, "phase") == "Bound":
        return READY
    name = live.get("spec", {}).get("storageClassName")
    mode = _get(api, f"/apis/storage.k8s.io/v1/storageclasses/{name}").get("volumeBindingMode") if name else None
    if mode == "WaitForFirstConsumer":  # bound only once a Pod uses it, so waiting here would wait for ever
        return READY
    return Readiness(
        ready=False, waiting_for="Waiting for PersistentVolumeClaim to be bound", reasons=["PersistentVolumeClaim is not bound"]
    )


def _volume(live: Object, _: Api) -> Readiness:
    phase = _status(live, "phase")
    if phase in {"Available", "Bound"}:
        return READY
    return Readiness(ready=False, waiting_for="Waiting for PersistentVolume to be available", reasons=[f"PersistentVolume is {phase}"])


def _service(live: Object, api: Api) -> Readiness:
    spec = live.get("spec", {})
    kind, headless = spec.get("type", "ClusterIP"), spec.get("clusterIP") == "None"
    if kind == "LoadBalancer" and not (_status(live, "loadBalancer") or {}).get("ingress"):
        return Readiness(
            ready=False, waiting_for="Attempting to allocate IP address to Service", reasons=["Service was not allocated an IP address"]
        )
    if kind == "ExternalName" or headless or not spec.get("selector") or _has_endpoints(live, api):
        return READY
    return Readiness(
        ready=False,
        waiting_for="Finding Pods to direct traffic to",
        reasons=[
            "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not match labels on any Pods"
        ],
    )


def _has_endpoints(live: Object, api: Api) -> bool:
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace_of(live)}/endpointslices"
    slices = _get(api, path, labelSelector=f"kubernetes.io/service-name={name_of(live)}").get("items") or []
    endpoints = [endpoint for entry in slices for endpoint in entry.get("endpoints") or []]
    return any((endpoint.get("conditions") or {}).get("ready", True) for endpoint in endpoints)


def _ingress(live: Object, _: Api) -> Readiness:
    if (_status(live, "loadBalancer") or {}).get("ingress"):
        return READY
    return Readiness(
        ready=False, waiting_for="Waiting for update of .status.loadBalancer with hostname/IP", reasons=["Ingress has no address"]
    )


def _service_account_token(live: Object, _: Api) -> Readiness:
    if live.get("type") != "kubernetes.io/service-account-token" or (live.get("data") or {}).get("token"):
        return READY
    return Readiness(ready=False, waiting_for="Waiting for the token of the ServiceAccount", reasons=["Secret holds no token"])


def _quota(live: Object, _: Api) -> Readiness:
    if _status(live, "hard") == live.get("spec", {}).get("hard"):
        return READY
    return Readiness(ready=False, waiting_for="Waiting for the quota to be observed", reasons=["ResourceQuota is not in force"])


_LOOKS: dict[tuple[str, str], Look] = {
    ("", "PersistentVolume"): _volume,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Pod"): _pod,
    ("", "ResourceQuota"): _quota,
    ("", "Secret"): _service_account_token,
    ("", "Service"): _service,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("batch", "Job"): _job,
    ("networking.k8s.io", "Ingress"): _ingress,
}


def pod_reasons(live: Object, api: Api) -> list[str]:
    """Return why the Pods that an object selects are not ready, one sentence each."""
    labels = ((live.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    if not labels:
        return []
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    pods = _get(api, f"/api/v1/namespaces/{namespace_of(live)}/pods", labelSelector=selector).get("items") or []
    return [f"[Pod {name_of(pod)}]: {sentence}" for pod in pods for sentence in _pod_sentences(pod)]


def _pod_sentences(pod: Object) -> list[str]:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return [f"unscheduled: [{scheduled.get('reason', '')}] {scheduled.get('message', '')}"]
    statuses = [*(_status(pod, "initContainerStatuses") or []), *(_status(pod, "containerStatuses") or [])]
    states = [(entry["name"], (entry.get("state") or {}).get("waiting") or {}) for entry in statuses if not entry.get("ready")]
    return [
        f"[Container {name!r}] {state['reason']}: {state.get('message', '')}".rstrip(": ") for name, state in states if state.get("reason")
    ]


def _custom(wanted: str) -> Look:
    """Return the look for `condition=Type[=status]`, `jsonpath={...}[=value]`, or a JSON list of them."""
    expressions = json.loads(wanted) if wanted.lstrip().startswith("[") else [wanted]
    checks = [_expression(str(expression)) for expression in expressions]

    def look(live: Object, _: Api) -> Readiness:
        missing = [text for text, holds in checks if not holds(live)]
        if not missing:
            return READY
        return Readiness(
            ready=False, waiting_for=f"Waiting for {', '.join(missing)}", reasons=[f"{text} does not hold" for text in missing]
        )

    return look


def _expression(text: str) -> tuple[str, Callable[[Object], bool]]:
    kind, _, rest = text.partition("=")
    if kind == "condition" and rest:
        name, _, status = rest.partition("=")
        return text, lambda live: str(condition(live, name).get("status", "")).lower() == (status or "True").lower()
    if kind == "jsonpath" and rest:
        path, _, value = rest.rpartition("}=")
        path = f"{path}}}" if path else rest
        jsonpath.find(path, {})  # refuses a wrong path before anything is created
        return text, lambda live: _matches(jsonpath.find(path, live), value if path != rest else None)
    raise ValueError(f"{_WAIT_FOR}: {text!r} is neither condition=<type>[=<status>] nor jsonpath={{<path>}}[=<value>]")


def _matches(found: list[Json], wanted: str | None) -> bool:
    if wanted is None:
        return bool(found)
    texts = [json.dumps(value) if isinstance(value, bool) else str(value) for value in found]
    return texts == [wanted]


def _status(live: Object, name: str) -> Json:
    return (live.get("status") or {}).get(name)


def _number(live: Object, name: str) -> int:
    return int(_status(live, name) or 0)


def _get(api: Api, path: str, **query: str) -> Object:
    try:
        return api.get(path, **query)
    except ApiError:
        return {}
