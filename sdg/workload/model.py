"""The workload of a stack, as far as it is known before anything exists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # they take a while to import, and only workloads need them
    from sdg.spec.discover import Needs
    from sdg.spec.render import Rendered
    from sdg.spec.values import Values


@dataclass(frozen=True, slots=True)
class PlannedWorkload:
    """A workload whose spec was read and rendered.

    Attributes:
        name: as a sentence names it.
        path: of its spec.
        text: of the spec, as it was read.
        values: that fill it in, with the URLs that the stack's endpoints give to its variables. Where Azure says a URL once the endpoint is
            made, a placeholder stands (`sdg.inference.roles.placeholder`).
        rendered: what OSMO makes of it.
        needs: what it refers to.
    """

    name: str
    path: Path
    text: str
    values: Values
    rendered: Rendered
    needs: Needs
