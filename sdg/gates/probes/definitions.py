"""Probe: does the API server serve these kinds of custom resources?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdg.gates.checks import Check, Status
from sdg.kube.api import Json, KubernetesReader
from sdg.kube.errors import ObjectNotFoundError
from sdg.kube.objects import Ref

_EXPECTED = "served"


@dataclass(frozen=True, slots=True)
class DefinitionsProbe:
    """Looks at CustomResourceDefinitions once.

    Attributes:
        names: of the definitions ("queues.scheduling.run.ai").
        remedy: what to do about one that is missing.
        awaited: whether something in the graph makes them; else time cannot cure that one is missing.
    """

    api: KubernetesReader
    names: Sequence[str]
    remedy: str
    awaited: bool

    def look(self) -> list[Check]:
        """One check per definition."""
        return [self._check(Ref("CustomResourceDefinition", "", name)) for name in self.names]

    def _check(self, ref: Ref) -> Check:
        try:
            found = self.api.get(ref.path)
        except ObjectNotFoundError:
            return self._judged(ref, "no such definition", final=not self.awaited)
        return self._judged(ref, _EXPECTED if _is_served(found) else "not established yet")

    def _judged(self, ref: Ref, observed: str, *, final: bool = False) -> Check:
        good = observed == _EXPECTED
        status, remedy = (Status.PASSED, "") if good else (Status.FAILED, self.remedy)
        return Check("definition-served", str(ref), status, observed, _EXPECTED, remedy, final=final, stuck=final)


def _is_served(definition: Json) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or []
    return any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions)
