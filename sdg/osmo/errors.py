"""What the OSMO API may answer instead of a result."""

from __future__ import annotations


class OsmoError(Exception):
    """OSMO could not be asked, or refused."""


class OsmoUnreachableError(OsmoError):
    """No HTTP answer: refused, reset, or too slow. A write may or may not have happened."""


class OsmoUnavailableError(OsmoError):
    """A 5xx answer: the service, or the gateway before it, is not ready.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status = status


class OsmoRefusedError(OsmoError):
    """A 4xx answer: the request itself is wrong, or its subject does not exist.

    Attributes:
        status: the HTTP status.
        code: OSMO's error code ("USER", "RESOURCE", "DATABASE", …); empty when the answer had none.
    """

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class OsmoNotFoundError(OsmoRefusedError):
    """The workflow, user or token does not exist. OSMO says so with status 400 and a code."""


class OsmoAnswerError(OsmoError):
    """An answer of a shape that this client does not know."""
