"""Whether a pod would fit on a node: the scheduler's filters that a fresh node can fail, and its words.

The autoscaler asks this of nodes that don't exist yet. Filters that compare a pod with other pods (affinity between pods, spread, host
ports) are left out: an empty node passes them, or no node does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from rehearsal.api import Object
from rehearsal.services.osmo.quantities import parse
from rehearsal.services.osmo.resources import pod_requests

Resources = dict[str, Decimal]
Json = Mapping[str, Any]

TAINTS: Final = "node(s) had untolerated taint(s)"
AFFINITY: Final = "node(s) didn't match Pod's node affinity/selector"
TOO_MANY: Final = "Too many pods"
PODS: Final = "pods"
# the scheduler counts nodes before every reason that is about nodes: "0/3 nodes are available: 2 Insufficient cpu, …"
_ABOUT_NODES: Final = re.compile(r"^\d+/\d+ nodes are available(: (?P<count>\d+ )?|\.?$)")


def refusals(pod: Object, node: Object, free: Mapping[str, Decimal]) -> list[str]:
    """Why a pod cannot run on a node, as the scheduler says it; empty when it can.

    Args:
        free: what the node has left.
    """
    found = [] if tolerates_all(pod, node) else [TAINTS]
    found += [] if matches(pod, node) else [AFFINITY]
    wanted = requests(pod)
    found += [TOO_MANY] if wanted[PODS] > free.get(PODS, 0) else []
    return found + [f"Insufficient {name}" for name, amount in wanted.items() if name != PODS and amount > free.get(name, 0)]


def requests(pod: Object) -> Resources:
    """What the scheduler reserves for a pod; nothing is left out that is asked for in vain."""
    wanted = {name: parse(amount) for name, amount in pod_requests(pod["spec"]).items()}
    return {**{name: amount for name, amount in wanted.items() if amount}, PODS: Decimal(1)}


def allocatable(node: Object) -> Resources:
    """What a node has for pods."""
    return {name: parse(amount) for name, amount in node["status"].get("allocatable", {}).items()}


def taken(free: Mapping[str, Decimal], pods: Iterable[Object]) -> Resources:
    """What is left of a node's resources with these pods on it."""
    left = dict(free)
    for pod in pods:
        for name, amount in requests(pod).items():
            left[name] = left.get(name, Decimal(0)) - amount
    return left


def tolerates_all(pod: Object, node: Object) -> bool:
    """Whether a pod tolerates every taint that keeps pods away."""
    tolerations = pod["spec"].get("tolerations") or []
    taints = [taint for taint in node["spec"].get("taints") or [] if taint["effect"] in {"NoSchedule", "NoExecute"}]
    return all(any(_tolerates(toleration, taint) for toleration in tolerations) for taint in taints)


def matches(pod: Object, node: Object) -> bool:
    """Whether a node is one that the pod's selector and required affinity name."""
    labels, spec = node["metadata"].get("labels") or {}, pod["spec"]
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or any(_term_matches(term, node) for term in required.get("nodeSelectorTerms") or [])


def minds_others(pod: Object) -> bool:
    """Whether what other pods there are decides where a pod may run: then a node that has room for it may not do."""
    spec = pod["spec"]
    affinity = spec.get("affinity") or {}
    ports = [port for container in spec["containers"] for port in container.get("ports") or [] if port.get("hostPort")]
    return bool(affinity.get("podAffinity") or affinity.get("podAntiAffinity") or spec.get("topologySpreadConstraints") or ports)


def not_about_nodes(message: str) -> str:
    """What of the scheduler's message no new node would change, such as a claim that is not bound; empty when it is about nodes."""
    found = _ABOUT_NODES.match(message)
    if found and (found["count"] or found.end() == len(message)):
        return ""
    rest = message[found.end() :] if found else message
    return rest.partition(". ")[0].rstrip(".")


def _tolerates(toleration: Json, taint: Json) -> bool:
    if toleration.get("effect") not in {None, "", taint["effect"]}:
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in {None, "", taint["key"]}
    return toleration.get("key") == taint["key"] and (toleration.get("value") or "") == (taint.get("value") or "")


def _term_matches(term: Json, node: Object) -> bool:
    """A term without any expression matches nothing, as the API says."""
    metadata = node["metadata"]
    expressions, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    named = {"metadata.name": metadata["name"]}
    return bool(expressions or fields) and all(
        [_expression_matches(expression, metadata.get("labels") or {}) for expression in expressions]
        + [_expression_matches(expression, named) for expression in fields]
    )


def _expression_matches(expression: Json, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values") or []
    match expression["operator"]:
        case "In":
            found = value in values
        case "NotIn":
            found = value not in values
        case "Exists":
            found = value is not None
        case "DoesNotExist":
            found = value is None
        case operator:
            found = _compares(operator, value, values)
    return found


def _compares(operator: str, value: str | None, values: list[str]) -> bool:
    if value is None or not value.removeprefix("-").isdecimal():
        return False
    return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])
