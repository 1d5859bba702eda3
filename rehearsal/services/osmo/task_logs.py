"""What a simulated task writes: that it was simulated, and the greetings of a plain `echo`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from rehearsal.services.osmo.clock import now
from rehearsal.services.osmo.records import LogLine, TaskRecord

CTRL = "osmo-ctrl"
# quoted text without anything to expand but what is known here, or bare words
_ECHO = re.compile(r"""^\s*echo\s+(?:(["'])(?P<quoted>[^"'`]*)\1|(?P<bare>[\w .,:!-]*))\s*$""", re.MULTILINE)
_MAX_EVENTS = 100  # the service's max_event_log_lines


def started(task: TaskRecord) -> list[LogLine]:
    """The first lines of a task that began to run."""
    moment = now()
    note = f"[rehearsal] simulated container: image {task.image} was not pulled, its command was not run"
    lines = [LogLine(time=moment, source=CTRL, text="[osmo] Starting"), LogLine(time=moment, text=note)]
    return [*lines, *(LogLine(time=moment, text=text) for text in _echoes(task, moment))]


def _echoes(task: TaskRecord, moment: datetime) -> Iterator[str]:
    """The texts that the command would echo, as far as they can be told without running it."""
    for match in _ECHO.finditer("\n".join(task.command)):
        text = (
            (match["quoted"] or match["bare"] or "")
            .replace("$(hostname)", task.pod_name)
            .replace("$(date -u +%FT%TZ)", moment.strftime("%FT%TZ"))
        )
        if "$" not in text:
            yield text


def note_event(task: TaskRecord, moment: datetime, text: str) -> bool:
    """Adds an event unless it is already there; says whether it was new."""
    if any(line.text == text for line in task.events):
        return False
    task.events = [*task.events, LogLine(time=moment, text=text)][-_MAX_EVENTS:]
    return True


def log_line(line: LogLine, task: TaskRecord) -> str:
    """`YYYY/MM/DD HH:MM:SS [task] text`, or `[source][osmo] text` for lines of the platform."""
    retry = f" retry-{task.retry_id}" if task.retry_id else ""
    source = f"[{line.source}][osmo]" if line.source else f"[{task.name}{retry}]"
    return f"{line.time:%Y/%m/%d %H:%M:%S} {source} {line.text}\n"


def event_line(line: LogLine, task: TaskRecord) -> str:
    return f"{line.time:%Y-%m-%d %H:%M:%S.%f} [{task.name}] {line.text}\n"
