"""Measures what is promised: each figure beside its target, its last value, and what users have today."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from cli import bench_azure, bench_specs, rehearsal
from cli.connection import access
from cli.demo import UPDATE, Watched
from cli.project import REHEARSAL, ROOT
from cli.pulumi import Engine
from cli.rehearsal import cluster
from rehearsal.nodes import NodeGroup
from sdg.catalog.versions import versions
from sdg.gates.service import ServiceRecord
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection
from sdg.osmo import layout

FOLDER: Final = ROOT / ".bench"
LATEST: Final = FOLDER / "latest.json"
REPEATS: Final = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured time, or, where its name says so, a multiple of one.

    Attributes:
        seconds: the median of all runs, or the only one.
        target: seconds that are promised at most; None where nothing is.
        today: seconds that upstream's deployment script takes for the same; None where it has nothing like it.
    """

    name: str
    seconds: float
    target: float | None = None
    today: float | None = None


def bench(console: Console) -> int:
    """Runs everything on a rehearsal of its own, prints the table and writes `.bench/latest.json`."""
    last = _last()
    with _own_rehearsal():
        figures = []
        for figure in _figures():
            console.print(f"{figure.name}: {figure.seconds:.2f} s")
            figures.append(figure)
    FOLDER.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
    _show(figures, last, console)
    return 0


def _figures() -> Iterator[Figure]:
    yield Figure("import of the program", _median(_import_program), target=2)
    started, _ = _timed(lambda: rehearsal.start({"forward": {"enabled": False}}))
    yield Figure("virtual cluster ready", started, target=10)
    engine = Engine.of(REHEARSAL)
    watched = Watched(lambda _: None)
    began = time.monotonic()
    first, code = _timed(lambda: engine.stream(*UPDATE, on_line=watched.line))
    if code != 0 or watched.verified is None:
        raise RuntimeError("the first update failed; run `make demo` to see why")
    yield Figure("first answer to verify-hello COMPLETED", watched.verified - began, target=12, today=28)
    yield Figure("first update, whole", first)
    yield Figure("preview without changes", _median(lambda: engine.ask("preview", "--expect-no-changes")), target=6)
    yield Figure("update without changes", _median(lambda: engine.ask(*UPDATE)), target=15, today=20)
    yield Figure("gate notices readiness", _median(_detection), target=2)
    yield Figure("refresh", _median(lambda: engine.ask("refresh", "--yes", "--skip-preview")))
    yield Figure("destroy", _timed(lambda: engine.ask("destroy", "--yes", "--skip-preview"))[0])
    rehearsal.stop(purge=True)
    yield Figure("1,000 nodes schedulable", _timed(_start_large)[0], target=60)
    rehearsal.stop(purge=True)
    yield Figure("1,000 workflow specs rendered, judged and discovered", _median(bench_specs.one_by_one), target=5)
    yield Figure("azure: graph under mocks, times the import of its SDKs", bench_azure.graph_over_imports(), target=1.3)
    yield Figure("azure: preview with the simulated ARM", bench_azure.preview(), target=15)
    yield Figure("azure: update, times its longest chain", bench_azure.over_longest_chain(), target=1.1)


def _import_program() -> None:
    """A fresh interpreter imports what `__main__.py` imports, and runs nothing."""
    imports = [line for line in (ROOT / "__main__.py").read_text().splitlines() if line.startswith(("import ", "from "))]
    subprocess.run([sys.executable, "-c", "\n".join(imports)], check=True, cwd=ROOT)


