"""Where this project lies on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PROJECT: Final = "sdg"  # as Pulumi.yaml names it
REHEARSAL: Final = "rehearsal"  # the stack that runs on the virtual cluster


def rehearsal_state() -> Path:
    """The one folder that a rehearsal writes to: this clone's, or the one that `SDG_REHEARSAL` names."""
    named = os.environ.get("SDG_REHEARSAL")
    return Path(named).absolute() if named else ROOT / ".sdg" / "rehearsal"
