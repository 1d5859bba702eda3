"""What the OSMO API answers, as far as this project reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

ALIVE = frozenset({"PENDING", "RUNNING", "WAITING"})
"""Workflow states that can still change; all others are terminal."""

COMPLETED = "COMPLETED"
"""The only terminal state that is a success."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool and its status: ONLINE, OFFLINE or MAINTENANCE."""

    name: str
    status: str

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Pool:
        return cls(name=str(answer["name"]), status=str(answer["status"]))


@dataclass(frozen=True, slots=True)
class Node:
    """A node that a pool offers."""

    hostname: str

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Node:
        return cls(hostname=str(answer["hostname"]))


@dataclass(frozen=True, slots=True)
class Task:
    """The last try of one task.

    Attributes:
        exit_code: of the task's command, or one of OSMO's own (1001, 3000 to 4000); None while it has not ended.
        failure_message: OSMO's words about a failure; empty without one.
        node: where it runs or ran; empty before it is placed.
    """

    name: str
    status: str
    exit_code: int | None
    failure_message: str
    node: str

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Task:
        return cls(
            name=str(answer["name"]),
            status=str(answer["status"]),
            exit_code=answer.get("exit_code"),
            failure_message=str(answer.get("failure_message") or ""),
            node=str(answer.get("node_name") or ""),
        )

    @property
    def failed(self) -> bool:
        return self.status.startswith("FAILED")


@dataclass(frozen=True, slots=True)
class Workflow:
    """One run of a workflow.

    Attributes:
        id: `<spec name>-<counter>`.
        duration: seconds from start to end; None before the end.
        failure_message: of the first group that says why it failed; tasks say more.
    """

    id: str
    status: str
    tasks: tuple[Task, ...]
    failure_message: str
    duration: float | None

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Workflow:
        groups = answer.get("groups") or []
        return cls(
            id=str(answer["name"]),
            status=str(answer["status"]),
            tasks=tuple(Task.of(task) for group in groups for task in group.get("tasks") or []),
            failure_message=next((str(group["failure_message"]) for group in groups if group.get("failure_message")), ""),
            duration=answer.get("duration"),
        )

    @property
    def terminal(self) -> bool:
        return self.status not in ALIVE

    @property
    def completed(self) -> bool:
        return self.status == COMPLETED

    def failed_task(self) -> Task | None:
        """The task that tells why: its status is more exact than its group's."""
        failed = [task for task in self.tasks if task.failed]
        # a task that failed only because another one did explains nothing
        own = [task for task in failed if task.status != "FAILED_UPSTREAM"]
        return next(iter(own or failed), None)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, without its value, which OSMO shows only once.

    Attributes:
        expires: its last day (UTC).
    """

    name: str
    expires: date

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Token:
        return cls(name=str(answer["token_name"]), expires=datetime.fromisoformat(str(answer["expires_at"])).date())
