"""Workflows that are alive while their stack is about to go: cancelled, or waited for."""

from __future__ import annotations

from dataclasses import dataclass, field

from sdg.gates.checks import Check, Status, Verdict
from sdg.gates.probes.gateway import Gateway
from sdg.osmo.errors import OsmoRefusedError
from sdg.osmo.model import Workflow

MESSAGE = "the stack is being destroyed"


@dataclass
class DrainProbe:
    """Looks which workflows are alive, and asks for their end if it may.

    Attributes:
        cancels: whether they are cancelled.
        asked: ids of those that were cancelled.
    """

    gateway: Gateway
    cancels: bool
    asked: list[str] = field(default_factory=list)

    def alive(self) -> list[Workflow]:
        """Raises OsmoError or KubeError."""
        with self.gateway.client() as osmo:
            return osmo.alive()

    def look(self) -> Verdict:
        """Raises as `alive` does; whoever waits takes that for a red check."""
        alive = self.alive()
        refusals = self._cancel(alive) if self.cancels else {}
        checks = tuple(_check(workflow, refusals.get(workflow.id, "")) for workflow in alive)
        return Verdict(checks or (Check("ended", "osmo", Status.PASSED, "no workflow is alive", "ended"),))

    def _cancel(self, alive: list[Workflow]) -> dict[str, str]:
        """Asks for the end of those that were not asked yet; OSMO's words where it refuses."""
        refusals: dict[str, str] = {}
        with self.gateway.client() as osmo:
            for workflow in alive:
                if workflow.id in self.asked:
                    continue
                try:
                    osmo.cancel(workflow.id, MESSAGE)
                except OsmoRefusedError as error:
                    refusals[workflow.id] = str(error)
                else:
                    self.asked.append(workflow.id)
        return refusals


def _check(workflow: Workflow, refusal: str) -> Check:
    seen = f"{workflow.status}; cannot be cancelled: {refusal}" if refusal else workflow.status
    remedy = f"Look at it with `osmo workflow query {workflow.id}`."
    return Check("ended", f"workflow/{workflow.id}", Status.FAILED, seen, "ended", remedy, stuck=bool(refusal))
