"""Bringing inputs into the form in which the API server would give them back, so that a spelling is never a difference."""

from __future__ import annotations

import base64
from collections.abc import Callable

from rehearsal.plugins.kubernetes.documents import Json, Object
from rehearsal.plugins.kubernetes.kinds import built_in
from rehearsal.plugins.kubernetes.quantities import canonical
from rehearsal.plugins.properties import Unknown

_READ_ONLY = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)
_MAPS = frozenset({"annotations", "binaryData", "data", "labels", "matchLabels", "nodeSelector", "parameters", "stringData"})
"""Maps that the API server drops when empty. An empty object elsewhere says something: `emptyDir: {}`, `podSelector: {}`."""

_QUANTITIES = frozenset(
    {"allocatable", "capacity", "default", "defaultRequest", "hard", "limits", "max", "min", "overhead", "podFixed", "requests"}
)
_QUANTITY_FIELDS = frozenset({"divisor", "sizeLimit"})

# Names that Pulumi's SDKs cannot spell with dashes, and their real spelling.
_DASHED = {
    name.replace("-", "_"): name
    for name in (
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    )
}
_UNDERSCORED = {dashed: underscored for underscored, dashed in _DASHED.items()}


def normalized(inputs: Object) -> Object:
    """Return inputs without empty maps and lists, with canonical quantities and without what only the server may set.

    Objects of custom kinds keep everything but the read-only metadata: only their own schema knows more.
    """
    result = dashed(inputs)
    if built_in(str(result.get("apiVersion", ""))):
        if result.get("kind") == "Secret":
            result = _with_encoded_data(result)
        result = {key: _tidy(key, value) for key, value in result.items() if not _empty(key, value)}
    metadata = result.get("metadata")
    if isinstance(metadata, dict):
        result["metadata"] = {key: value for key, value in metadata.items() if key not in _READ_ONLY}
    return result


def dashed(value: Object) -> Object:
    """Return an object with the schema keywords as the API server spells them."""
    renamed: Object = _renamed(value, lambda key: _DASHED.get(key, key))
    return renamed


def underscored(value: Object) -> Object:
    """Return an object with the schema keywords as Pulumi's SDKs spell them."""
    renamed: Object = _renamed(value, lambda key: _UNDERSCORED.get(key, key))
    return renamed


def _renamed(value: Json, rename: Callable[[str], str]) -> Json:
    if isinstance(value, dict):
        return {rename(key): _renamed(item, rename) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, rename) for item in value]
    return value


def _tidy(name: str, value: Json) -> Json:
    if isinstance(value, dict):
        if name in _QUANTITIES:
            return {key: _quantity(item) for key, item in value.items()}
        return {key: _tidy(key, item) for key, item in value.items() if not _empty(key, item)}
    if isinstance(value, list):
        return [_tidy("", item) for item in value]
    return _quantity(value) if name in _QUANTITY_FIELDS else value


def _quantity(value: Json) -> Json:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    return canonical(str(value))


def _empty(name: str, value: Json) -> bool:
    return value is None or (value == [] and name != "rules") or (value == {} and name in _MAPS)


def _with_encoded_data(secret: Object) -> Object:
    """Move `stringData` into `data`, as the API server does on writing."""
    plain = secret.get("stringData")
    if not isinstance(plain, dict):
        return secret
    data = dict(secret.get("data") or {})
    for key, value in plain.items():
        data[key] = value if isinstance(value, Unknown) else base64.b64encode(str(value).encode()).decode()
    return {**{key: value for key, value in secret.items() if key != "stringData"}, "data": data}


def pruned(live: Object, shape: Object) -> Object:
    """Return of a live object only what `shape` has too: defaults and status that the server filled in are no drift."""
    result = {}
    for key, value in live.items():
        if key in shape:
            result[key] = _pruned_value(value, shape[key])
    return result


def _pruned_value(value: Json, shape: Json) -> Json:
    if isinstance(value, dict) and isinstance(shape, dict):
        return pruned(value, shape)
    if isinstance(value, list) and isinstance(shape, list):
        if not value or not shape:
            return []
        if type(value[0]) is not type(shape[0]):
            return value
        return [_pruned_value(item, wanted) for item, wanted in zip(value, shape, strict=False)]
    return value
