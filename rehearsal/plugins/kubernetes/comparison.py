"""`Diff` for plain objects: what is stored of the live object against the new inputs."""

from __future__ import annotations

from rehearsal.plugins.kubernetes import checkpoint
from rehearsal.plugins.kubernetes.api import ApiError, Unreachable
from rehearsal.plugins.kubernetes.cluster import Cluster
from rehearsal.plugins.kubernetes.difference import Differences, differences
from rehearsal.plugins.kubernetes.documents import Object
from rehearsal.plugins.kubernetes.immutable import immutable_properties
from rehearsal.plugins.kubernetes.naming import AUTONAMED
from rehearsal.plugins.kubernetes.normalize import normalized, pruned
from rehearsal.plugins.kubernetes.readiness import condition
from rehearsal.plugins.kubernetes.settings import Settings
from rehearsal.plugins.properties import Properties
from rehearsal.plugins.provider import Call, Difference

REPLACE_UNREADY = "pulumi.com/replaceUnready"


def compare(call: Call, stored: Properties, given: Properties, cluster: Cluster, settings: Settings) -> Difference:
    """Compare the live object, as far as its inputs reach, with new inputs.

    So a change that a controller made since shows as soon as it is in the state, and what the server only filled in never does.
    """
    old_inputs, live = checkpoint.parse(stored)
    new = normalized(checkpoint.plain(given))
    old = pruned(live, normalized(old_inputs))
    namespaced = cluster.namespaced(str(new.get("apiVersion", "")), str(new.get("kind", "")))
    old, new = _placed(old, namespaced=namespaced), _placed(new, namespaced=namespaced)
    immutable = immutable_properties(new, config_map_mutable=settings.config_map_mutable, secret_mutable=settings.secret_mutable)
    found = _without_ignored(differences(old, new, old, immutable), call)
    replaces = [*found.replaces, *(["metadata"] if "metadata" in found.removed_inputs else []), *unready(new, cluster)]
    return Difference(
        changed=bool(found.changes or replaces),
        detailed=found.changes,
        replaces=replaces,
        delete_before_replace=bool(replaces) and _same_identity(old, new),
        removed_inputs=frozenset(found.removed_inputs),
    )


def unready(inputs: Object, cluster: Cluster) -> list[str]:
    """The annotation that replaces a Job which has not completed; of what cannot be asked, nothing is said."""
    if inputs.get("kind") != "Job" or not checkpoint.annotated(inputs, REPLACE_UNREADY):
        return []
    kind = cluster.serves(str(inputs.get("apiVersion", "")), "Job")
    try:
        live = kind and cluster.api.get(kind.item(checkpoint.namespace_of(inputs), checkpoint.name_of(inputs)))
    except (ApiError, Unreachable):
        return []
    if not live or condition(live, "Complete").get("status") == "True":
        return []
    return [f'.metadata.annotations["{REPLACE_UNREADY}"]']


def _same_identity(old: Object, new: Object) -> bool:
    """Say whether old and new object could not exist side by side."""
    named = not checkpoint.annotated(new, AUTONAMED)
    return named and checkpoint.qualified(old) == checkpoint.qualified(new)


def _placed(value: Object, *, namespaced: bool) -> Object:
    metadata = value.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, dict) else {}
    metadata.pop("resourceVersion", None)
    if namespaced:
        metadata["namespace"] = metadata.get("namespace") or "default"
    else:
        metadata.pop("namespace", None)
    return {**value, "metadata": metadata}


def _without_ignored(found: Differences, call: Call) -> Differences:
    kept = {
        path: change
        for path, change in found.changes.items()
        if not any(path == ignored or path.startswith((f"{ignored}.", f"{ignored}[")) for ignored in call.ignore_changes)
    }
    return Differences(kept, found.removed_inputs & kept.keys())
