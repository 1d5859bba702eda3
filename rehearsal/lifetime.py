"""When a process started, told so that it stays true when somebody sets the clock: process ids are used again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psutil

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_TOLERANCE: Final = 2.0  # seconds between two readings of the same start, where the clock may be slewed meanwhile


def start_of(process: psutil.Process) -> str | float:
    """A process's start: `BOOT:TICKS` on Linux, seconds since the epoch elsewhere.

    Raises:
        psutil.NoSuchProcess: it has ended.
    """
    try:
        boot = _BOOT.read_text().strip()
    except OSError:
        return process.create_time()
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        raise psutil.NoSuchProcess(process.pid) from None
    # field 22 of proc(5); field 2 is the command in parentheses, which may hold blanks and parentheses itself
    return f"{boot}:{int(stat.rpartition(b')')[2].split()[19])}"


def started_at(process: psutil.Process, start: object) -> bool:
    """Whether this is the process whose start was kept; raises psutil.NoSuchProcess."""
    if isinstance(start, float):
        return abs(process.create_time() - start) < _TOLERANCE
    return start == start_of(process)
