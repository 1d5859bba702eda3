"""What Azure may answer instead of a result."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sdg.catalog.key_shapes import REDACTED, redacted

LONGEST: Final = 400  # characters of somebody else's words
_BEARER: Final = re.compile(r"(?i:\bbearer)\s+[\w.~+/=-]{8,}")


class ArmError(Exception):
    """Azure's resource manager could not be asked, or refused. The text never holds a token."""

    def __init__(self, message: str) -> None:
        super().__init__(without_tokens(message))


class LoginError(ArmError):
    """There is no login that Azure takes.

    Attributes:
        tried: what was tried and why it failed, one phrase each.
        remedy: what to do, a sentence.
    """

    def __init__(self, message: str, tried: Sequence[str] = (), remedy: str = "") -> None:
        super().__init__(message)
        self.tried = tuple(map(without_tokens, tried))
        self.remedy = remedy

    def __str__(self) -> str:
        tried = f" Tried: {'; '.join(self.tried)}." if self.tried else ""
        return f"{super().__str__()}{tried} {self.remedy}".rstrip()


class ArmUnreachableError(ArmError):
    """No HTTP answer: no such host, refused, reset, or too slow."""


class ArmRefusedError(ArmError):
    """An answer that is an error.

    Attributes:
        status: the HTTP status.
        code: ARM's error code, such as `SubscriptionNotFound`; empty when the answer had none.
        message: ARM's own words.
    """

    def __init__(self, status: int, code: str, message: str, asked: str) -> None:
        self.status, self.code, self.message = status, code, without_tokens(message)
        super().__init__(f"{asked}: HTTP {status}{f' {code}' if code else ''}: {message}")


class ArmNotFoundError(ArmRefusedError):
    """Status 404: no such resource, or no such thing in this region."""


class ArmForbiddenError(ArmRefusedError):
    """Status 403: the login is good, and has no role for this."""


class ArmUnavailableError(ArmRefusedError):
    """Too many requests, or an error of the service itself, also after waiting and asking again."""


class ArmAnswerError(ArmError):
    """An answer of a shape that is not known."""


def without_tokens(text: str) -> str:
    """Somebody else's words without anything like a token."""
    return redacted(_BEARER.sub(REDACTED, text))
