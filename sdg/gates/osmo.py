"""Gate: OSMO can take work: its backend operator runs, and its pool is online with nodes.

Inputs: `connection`, `workloads` [{kind, namespace, name}], `endpoint` {namespace, service, port} of the gateway, `pool`, `triggers`,
`deadline` (seconds); optionally `repair` and `restore` as for the service gate, and `tokenExpires` (ISO date in UTC), the last day of the
operator's token.
"""

from __future__ import annotations

from dataclasses import replace

from sdg.gates.checks import Verdict
from sdg.gates.probes.osmo import expiry_warning, pool_checks, token_check
from sdg.gates.resource import Properties, RecordProvider
from sdg.gates.stage import Questions, observe_stage, wait_for_stage
from sdg.gates.waiting import Say


class OsmoRecord(RecordProvider):
    """Stores what was found about OSMO's operator and pool."""

    @staticmethod
    def wait(inputs: Properties, say: Say) -> Verdict:
        verdict = _with_token(inputs, wait_for_stage(inputs, _questions(inputs), say))
        if warning := expiry_warning(inputs.get("tokenExpires") or ""):
            say(warning)
        return verdict

    @staticmethod
    def observe(inputs: Properties, found: Properties) -> Verdict:  # noqa: ARG004 (the interface)
        return _with_token(inputs, observe_stage(inputs, _questions(inputs)))


def _with_token(inputs: Properties, verdict: Verdict) -> Verdict:
    expires = inputs.get("tokenExpires")
    return replace(verdict, checks=(*verdict.checks, token_check(str(expires)))) if expires else verdict


def _questions(inputs: Properties) -> Questions:
    return lambda gateway: pool_checks(gateway, str(inputs["pool"]))
