"""What a stack gives to variables that the spec of its workload doesn't have. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sdg.catalog.near import nearest

if TYPE_CHECKING:  # it takes a while to import, and only workloads need it
    from sdg.settings.workload import CataloguedWorkload, SpecWorkload
    from sdg.spec.render import Rendered

KEY: Final = "sdg:workload"


@dataclass(frozen=True, slots=True)
class SpecVariables:
    """The variables of a spec.

    Attributes:
        spec: as a sentence names it.
        text: of the spec; whatever stands in it as a word may be a variable of a branch that is not taken.
        names: those that the rendering read, and those with a default.
    """

    spec: str
    text: str
    names: frozenset[str]

    @classmethod
    def of(cls, spec: str, text: str, rendered: Rendered) -> SpecVariables:
        """Those of a spec that could be rendered."""
        return cls(spec, text, rendered.used | frozenset(rendered.defaults))

    def problems(self, workload: CataloguedWorkload | SpecWorkload, roles: Iterable[str]) -> Iterator[str]:
        """Endpoints for variables that are not there, a sentence or two each: nothing would ever ask these endpoints.

        Args:
            roles: variables that the catalog says take endpoints.
        """
        known = frozenset(roles)
        for name in workload.endpoints:
            if name not in known and not self._has(name):
                yield f"{KEY}.endpoints.{name}: {self._unknown(name)}"

    def notes(self, workload: CataloguedWorkload | SpecWorkload) -> Iterator[str]:
        """Values for variables that are not there, a sentence each: OSMO takes these, and they change nothing."""
        for key in ("values", "strings"):
            for name in getattr(workload, key):
                if not self._has(name):
                    yield f"{KEY}.{key}.{name} changes nothing: {self._unknown(name)}"

    def _has(self, name: str) -> bool:
        return name in self.names or re.search(rf"\b{re.escape(name)}\b", self.text) is not None

    def _unknown(self, name: str) -> str:
        near = nearest(name, self.names)
        hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(sorted(self.names)) or 'none'}."
        return f"{self.spec} has no such variable; {hint}"
