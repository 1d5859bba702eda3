"""How ARM refuses: an HTTP status, a code that programs look at, and a message for people."""

from __future__ import annotations

from typing import Any

NOT_FOUND = 404


class ArmError(Exception):
    """A request that ARM refuses, or an operation that ends in failure.

    Attributes:
        status: of the HTTP answer.
        code: as in ARM's answers (`ResourceNotFound`).
        accepted: the request was taken and the operation failed later: the resource exists, in the provisioning state `Failed`.
    """

    def __init__(self, status: int, code: str, message: str, *, accepted: bool = False) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.accepted = status, code, message, accepted

    def body(self) -> dict[str, Any]:
        """The answer's body, as ARM's own error contract has it."""
        return {"error": {"code": self.code, "message": self.message}}


def not_found(id: str) -> ArmError:  # noqa: A002 -- it is called id everywhere
    """Nothing has this id."""
    return ArmError(NOT_FOUND, "ResourceNotFound", f"The Resource '{id}' was not found.")


def parent_not_found(parent: str) -> ArmError:
    """A nested resource is asked for below something that is not there."""
    sentence = f"Can not perform requested operation on nested resource. Parent resource '{parent}' not found."
    return ArmError(NOT_FOUND, "ParentResourceNotFound", sentence)


def group_not_found(group: str) -> ArmError:
    """A resource group that is not there."""
    return ArmError(NOT_FOUND, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
