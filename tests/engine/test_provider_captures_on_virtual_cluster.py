"""Every recorded engine run, replayed call by call against the Kubernetes stand-in and a real API server.

The runs build on each other, so they are replayed in their order once; then each call's answer is compared with what was recorded.
"""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rehearsal.cluster import VirtualCluster
from rehearsal.nodes import DEFAULT_PROFILE
from rehearsal.plugins.kubernetes.provider import KubernetesProvider
from rehearsal.plugins.recordings import Call, Recordings, ask, masked, serving
from rehearsal.plugins.servicer import Servicer
from rehearsal.state import StateDir
from rehearsal.tools import Tools

DATA = Path(__file__).parents[1] / "data" / "provider-captures" / "kubernetes"
RECORDINGS = Recordings.load(DATA)
SHORT_TIMEOUT = 2
"""Seconds for what is recorded to time out after 15: the answer is the same, the test is not."""

INVALID_DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec: {containers: [{name: c}]}
"""

pytestmark = [pytest.mark.xdist_group("captures-cluster"), pytest.mark.timeout(240)]


@dataclass
class World:
    """The cluster, the chart repository, and what was answered so far."""

    state: StateDir
    tools: Tools
    repository: str
    answers: dict[tuple[str, int], Mapping[str, Any]] = field(default_factory=dict)

    def replay(self, run: str) -> None:
        """Ask everything that was asked of the provider in a run, of a provider process of its own."""
        self._before(run)
        provider = KubernetesProvider()
        with serving(Servicer(provider)) as stub:
            for position, call in enumerate(RECORDINGS.runs[run]):
                if call.method.startswith("ResourceProvider/"):
                    answer = ask(stub, call, partial(self._of_this_test, run))
                    self.answers[run, position] = json.loads(json.dumps(answer).replace(self._kubeconfig(), "<kubeconfig>"))

    def _kubeconfig(self) -> str:
        return json.dumps(self.state.kubeconfig.read_text(encoding="utf-8"))[1:-1]

    def _of_this_test(self, run: str, text: str) -> str:
        text = text.replace("<kubeconfig>", self._kubeconfig()).replace("http://127.0.0.1:<port>", self.repository)
        if run in {"16-fail-release-unschedulable", "18-fail-deployment-unschedulable"}:
            text = text.replace('"timeout": 15', f'"timeout": {SHORT_TIMEOUT}')
        return text

    def _before(self, run: str) -> None:
        """Do what was done by hand between the recorded runs."""
        if run == "07-refresh-drift":
            self.kubectl("delete", "deployment", "dep", "--wait=true")
            self.kubectl("patch", "configmap", "cm", "--type=merge", "-p", '{"data":{"k":"drifted"}}')
            self.helm("uninstall", "rel", "--wait")
        elif run == "13-fail-exists":
            self.kubectl("create", "configmap", "outside")
        elif run == "17-fail-release-exists":
            self.helm("install", "foreign", "chart", "--wait")

    def kubectl(self, *arguments: str) -> None:
        self._run("kubectl", *arguments, "-n", "captures")

    def helm(self, *arguments: str) -> None:
        self._run("helm", *arguments, "-n", "captures")

    def _run(self, tool: str, *arguments: str) -> None:
        homes = {f"HELM_{kind}_HOME": str(self.state.root / "helm-by-hand" / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        env = {**os.environ, **homes, "KUBECONFIG": str(self.state.kubeconfig)}
        subprocess.run([str(self.tools.path(tool)), *arguments], cwd=DATA, env=env, check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Iterator[str]:
    """A chart repository with one chart whose Deployment the API server refuses."""
    root = tmp_path_factory.mktemp("repository")
    chart = root / "mini"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: mini\nversion: 0.1.0\n", encoding="utf-8")
    (chart / "templates" / "deployment.yaml").write_text(INVALID_DEPLOYMENT, encoding="utf-8")
    with tarfile.open(root / "mini-0.1.0.tgz", "w:gz") as archive:
        archive.add(chart, "mini")
    subprocess.run([str(tools.path("helm")), "repo", "index", "."], cwd=root, check=True)
    handler = partial(_Quiet, directory=str(root))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        """Say nothing."""


@pytest.fixture(scope="module")
def tools() -> Tools:
    return Tools.locate()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, tools: Tools, repository: str) -> Iterator[World]:
    """A cluster on which every recorded run was replayed."""
    state = StateDir(tmp_path_factory.mktemp("captures") / "state")
    cluster = VirtualCluster(state, tools)
    cluster.start(DEFAULT_PROFILE)
    before = Path.cwd()
    patch = pytest.MonkeyPatch()
    patch.setenv("SDG_HELM", str(tools.path("helm")))
    patch.setenv("SDG_HELM_HOME", str(state.root / "helm"))
    os.chdir(DATA)
    try:
        replayed = World(state, tools, repository)
        for run in RECORDINGS.runs:
            if run != "30-unreachable-preview":  # replayed without a cluster, in the unit tier
                replayed.replay(run)
        yield replayed
    finally:
        os.chdir(before)
        patch.undo()
        cluster.stop(purge=True)


def _calls() -> Iterator[object]:
    for run, calls in RECORDINGS.runs.items():
        for position, call in enumerate(calls):
            if call.method.startswith("ResourceProvider/") and run != "30-unreachable-preview":
                yield pytest.param(run, position, call, id=f"{run}: {call.name}")


@pytest.mark.parametrize(("run", "position", "call"), list(_calls()))
def test_the_stand_in_answers_as_recorded(world: World, run: str, position: int, call: Call) -> None:
    expected = RECORDINGS.expected(call)
    if run in {"16-fail-release-unschedulable", "18-fail-deployment-unschedulable"} and call.matches("Check", "x"):
        expected = json.loads(json.dumps(expected).replace('"timeout": 15', f'"timeout": {SHORT_TIMEOUT}'))
    assert RECORDINGS.answered(call, world.answers[run, position]) == expected


@pytest.mark.parametrize(
    ("run", "object_id"), [("18-fail-deployment-unschedulable", "captures/pend"), ("19-repo-release", "captures/fromrepo")]
)
def test_a_failed_create_keeps_what_exists_as_the_recorded_destroy_found_it(world: World, run: str, object_id: str) -> None:
    position = next(index for index, call in enumerate(RECORDINGS.runs[run]) if call.matches("Create", "x"))
    destroyed = next(call for call in RECORDINGS.runs["40-destroy"] if call.request.get("id") == object_id)
    kept = world.answers[run, position]["detail"]
    assert kept["id"] == object_id
    assert _settled(kept["properties"]) == _settled(destroyed.request["properties"])


def _settled(state: object) -> object:
    """The state as the recorded request holds it: without managers of fields, and with ports masked."""
    text = json.dumps(masked(state), sort_keys=True)
    without_managers: dict[str, Any] = json.loads(text)
    without_managers.get("metadata", {}).pop("managedFields", None)
    return without_managers
