"""Where this project lies on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
REHEARSAL: Final = "rehearsal"  # the stack that runs on the virtual cluster


def rehearsal_state() -> Path:
    """The one folder that a rehearsal of this clone writes to."""
    return ROOT / ".sdg" / "rehearsal"
