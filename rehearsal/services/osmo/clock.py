"""Time as the service writes it: UTC without a zone."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def stamp(moment: datetime | None) -> str | None:
    """`2026-01-31T10:20:30.123456`, the form of workflow, token and app times."""
    return moment.isoformat(timespec="microseconds") if moment else None


def zulu(moment: datetime) -> str:
    """The same with a `Z`, the form of user and role times."""
    return moment.isoformat(timespec="microseconds") + "Z"
