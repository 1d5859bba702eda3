"""What became of a workflow: its check and its evidence. COMPLETED is the only green."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sdg.gates.checks import Check, Status, Verdict, judge
from sdg.gates.probes.gateway import Gateway
from sdg.osmo.client import OsmoClient
from sdg.osmo.errors import OsmoError, OsmoUnreachableError
from sdg.osmo.layout import WORKFLOWS_NAMESPACE
from sdg.osmo.model import COMPLETED, Task, Workflow

SHOWN_LINES = 5  # last log lines in a check; the evidence keeps more
_NAME = "workflow-completed"
_NO_GROWTH = (
    f"Look at the pods of the namespace {WORKFLOWS_NAMESPACE} and their events, at the pool's maximum (`sdg:cluster.gpuPools`), and at the "
    "quota of its VM family."
)
_AGAIN = "Run `pulumi up`, which submits it again."


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known about one workflow of a gate.

    Attributes:
        id: empty until OSMO took it on.
        problem: what goes wrong in asking; empty while all is well.
        obstacle: why it is pending, in the scheduler's words.
        refused: OSMO will not take it on.
        growing: what the node is waited for with that it needs, and that nobody has started yet; empty when none is waited for.
        orphan: why it may outlive the gate; empty when it cannot.
    """

    id: str = ""
    workflow: Workflow | None = None
    problem: str = ""
    obstacle: str = ""
    refused: bool = False
    log: tuple[str, ...] = ()
    cancelled: bool = False
    orphan: str = ""
    growing: str = ""

    @property
    def over(self) -> bool:
        return self.refused or (self.workflow is not None and self.workflow.terminal)


def check(name: str, seen: Seen) -> Check:
    """The check on a workflow; `name` stands for it until it has an id."""
    if seen.workflow is not None:
        return _of_known(seen.workflow, seen)
    if seen.growing:
        observed = f"not submitted yet: a node with a GPU is waited for; {seen.growing}"
        return Check(_NAME, f"workflow/{name}", Status.FAILED, observed, COMPLETED, _NO_GROWTH)
    observed = ("refused: " if seen.refused else "not submitted yet: ") + (seen.problem or "no answer yet")
    answered = seen.problem.startswith("OsmoRefused")
    remedy = "The service's answer names what the spec or the pool lacks." if answered else "Check that OSMO's gateway answers."
    return Check(_NAME, f"workflow/{name}", Status.FAILED, observed, COMPLETED, remedy, final=seen.refused)


def _of_known(workflow: Workflow, seen: Seen) -> Check:
    observed = "; ".join(word for word in (workflow.status, _why(workflow), seen.obstacle, seen.problem) if word)
    if workflow.terminal and not workflow.completed and seen.log:
        observed = "\n".join([f"{observed}; last log lines:", *seen.log[-SHOWN_LINES:]])
    remedy = f"Look at `osmo workflow logs {workflow.id}` and `osmo workflow events {workflow.id}`; `pulumi up` submits it again."
    found = judge(_NAME, f"workflow/{workflow.id}", workflow.completed, observed=observed, expected=COMPLETED, remedy=remedy)
    return replace(found, final=workflow.terminal)


def _why(workflow: Workflow) -> str:
    task = workflow.failed_task()
    if task is None:
        return workflow.failure_message
    exit_code = "no exit code" if task.exit_code is None else f"exit code {task.exit_code}"
    return f"task {task.name} {task.status}, {exit_code}: {task.failure_message or workflow.failure_message or 'no message'}"


def evidence(name: str, seen: Seen) -> dict[str, object]:
    """What is kept about one workflow, in the words of the record's outputs."""
    workflow = seen.workflow
    return {
        "name": name,
        "id": seen.id,
        "status": workflow.status if workflow else "",
        "duration": workflow.duration if workflow else None,
        "tasks": [_task_evidence(task) for task in workflow.tasks] if workflow else [],
        "log": list(seen.log),
        "cancelled": seen.cancelled,
        "orphan": seen.orphan,
    }


def _task_evidence(task: Task) -> dict[str, object]:
    return {
        "name": task.name,
        "status": task.status,
        "exitCode": task.exit_code,
        "failureMessage": task.failure_message,
        "node": task.node,
    }


def recorded(gateway: Gateway, found: Mapping[str, Any]) -> Verdict:
    """Asks once for the workflows that a record holds, and submits nothing."""
    entries = list((found.get("evidence") or {}).get("workflows") or [])
    if not entries:
        return Verdict((_absent("osmo", "none was submitted"),))
    with gateway.client() as client:
        checks = tuple(_recorded_check(client, entry) for entry in entries)
    return Verdict(checks, {"workflows": entries})


def _recorded_check(client: OsmoClient, entry: Mapping[str, Any]) -> Check:
    workflow_id = str(entry.get("id") or "")
    if not workflow_id:
        return _absent(f"workflow/{entry.get('name')}", str(entry.get("orphan") or "it was never taken on"))
    try:
        return _of_known(client.workflow(workflow_id), Seen(id=workflow_id, log=tuple(entry.get("log") or ())))
    except OsmoUnreachableError:
        raise
    except OsmoError as error:
        return _absent(f"workflow/{workflow_id}", str(error))


def _absent(subject: str, observed: str) -> Check:
    return Check(_NAME, subject, Status.FAILED, observed, COMPLETED, _AGAIN)
