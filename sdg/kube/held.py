"""Values that a cluster keeps: one key of a Secret or ConfigMap."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self

from sdg.kube.api import Json, KubernetesReader
from sdg.kube.errors import ObjectNotFoundError

_PATHS: Final = {"Secret": "secrets", "ConfigMap": "configmaps"}


@dataclass(frozen=True, slots=True)
class Holder:
    """Where a value is kept: an object of the cluster, and the key in it."""

    kind: Literal["Secret", "ConfigMap"]
    namespace: str
    name: str
    key: str

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Self:
        """Reads what `as_input` wrote."""
        return cls(**{name: properties[name] for name in ("kind", "namespace", "name", "key")})

    def as_input(self) -> dict[str, str]:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.kind} {self.name} of namespace {self.namespace}"


def held(api: KubernetesReader, holder: Holder) -> str | None:
    """The value; None when the object or its key is not there, or is empty.

    Raises:
        KubeError: the cluster did not say, which is no permission to make another value.
    """
    try:
        found = api.get(f"/api/v1/namespaces/{holder.namespace}/{_PATHS[holder.kind]}/{holder.name}")
    except ObjectNotFoundError:
        return None
    data = decoded(found) if holder.kind == "Secret" else found.get("data") or {}
    return str(data.get(holder.key) or "") or None


def decoded(secret: Json) -> dict[str, str]:
    """What a Secret holds."""
    return {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}
