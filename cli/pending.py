"""Operations that a killed engine left open in a stack's state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

State = Mapping[str, Any]

RELEASE: Final = "kubernetes:helm.sh/v3:Release"
# what the next update takes over: plain objects by the provider's upsert switch, the program's own dynamic resources because they repeat
REPEATABLE: Final = ("kubernetes:", "pulumi-python:dynamic")
CREATING: Final = "creating"
DELETING: Final = "deleting"


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation whose end the state doesn't know.

    Attributes:
        urn: of the resource.
        token: its type.
        doing: what the engine was at: "creating", "updating", "deleting", …
        inputs: of the resource; secrets are encrypted.
    """

    urn: str
    token: str
    doing: str
    inputs: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]

    @property
    def of_release(self) -> bool:
        return self.token == RELEASE

    @property
    def repeatable(self) -> bool:
        """Whether the next update does it again, whatever became of it: only a creation makes something that nobody knows."""
        return self.doing != CREATING or self.token.startswith(REPEATABLE)

    def __str__(self) -> str:
        return f"{self.doing} {self.token} {self.name}"


def operations(state: State) -> list[Operation]:
    """The open operations of an exported state."""
    open_ones = state.get("deployment", {}).get("pending_operations") or []
    return [
        Operation(entry["resource"]["urn"], entry["resource"]["type"], entry["type"], entry["resource"].get("inputs") or {})
        for entry in open_ones
    ]


def closed(state: State, done: Iterable[Operation], gone: Iterable[Operation]) -> dict[str, Any]:
    """The state without these open operations.

    Args:
        gone: deletions that came to their end: their resources still have to be created again, or forgotten by a destroy.
    """
    ended = {(operation.urn, operation.doing) for operation in done}
    deleted = {operation.urn for operation in gone}
    deployment = state["deployment"]
    still_open = [entry for entry in deployment.get("pending_operations") or [] if (entry["resource"]["urn"], entry["type"]) not in ended]
    resources = [_deleted(resource) if resource["urn"] in deleted else resource for resource in deployment.get("resources") or []]
    return {**state, "deployment": {**deployment, "resources": resources, "pending_operations": still_open}}


def _deleted(resource: Mapping[str, Any]) -> dict[str, Any]:
    """As the engine marks what it has deleted and will create again."""
    return {**resource, "pendingReplacement": True}
