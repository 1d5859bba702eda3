"""Ports for what tests start."""

from __future__ import annotations

import os
import random

from rehearsal.state import is_free

# below the ports that rehearsals choose from, and below those that the kernel gives to outgoing connections
FIRST, OF_EACH_WORKER = 12_000, 500
_given: set[int] = set()


def free_port() -> int:
    """A port that nothing else takes before the test does: no rehearsal, no connection, no other worker of this run."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST + OF_EACH_WORKER * worker
    candidates = [port for port in range(first, first + OF_EACH_WORKER) if port not in _given]
    found = next(port for port in random.sample(candidates, k=len(candidates)) if is_free(port))
    _given.add(found)
    return found
