"""What is promised of the stack on Azure: how long its graph takes under mocks, and a preview of it with the simulated ARM."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from statistics import median
from typing import Any, Final

from cli import rehearsal
from cli.project import ROOT
from cli.pulumi import Engine

STACK: Final = "azure"
REPEATS: Final = 3
_GRAPH: Final = (sys.executable, "-m", "cli.graph_alone", str(ROOT / f"Pulumi.{STACK}.yaml"))
_IMPORTS: Final = (sys.executable, "-c", "import importlib, json, sys\nfor name in json.load(sys.stdin): importlib.import_module(name)")


def graph_over_imports() -> float:
    """The time of the full graph under mocks, as a multiple of importing the modules of SDKs that it uses; medians of runs in turns.

    Raises:
        RuntimeError: the program fails under mocks.
    """
    graph, imports = [], []
    for _ in range(REPEATS):
        seconds, said = _timed(_GRAPH)
        graph.append(seconds)
        imports.append(_timed(_IMPORTS, json.dumps(said["modules"]))[0])
    return median(graph) / median(imports)


def preview() -> float:
    """Seconds of a preview of everything on Azure, none of which exists, with the simulated ARM, on a rehearsal that runs already.

    Raises:
        PulumiError: the engine refuses it.
    """
    rehearsal.start(stack=STACK)
    try:
        engine = Engine.of(STACK)
        began = time.monotonic()
        engine.ask("preview")
        return time.monotonic() - began
    finally:
        rehearsal.stop(STACK, purge=True)


def _timed(command: tuple[str, ...], given: str = "") -> tuple[float, dict[str, Any]]:
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, input=given, check=False, capture_output=True, text=True)
    seconds = time.monotonic() - began
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:3])} ended with exit code {done.returncode}: {done.stderr.strip()[-500:]}")
    return seconds, json.loads(done.stdout) if done.stdout.strip() else {}
