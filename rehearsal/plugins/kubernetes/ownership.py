"""Who manages which fields of an object, so that a server-side apply neither fights with its own past nor overrules others."""

from __future__ import annotations

import copy
import os
from typing import Any

from rehearsal.plugins.kubernetes.checkpoint import annotated
from rehearsal.plugins.kubernetes.documents import Object

_FORCE = "pulumi.com/patchForce"
# Managers whose fields the provider takes over on its first apply: those of its own creating request, and those of kubectl.
_TAKEN_OVER = (
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    ("pulumi-kubernetes", "Update"),
    ("pulumi-resource-kubernetes", "Update"),
)


def force(inputs: Object, live: Object | None = None, *, preview: bool = False) -> bool:
    """Say whether an apply overrules other field managers: when annotated, when the environment says so.

    A preview also overrules the provider's own creating request, since it must not take its fields over yet.
    """
    if annotated(inputs, _FORCE):
        return True
    if (forced := os.environ.get("PULUMI_K8S_ENABLE_PATCH_FORCE")) is not None:
        return forced == "true"
    return preview and live is not None and any(_taken_over(entry) for entry in _managed(live))


def takeover(live: Object, manager: str) -> list[Any] | None:
    """Return the JSON patch that gives `manager` the fields of earlier managers of ours; None when there is nothing to take."""
    managed = _managed(live)
    taken = [entry for entry in managed if _taken_over(entry)]
    if not taken:
        return None
    own = next((entry for entry in managed if entry.get("manager") == manager and entry.get("operation") == "Apply"), None)
    fields: Object = copy.deepcopy((own or {}).get("fieldsV1") or {})
    for entry in taken:
        _union(fields, entry.get("fieldsV1") or {})
    merged = {**taken[0], "manager": manager, "operation": "Apply", "fieldsV1": fields}
    rest = [entry for entry in managed if entry not in taken and entry is not own]
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": [merged, *rest]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
    ]


def _managed(live: Object) -> list[Object]:
    return live.get("metadata", {}).get("managedFields") or []


def _taken_over(entry: Object) -> bool:
    name = str(entry.get("manager", ""))
    if entry.get("subresource"):
        return False
    # The provider's own appliers are `pulumi-kubernetes-<8 digits>`, but with the operation Apply.
    return any(name.startswith(prefix) and entry.get("operation") == operation for prefix, operation in _TAKEN_OVER)


def _union(fields: Object, more: Object) -> None:
    for key, value in more.items():
        _union(fields.setdefault(key, {}), value)
