"""How an object is kept in the state: what the cluster said, plus what was asked for under `__inputs`."""

from __future__ import annotations

import secrets
from typing import cast

from rehearsal.plugins.kubernetes.documents import Object
from rehearsal.plugins.kubernetes.normalize import dashed, underscored
from rehearsal.plugins.properties import Properties, Secret, mark_secrets, revealed

_INPUTS = "__inputs"
_API_VERSION = "__initialApiVersion"
_FIELD_MANAGER = "__fieldManager"
_FIELD_MANAGER_ANNOTATION = "pulumi.com/patchFieldManager"


def state(inputs: Object, live: Object, given: Properties, api_version: str, manager: str) -> Properties:
    """Return the state of an object, with everything secret that is secret in the inputs as they were given."""
    properties = with_secrets(underscored(live), given)
    properties[_INPUTS] = with_secrets(underscored(inputs), given)
    properties[_API_VERSION] = api_version
    properties[_FIELD_MANAGER] = manager
    return properties


def parse(stored: Properties) -> tuple[Object, Object]:
    """Return the inputs and the live object of a state."""
    plain = cast("Object", revealed(stored))
    inputs = plain.pop(_INPUTS, None) or {}
    live = {key: value for key, value in plain.items() if key not in {_API_VERSION, _FIELD_MANAGER}}
    return dashed(inputs), dashed(live)


def with_secrets(plain: Object, given: Properties) -> Properties:
    """Mark what is secret: all data of a Secret in any case, and elsewhere what the given inputs mark."""
    properties = cast("Properties", plain)
    if properties.get("kind") == "Secret":
        wrapped: Properties = {name: Secret(properties[name]) for name in ("data", "stringData") if name in properties}
        return {**properties, **wrapped}
    return mark_secrets(properties, given)


def plain(properties: Properties) -> Object:
    """Return inputs as the API server takes them."""
    return dashed(cast("Object", revealed(properties)))


def initial_api_version(stored: Properties, inputs: Object) -> str:
    """Return the API version that the object was created with."""
    version = stored.get(_API_VERSION)
    return version if isinstance(version, str) else str(inputs.get("apiVersion", ""))


def field_manager(stored: Properties, inputs: Object) -> str:
    """Return who manages the fields: as annotated, as stored, or a new name."""
    annotated = annotation(inputs, _FIELD_MANAGER_ANNOTATION)
    if annotated:
        return annotated
    kept = stored.get(_FIELD_MANAGER)
    return kept if isinstance(kept, str) else f"pulumi-kubernetes-{secrets.token_hex(4)}"


def annotation(inputs: Object, name: str) -> str:
    """Return an annotation's value; empty when it is absent."""
    annotations = (inputs.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(name, ""))


def annotated(inputs: Object, name: str) -> bool:
    """Say whether an annotation is set to true."""
    return annotation(inputs, name).lower() == "true"


def name_of(inputs: Object) -> str:
    """Return an object's name."""
    return str((inputs.get("metadata") or {}).get("name") or "")


def namespace_of(inputs: Object) -> str:
    """Return an object's namespace; empty when it names none."""
    return str((inputs.get("metadata") or {}).get("namespace") or "")


def qualified(inputs: Object) -> str:
    """Return `namespace/name`, or the name alone: the resource's id."""
    namespace, name = namespace_of(inputs), name_of(inputs)
    return f"{namespace}/{name}" if namespace else name


def split_id(id: str) -> tuple[str, str]:  # noqa: A002 -- the engine's word
    """Split an id into namespace and name."""
    namespace, _, name = id.rpartition("/")
    return namespace, name
