"""Clears what a killed engine left behind, so that the next update converges. Says everything that it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cli.locks import Lock, locks
from cli.pending import CREATING, DELETING, Operation, closed, operations
from cli.project import PROJECT
from cli.pulumi import Engine
from cli.state_file import mend
from sdg.kube.api import KubernetesApi, items
from sdg.kube.errors import KubeError, ObjectNotFoundError
from sdg.kube.objects import Ref
from sdg.osmo import layout
from sdg.platform import layout as platform
from sdg.platform.ownership import is_owned

Say = Callable[[str], None]

NOTHING: Final = "nothing to recover: no lock, no unfinished Helm call, no open operation"
# Helm's label on the Secrets that hold its records
HELM: Final = "owner=helm"
# a call that never ended; what it was at says the status
PENDING: Final = ("pending-install", "pending-upgrade", "pending-rollback")
NAMESPACES: Final = (layout.SERVICE_NAMESPACE, layout.OPERATOR_NAMESPACE, platform.KAI_NAMESPACE, platform.GPU_OPERATOR_NAMESPACE)


class AtWorkError(RuntimeError):
    """An engine works on the stack right now: nothing of it is left over."""


@dataclass(frozen=True, slots=True)
class HelmRecord:
    """Helm's record of one revision of a release.

    Attributes:
        status: "deployed", "pending-install", …
        secret: name of the Secret that holds it.
    """

    namespace: str
    release: str
    revision: str
    status: str
    secret: str

    def __str__(self) -> str:
        return f"{self.release} in {self.namespace} (revision {self.revision}, {self.status})"


def recover(engine: Engine, connect: Callable[[], KubernetesApi | None], say: Say, *, nobody_works: bool = False) -> bool:
    """Unlocks the stack, removes Helm's unfinished records, closes open operations; returns whether there was anything to do.

    Args:
        connect: the way to the stack's cluster; None when the stack has none yet. Asked only once the state can be read.
        nobody_works: the user knows that no engine works on the stack, where the backend doesn't tell.

    Raises:
        AtWorkError: the lock's holder is alive, or may be.
    """
    left = locks(engine.backend(), engine.stack)
    if left is None and not nobody_works:
        raise AtWorkError(
            f"the backend {engine.backend()} does not tell whether somebody works on stack {engine.stack}. "
            "Make sure that nobody does, then: "
            f"`pulumi cancel --stack {engine.stack}` if the stack is locked, and `sdg recover --stack {engine.stack} --nobody-works`."
        )
    _refuse_held(engine, left or [])
    # first, since no command of the engine gets past it, not even the one that unlocks
    mended = mend(engine.backend(), engine.stack)
    for path in mended:
        say(f"removed {path.name}, which the killed engine left empty; the state itself is whole")
    unlocked = _unlock(engine, left or [], say)
    api = connect()
    records = _records(api, f"{PROJECT}/{engine.stack.rpartition('/')[2]}", say)
    found = [unlocked, bool(mended), _finish_helm(api, records or [], say), _close_operations(engine, api, records, say)]
    if not any(found):
        say(NOTHING)
    return any(found)


def _refuse_held(engine: Engine, left: list[Lock]) -> None:
    for lock in left:
        if lock.held:
            raise AtWorkError(
                f"pulumi (process {lock.pid} on {lock.host}, since {lock.since}) works on stack {engine.stack}. "
                "Wait for it or end it with Ctrl-C, then recover."
            )


def _unlock(engine: Engine, left: list[Lock], say: Say) -> bool:
    if left:
        engine.ask("cancel", "--yes")
        say(f"unlocked stack {engine.stack}: the engine that held it (process {left[0].pid}) is gone")
    return bool(left)


def _records(api: KubernetesApi | None, owner: str, say: Say) -> list[HelmRecord] | None:
    """Helm's records of what this product installs; None when they cannot be known."""
    try:
        return list(helm_records(api, owner)) if api else None
    except KubeError as error:
        say(f"Helm's records were not looked at, since the cluster does not answer: {error}")
        return None


def helm_records(api: KubernetesApi, owner: str) -> Iterator[HelmRecord]:
    """Helm's records in the namespaces of the releases that a stack makes, as far as it made the namespaces.

    Args:
        owner: project and stack.

    Raises:
        KubeError: the cluster does not answer.
    """
    for namespace in NAMESPACES:
        if not _is_owned(api, namespace, owner):
            continue
        for secret in items(api, f"/api/v1/namespaces/{namespace}/secrets", {"labelSelector": HELM}):
            labels = secret["metadata"]["labels"]
            yield HelmRecord(namespace, labels["name"], labels["version"], labels["status"], secret["metadata"]["name"])


def _is_owned(api: KubernetesApi, namespace: str, owner: str) -> bool:
    try:
        return is_owned(api.get(Ref("Namespace", "", namespace).path), owner)
    except ObjectNotFoundError:
        return False


def _finish_helm(api: KubernetesApi | None, records: list[HelmRecord], say: Say) -> bool:
    unfinished = [record for record in records if record.status in PENDING]
    for record in unfinished:
        _forget(api, record)
        say(f"removed Helm's unfinished record of {record}")
    return bool(unfinished)


def _forget(api: KubernetesApi | None, record: HelmRecord) -> None:
    """Removes the record alone. What the call created stays: it carries Helm's mark, so the next install or upgrade takes it over."""
    if api:
        api.delete(f"/api/v1/namespaces/{record.namespace}/secrets/{record.secret}")


def _close_operations(engine: Engine, api: KubernetesApi | None, records: list[HelmRecord] | None, say: Say) -> bool:
    """Takes the operations that the killed engine was at out of the state, so that the next update repeats them."""
    state = engine.state()
    found = operations(state)
    done = [operation for operation in found if operation.repeatable and not (operation.of_release and records is None)]
    of_release = {operation: _of(operation, records or []) for operation in done if operation.of_release}
    gone = [operation for operation, left in of_release.items() if operation.doing == DELETING and not left]
    for operation, left in of_release.items():
        if operation.doing == CREATING:
            _forget_unknown(api, left, say)
    if done:
        engine.restore(closed(state, done, gone))
    for operation in done:
        say(f"closed an open operation: {operation}; the next update {'finds it done' if operation in gone else 'repeats it'}")
    for operation in found:
        if operation not in done:
            say(f"left an open operation: {operation}; `pulumi refresh --stack {engine.stack}` asks what became of it")
    return bool(found)


def _forget_unknown(api: KubernetesApi | None, records: list[HelmRecord], say: Say) -> None:
    """The call came to its end, and the engine was killed before it heard of it: an install would find the name in use."""
    for record in records:
        if record.status not in PENDING:  # those are gone already
            _forget(api, record)
            say(f"removed Helm's record of {record}, which the state doesn't know; the next update takes over what it made")


def _of(operation: Operation, records: list[HelmRecord]) -> list[HelmRecord]:
    """Helm's records of the release that an operation is about."""
    namespace, name = operation.inputs.get("namespace"), operation.inputs.get("name")
    return [record for record in records if (record.namespace, record.release) == (namespace, name)]
