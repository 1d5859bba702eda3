"""What the engine says of an update while it runs, with the moment at which it said it: its own log knows whole seconds only."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from cli.critical_path import Timed

SHOWN: Final = {"PULUMI_DEBUG_COMMANDS": "true"}
"""Environment in which the engine takes the option `--event-log`."""
_LAST: Final = b"\n"  # the engine writes no empty line


@dataclass
class Heard:
    """Events as they come in.

    Attributes:
        path: where the engine has to write them.
        events: so far; complete once the recording has ended.
    """

    path: Path
    events: list[Timed] = field(default_factory=list)

    @property
    def option(self) -> tuple[str, str]:
        return "--event-log", str(self.path)


@contextmanager
def listening(folder: Path) -> Iterator[Heard]:
    """Listens to an engine until the block ends.

    Args:
        folder: gets a named pipe for as long.
    """
    heard = Heard(folder / f".events-{os.getpid()}")
    heard.path.unlink(missing_ok=True)
    os.mkfifo(heard.path, 0o600)
    try:
        # open before anybody writes, and for writing too: so no engine that fails to start leaves us waiting
        reading = os.open(heard.path, os.O_RDONLY | os.O_NONBLOCK)
        writing = os.open(heard.path, os.O_WRONLY)
        os.set_blocking(reading, True)
        thread = threading.Thread(target=_listen, args=(os.fdopen(reading, "rb"), heard), name="engine-events", daemon=True)
        thread.start()
        try:
            yield heard
        finally:
            os.write(writing, _LAST * 2)  # the first may end a line that the engine was killed in
            thread.join()
            os.close(writing)
    finally:
        heard.path.unlink(missing_ok=True)


def _listen(stream: IO[bytes], heard: Heard) -> None:
    with stream:
        for line in stream:
            at = time.monotonic()
            if line == _LAST:
                return
            with suppress(ValueError):  # cut off, by the end of the engine
                heard.events.append((at, json.loads(line)))
