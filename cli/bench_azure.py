"""What is promised of the stack on Azure: how long its graph takes under mocks, and a preview of it with the simulated ARM."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from statistics import median
from typing import Any, Final

from cli import rehearsal
from cli.critical_path import critical_path, read_update
from cli.demo import UPDATE
from cli.engine_events import SHOWN, listening
from cli.project import ROOT
from cli.pulumi import Engine

STACK: Final = "azure"
REPEATS: Final = 3
SPEED: Final = 20.0  # times faster than Azure
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


def over_longest_chain() -> float:
    """The time of the update that makes everything on Azure, as a multiple of its longest chain of dependencies.

    At a speed at which Azure's own time is most of it, as in Azure: what engine and program take is not compressed.

    Raises:
        RuntimeError: the update failed.
    """
    state = rehearsal.start(stack=STACK, speed=SPEED)
    try:
        found = Engine.of(STACK)
        engine = replace(found, environment={**found.environment, **SHOWN})
        with listening(state.root) as heard:
            began = time.monotonic()
            code = engine.stream(*UPDATE, *heard.option, on_line=lambda _: None)
            ended = time.monotonic()
        if code:
            raise RuntimeError(f"the update failed; run `sdg rehearse --stack {STACK} --speed {SPEED:g}` to see why")
        return 1 + critical_path(read_update(heard.events, engine.state(), began, ended)).excess
    finally:
        rehearsal.stop(STACK, purge=True)


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
