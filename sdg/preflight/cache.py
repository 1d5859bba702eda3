"""What is asked once per update: `pulumi up` runs the program for its preview, and again for its update, within one engine's process.

The answers lie in a file of this user's alone, and are of no use to any other engine: its name tells the engine's process and start.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from sdg.forward.lifetime import start_of
from sdg.forward.units import RUNTIME

ENGINE: Final = "pulumi"
_PREFIX: Final = "sdg-preflight"


def once_per_update(question: str, ask: Callable[[], dict[str, str]], engine: psutil.Process | None = None) -> dict[str, str]:
    """The answer that this engine's run got before, else a new one. Without an engine, and where nothing can be kept, always a new one.

    Args:
        question: everything that the answer depends on.
        ask: gets the answer.
        engine: whose update it is; the one that runs this program when None.
    """
    engine = engine or running_engine()
    if engine is None:
        return ask()
    path = _path(engine, question)
    known = _read(path)
    if known is not None:
        return known
    answer = ask()
    with suppress(OSError):
        _write(path, answer)
        _forget_others(path.parent)
    return answer


def running_engine() -> psutil.Process | None:
    """The engine that runs this program: the nearest ancestor of that name; None when there is none."""
    with suppress(psutil.Error):
        return next((parent for parent in psutil.Process().parents() if parent.name() == ENGINE), None)
    return None


def _path(engine: psutil.Process, question: str) -> Path:
    digest = hashlib.sha256(f"{start_of(engine)}\n{question}".encode()).hexdigest()[:16]
    return _folder() / f"{_PREFIX}-{os.getuid()}-{engine.pid}-{digest}.json"


def _folder() -> Path:
    if named := os.environ.get(RUNTIME):
        folder = Path(named)
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    else:
        folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    return folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())


def _read(path: Path) -> dict[str, str] | None:
    """What was kept; None where nothing was, or anybody else could have written it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(descriptor, encoding="utf-8") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
            return None
        try:
            return dict(json.load(stream))
        except ValueError:
            return None


def _write(path: Path, answer: dict[str, str]) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8") as stream:
        json.dump(answer, stream)
    try:
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _forget_others(folder: Path) -> None:
    """Removes what engines left that have ended."""
    for path in folder.glob(f"{_PREFIX}-{os.getuid()}-*.json"):
        engine = path.name.removeprefix(f"{_PREFIX}-{os.getuid()}-").partition("-")[0]
        if engine.isdigit() and not psutil.pid_exists(int(engine)):
            path.unlink(missing_ok=True)
