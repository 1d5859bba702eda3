"""Objects that run pods, as gates name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment, StatefulSet, DaemonSet or Job, by name."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Self:
        """Reads what `as_input` wrote."""
        return cls(str(properties["kind"]), str(properties["namespace"]), str(properties["name"]))

    def as_input(self) -> dict[str, str]:
        return {"kind": self.kind, "namespace": self.namespace, "name": self.name}

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"
