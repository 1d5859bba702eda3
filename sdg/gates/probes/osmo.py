"""Probes: does OSMO answer in the version that was installed, and can its pool take work?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sdg.gates.checks import Check, Status, Verdict, judge
from sdg.gates.probes.gateway import Gateway, asked
from sdg.gates.probes.workloads import WorkloadsProbe
from sdg.osmo import layout
from sdg.osmo.client import OsmoClient

_UPGRADE = f"Check the image tag of Deployment {layout.API_DEPLOYMENT}, and that its rollout is complete."
_ASK = f"Look at the log of Deployment {layout.API_DEPLOYMENT}, and at Deployment {layout.GATEWAY_DEPLOYMENT} before it."
_OPERATOR = f"Look at the log of Deployment {layout.LISTENER_DEPLOYMENT}: its token may be refused, or the gateway out of its reach."


_RENEW = "Run `pulumi up`: it makes another token."
_WARNED = 30  # days before a token's end


@dataclass(frozen=True, slots=True)
class StageProbe:
    """Looks at what a release runs, and asks OSMO only when that is ready: before, no forward could come up.

    Attributes:
        questions: what to ask, in order; each gives one check.
    """

    workloads: WorkloadsProbe
    questions: Callable[[], list[Check]]

    def look(self) -> Verdict:
        checks = self.workloads.look()
        ready = all(check.status is Status.PASSED for check in checks)
        return Verdict(tuple([*checks, *self.questions()] if ready else checks))


def version_check(gateway: Gateway, expected: str) -> Check:
    """Whether the API answers, in the version that was installed."""

    def question(client: OsmoClient) -> Check:
        found = client.version()
        return judge("osmo-version", "osmo", found == expected, observed=found, expected=expected, remedy=_UPGRADE)

    return asked("osmo-version", gateway, f"version {expected}", _ASK, question)


def pool_checks(gateway: Gateway, pool: str) -> list[Check]:
    """Whether a pool is online and offers nodes."""

    def online(client: OsmoClient) -> Check:
        pools = client.pools()
        seen = pools[pool].status if pool in pools else f"no such pool (there are: {', '.join(sorted(pools)) or 'none'})"
        return judge("pool-online", f"pool/{pool}", seen == "ONLINE", observed=seen, expected="ONLINE", remedy=_OPERATOR)

    def offering(client: OsmoClient) -> Check:
        nodes = [node.hostname for node in client.resources(pool)]
        return judge(
            "pool-resources",
            f"pool/{pool}",
            bool(nodes),
            observed=f"{len(nodes)} nodes: {', '.join(nodes[:5])}" if nodes else "no nodes",
            expected="at least one node",
            remedy=f"Right after an installation this takes a moment. {_OPERATOR}",
        )

    return [
        asked("pool-online", gateway, "ONLINE", _ASK, online),
        asked("pool-resources", gateway, "at least one node", _ASK, offering),
    ]


def token_check(expires: str) -> Check:
    """Whether the operator's token still lives on its last day, an ISO date in UTC."""
    left = _days_left(expires)
    seen = expiry_warning(expires) or f"expires on {expires}"
    return judge("operator-token", "osmo", left > 0, observed=seen, expected="a token that lives", remedy=_RENEW)


def expiry_warning(expires: str) -> str:
    """What to say about a token that ends soon, or has ended; empty while there is time."""
    if not expires or (left := _days_left(expires)) > _WARNED:
        return ""
    if left <= 0:
        return f"the operator's token expired on {expires}; {_RENEW}"
    return f"warning: the operator's token expires in {left} days, on {expires}; a `pulumi up` shortly before makes another one"


def _days_left(expires: str) -> int:
    return (date.fromisoformat(expires) - datetime.now(UTC).date()).days