def _detection() -> float:
    """Seconds from the moment a Deployment is available until the gate that waits for it is green."""
    found = access(Engine.of(REHEARSAL))
    if found.connection is None:
        raise RuntimeError("the rehearsal's stack has no cluster")
    asked = {
        "connection": asdict(found.connection),
        "workloads": [{"kind": "Deployment", **HELD}],
        "endpoint": dict(layout.GATEWAY),
        "version": versions().profiles[found.settings.osmo.profile].releases[0].tag,
        "deadline": 60,
    }
    waiting = threading.Event()
    with _held_back(found.connection) as release, ThreadPoolExecutor() as threads:
        gate = threads.submit(_wait_for_gate, asked, waiting)
        waiting.wait()
        release()
        available = _until_available(KubernetesApi.connect(found.connection))
        return gate.result() - available


def _start_large() -> None:
    """From nothing to a cluster whose scheduler may use every node."""
    cluster().start([NodeGroup("large", "Standard_D16ds_v5", count=1000)])


HELD: Final = {"namespace": layout.SERVICE_NAMESPACE, "name": "bench"}
"""A Deployment whose Secret comes late."""


@contextmanager
def _held_back(connection: Connection) -> Iterator[Callable[[], None]]:
    labels = {"app": HELD["name"]}
    container = {"name": "c", "image": "bench:1", "envFrom": [{"secretRef": {"name": HELD["name"]}}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 0}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": HELD,
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": HELD}
    with connection.private_file() as kubeconfig:

        def kubectl(*arguments: str, document: Mapping[str, Any] | None = None) -> None:
            command = ["kubectl", "--kubeconfig", str(kubeconfig), *arguments]
            subprocess.run(command, check=True, input=json.dumps(document), text=True, stdout=subprocess.DEVNULL)

        kubectl("apply", "-f", "-", document=deployment)
        try:
            yield lambda: kubectl("apply", "-f", "-", document=secret)
        finally:
            kubectl("delete", "-n", HELD["namespace"], "deployment/bench", "secret/bench", "--ignore-not-found")


def _wait_for_gate(asked: Mapping[str, Any], waiting: threading.Event) -> float:
    verdict = ServiceRecord.wait(asked, lambda _: waiting.set())
    waiting.set()
    if verdict.status != "passed":
        raise RuntimeError("; ".join(check.observed for check in verdict.failures()))
    return time.monotonic()


def _until_available(api: KubernetesApi) -> float:
    path = f"/apis/apps/v1/namespaces/{HELD['namespace']}/deployments/{HELD['name']}"
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if (api.get(path).get("status") or {}).get("availableReplicas"):
            return time.monotonic()
        time.sleep(0.02)
    raise RuntimeError("the held-back Deployment did not become available")


@contextmanager
def _own_rehearsal() -> Iterator[None]:
    before = os.environ.get("SDG_REHEARSAL")
    os.environ["SDG_REHEARSAL"] = str(FOLDER / "state")
    try:
        rehearsal.stop(purge=True)
        yield
    finally:
        cluster().stop(purge=True)
        if before is None:
            del os.environ["SDG_REHEARSAL"]
        else:
            os.environ["SDG_REHEARSAL"] = before


def _timed(action: Callable[[], Any]) -> tuple[float, Any]:
    began = time.monotonic()
    result = action()
    return time.monotonic() - began, result


def _median(action: Callable[[], Any]) -> float:
    """Of several runs; an action that returns a number measures itself."""
    times = [result if isinstance(result, float) else seconds for seconds, result in (_timed(action) for _ in range(REPEATS))]
    return sorted(times)[REPEATS // 2]


def _last() -> dict[str, float]:
    if not LATEST.exists():
        return {}
    return {figure["name"]: figure["seconds"] for figure in json.loads(LATEST.read_text())}


def _show(figures: list[Figure], last: dict[str, float], console: Console) -> None:
    table = Table(title="Seconds", title_justify="left")
    for column in ("figure", "now", "target", "last", "upstream's script"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for figure in figures:
        colour = "red" if figure.target and figure.seconds > figure.target else "green"
        table.add_row(
            figure.name, f"[{colour}]{figure.seconds:.2f}[/]", *map(_number, (figure.target, last.get(figure.name), figure.today))
        )
    console.print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if value == int(value) else f"{value:.2f}"
