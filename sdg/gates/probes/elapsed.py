"""How long something has taken, beside what it was expected to take."""

from __future__ import annotations

from datetime import UTC, datetime

_MINUTE = 60.0


def since(moment: str) -> float | None:
    """Minutes since a moment as the Kubernetes API writes it; None where it says none. Clocks may differ: never less than 0."""
    try:
        began = datetime.fromisoformat(moment)
    except ValueError:
        return None
    if began.tzinfo is None:
        return None
    return max(0.0, (datetime.now(UTC) - began).total_seconds() / _MINUTE)


def told(minutes: float | None, expected: float) -> str:
    """Both in words; empty while there is nothing to say. Whole minutes, so that a line doesn't change with every second."""
    if minutes is None:
        return ""
    if not expected:
        return f"{int(minutes)} min" if minutes >= 1 else ""
    over = ", longer than expected" if minutes > expected else ""
    return f"{int(minutes)} of about {expected:g} min{over}"
