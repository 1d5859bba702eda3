"""Clears what a killed engine left behind, so that the next update converges. Says everything that it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cli.locks import locks
from cli.pulumi import Engine
from sdg.kube.api import KubernetesApi, items
from sdg.kube.errors import KubeError
from sdg.osmo import layout

Say = Callable[[str], None]

# Helm's labels on the Secrets that hold its records
PENDING: Final = "owner=helm,status in (pending-install,pending-upgrade,pending-rollback)"


class AtWorkError(RuntimeError):
    """An engine works on the stack right now: nothing of it is left over."""


@dataclass(frozen=True, slots=True)
class PendingRecord:
    """Helm's record of a call that never ended.

    Attributes:
        secret: name of the Secret that holds it.
        status: "pending-install", "pending-upgrade" or "pending-rollback".
    """

    namespace: str
    release: str
    revision: str
    status: str
    secret: str


def recover(engine: Engine, api: KubernetesApi | None, say: Say) -> bool:
    """Unlocks the stack and removes Helm's unfinished records; returns whether there was anything to do.

    Args:
        api: the stack's cluster; None when the stack has none yet.

    Raises:
        AtWorkError: the lock's holder is alive.
    """
    unlocked = _unlock(engine, say)
    cleared = [_clear(api, record, say) for record in pending_records(api)] if api else []
    if not (unlocked or cleared):
        say("nothing to recover: no lock, no unfinished Helm call")
    return bool(unlocked or cleared)


def _unlock(engine: Engine, say: Say) -> bool:
    found = list(locks(engine.environment.get("PULUMI_BACKEND_URL", ""), engine.stack))
    for lock in found:
        if lock.held:
            raise AtWorkError(
                f"pulumi (process {lock.pid} on {lock.host}, since {lock.since}) works on stack {engine.stack}. "
                "Wait for it or end it with Ctrl-C, then recover."
            )
    if found:
        engine.ask("cancel", "--yes")
        say(f"unlocked stack {engine.stack}: the engine that held it (process {found[0].pid}) is gone")
    return bool(found)


def pending_records(api: KubernetesApi) -> Iterator[PendingRecord]:
    """Helm's unfinished records of the releases that this product makes; none while the cluster is down."""
    for namespace in (layout.SERVICE_NAMESPACE, layout.OPERATOR_NAMESPACE):
        try:
            secrets = items(api, f"/api/v1/namespaces/{namespace}/secrets", {"labelSelector": PENDING})
        except KubeError:
            continue
        for secret in secrets:
            labels = secret["metadata"]["labels"]
            yield PendingRecord(namespace, labels["name"], labels["version"], labels["status"], secret["metadata"]["name"])


def _clear(api: KubernetesApi, record: PendingRecord, say: Say) -> PendingRecord:
    """Removes the record alone. What the call created stays: it carries Helm's mark, so the next install or upgrade takes it over."""
    api.delete(f"/api/v1/namespaces/{record.namespace}/secrets/{record.secret}")
    say(f"removed Helm's unfinished record of {record.release} in {record.namespace} (revision {record.revision}, {record.status})")
    return record
