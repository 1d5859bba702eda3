"""Gate: the way into a cluster, where rights come from somewhere else and take their time.

A role that was given a moment ago holds in the cluster only minutes later, and until then whatever is made there is refused. So this comes
before everything else in the cluster, and says in one sentence what somebody lacks who never had the role.

Inputs: `connection`, `who` (whoever updates, in words; another one is asked anew), `remedy`, `deadline` (seconds); optionally `role` (what
gives the right; another one is waited for anew) and `triggers`.
Evidence: none.
"""

from __future__ import annotations

from sdg.gates.checks import Verdict
from sdg.gates.probes.access import AccessProbe
from sdg.gates.resource import Properties, RecordProvider
from sdg.gates.waiting import Say, Wait, observed, until_green
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection


class AccessRecord(RecordProvider):
    """Stores whether the cluster lets this login in."""

    @staticmethod
    def wait(inputs: Properties, say: Say) -> Verdict:
        return until_green(lambda: _probe(inputs).look(), Wait(deadline=float(inputs["deadline"]), interval=1.0), say)

    @staticmethod
    def observe(inputs: Properties, found: Properties) -> Verdict:  # noqa: ARG004 (the interface)
        return observed(lambda: _probe(inputs).look())


def _probe(inputs: Properties) -> AccessProbe:
    # a token that was drawn before the role was given may say nothing of it: every look logs in again
    return AccessProbe(KubernetesApi.connect(Connection.of(inputs["connection"])), str(inputs["who"]), str(inputs["remedy"]))
