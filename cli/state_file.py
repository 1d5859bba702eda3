"""The state file of a stack in a `file://` backend, as a killed engine may leave it."""

from __future__ import annotations

from pathlib import Path

from cli.project import PROJECT

SCHEME = "file://"


def backend_folder(url: str) -> Path | None:
    """Folder of a `file://` backend; None for any other."""
    if not url.startswith(SCHEME):
        return None
    return Path(url.removeprefix(SCHEME)).expanduser() / ".pulumi"


def mend(url: str, stack: str) -> list[Path]:
    """Removes what keeps the engine from reading a state file that is whole; returns what was removed.

    The backend replaces the state file at once, but writes a description of it (`.attrs`) in place: a kill in between leaves that empty,
    and the engine then says "failed to load checkpoint: EOF". It does without the description when there is none.
    """
    folder = backend_folder(url)
    if folder is None:
        return []
    empty = [path for path in sorted((folder / "stacks" / PROJECT).glob(f"{stack}.json*.attrs")) if path.stat().st_size == 0]
    for path in empty:
        path.unlink()
    return empty
