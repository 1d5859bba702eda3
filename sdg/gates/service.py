"""Gate: the OSMO service.

Inputs: `connection`, `workloads` [{kind, namespace, name}], `endpoint` {namespace, service, port}, `version` ("6.3.1"), `triggers`,
`deadline` (seconds); optionally `repair` (the command that brings back what vanished from its Helm release) and `restore` (the `pulumi up`
that brings back what no release holds).
"""

from __future__ import annotations

from sdg.gates.checks import Verdict
from sdg.gates.probes.osmo import version_check
from sdg.gates.resource import Properties, RecordProvider
from sdg.gates.stage import Questions, observe_stage, wait_for_stage
from sdg.gates.waiting import Say


class ServiceRecord(RecordProvider):
    """Stores what was found about the OSMO service."""

    @staticmethod
    def wait(inputs: Properties, say: Say) -> Verdict:
        return wait_for_stage(inputs, _questions(inputs), say)

    @staticmethod
    def observe(inputs: Properties, found: Properties) -> Verdict:  # noqa: ARG004 (the interface)
        return observe_stage(inputs, _questions(inputs))


def _questions(inputs: Properties) -> Questions:
    return lambda gateway: [version_check(gateway, str(inputs["version"]))]
