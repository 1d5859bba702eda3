"""Where this project lies on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PROJECT: Final = "sdg"  # as Pulumi.yaml names it
REHEARSAL: Final = "rehearsal"  # the stack that runs on the virtual cluster and nowhere else
NAMED: Final = "SDG_REHEARSAL"
REHEARSALS: Final = (ROOT / ".sdg" / REHEARSAL, ROOT / ".sdg" / "rehearsals")
"""Where this clone's rehearsals lie: the one of the stack `rehearsal`, and those of all others."""
MARK: Final = "stack"
"""File in a rehearsal's folder that names its stack."""


class NotAFolderError(ValueError):
    """`SDG_REHEARSAL` names what can be no folder; one sentence."""


def rehearsal_state(stack: str | None = None) -> Path:
    """The one folder that a rehearsal writes to: the one that `SDG_REHEARSAL` names, or this clone's.

    Args:
        stack: whose rehearsal it is: a folder of another stack's is not taken. Unset: whichever this shell works on.

    Raises:
        NotAFolderError: it can be no folder.
    """
    named = os.environ.get(NAMED)
    if named and (stack is None or stack_of(Path(named)) in {None, stack}):
        path = Path(named).absolute()
        if file := next((each for each in (path, *path.parents) if each.exists() and not each.is_dir()), None):
            raise NotAFolderError(f"{NAMED} is {named}, and {file} is a file; name a folder, or one that is still to be made")
        return path
    return REHEARSALS[0] if stack in {None, REHEARSAL} else REHEARSALS[1] / str(stack)


def stack_of(state: Path) -> str | None:
    """The stack that a rehearsal's folder is of; None while it is of none."""
    try:
        return (state / MARK).read_text().strip()
    except OSError:
        return None


def is_rehearsed(stack: str) -> bool:
    """Whether commands for a stack mean its rehearsal: always for the stack `rehearsal`, for another in a shell that works on that."""
    named = os.environ.get(NAMED)
    return stack == REHEARSAL or (bool(named) and stack_of(Path(str(named))) == stack)
