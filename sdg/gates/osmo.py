"""Gate: OSMO can take work: its backend operator runs, and its pool is online with nodes.

Inputs: `connection`, `workloads` [{kind, namespace, name}], `endpoint` {namespace, service, port} of the gateway, `pool`, `triggers`,
`deadline` (seconds); optionally `repair` and `restore` as for the service gate.
"""

from __future__ import annotations

from sdg.gates.checks import Verdict
from sdg.gates.probes.osmo import pool_checks
from sdg.gates.resource import Properties, RecordProvider
from sdg.gates.stage import Questions, observe_stage, wait_for_stage
from sdg.gates.waiting import Say


class OsmoRecord(RecordProvider):
    """Stores what was found about OSMO's operator and pool."""

    @staticmethod
    def wait(inputs: Properties, say: Say) -> Verdict:
        return wait_for_stage(inputs, _questions(inputs), say)

    @staticmethod
    def observe(inputs: Properties, found: Properties) -> Verdict:  # noqa: ARG004 (the interface)
        return observe_stage(inputs, _questions(inputs))


def _questions(inputs: Properties) -> Questions:
    return lambda gateway: pool_checks(gateway, str(inputs["pool"]))
