"""The real engine with the rehearsal's plugins: a small stack from its first update to its end, and what happens when things go wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from cli.rehearsal_azure import contents
from rehearsal.azure.account import SUBSCRIPTION
from rehearsal.cluster import VirtualCluster
from rehearsal.nodes import DEFAULT_PROFILE
from rehearsal.plugins import install
from rehearsal.state import StateDir
from rehearsal.tools import Tools

pytestmark = [pytest.mark.xdist_group("engine-cluster"), pytest.mark.timeout(120)]

PLANTED = "planted-secret-value"
PROJECT = f"name: small\nruntime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n"
PRELUDE = """
import pulumi, pulumi_kubernetes as k8s
from pathlib import Path
NAME = pulumi.get_stack()
provider = k8s.Provider("p", kubeconfig=Path("kubeconfig").read_text(), cluster_identifier="small")
inside = lambda *after: pulumi.ResourceOptions(provider=provider, depends_on=list(after))
namespace = k8s.core.v1.Namespace("ns", metadata={"name": NAME}, opts=inside())
"""
SMALL = (
    PRELUDE
    + """
print("hello from the program")
k8s.core.v1.Secret("s", metadata={"name": "s", "namespace": NAME}, string_data={"k": pulumi.Output.secret("planted-secret-value")},
    opts=inside(namespace))
release = k8s.helm.v3.Release("r", k8s.helm.v3.ReleaseArgs(name="r", namespace=NAME, chart="./chart", skip_await=True,
    values={"token": pulumi.Output.secret("planted-secret-value")}), opts=inside(namespace))
pulumi.export("revision", release.status.revision)
"""
)
NEVER_READY = (
    PRELUDE
    + """
k8s.helm.v3.Release("r", k8s.helm.v3.ReleaseArgs(name="r", namespace=NAME, chart="./chart", timeout=60, values={"deploy": True}),
    opts=inside(namespace))
"""
)
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: mini\nversion: 0.1.0\n",
    "templates/objects.yaml": """
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
{{- if .Values.deploy }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec: {nodeSelector: {no: such}, containers: [{name: c, image: "x:1"}]}
{{- end }}
""",
}


@dataclass
class Engine:
    """An engine with a backend, plugins and a cluster of its own."""

    state: StateDir
    env: dict[str, str]
    root: Path

    def stack(self, name: str, program: str) -> Stack:
        directory = self.root / name
        (directory / "chart" / "templates").mkdir(parents=True)
        for file, text in {"Pulumi.yaml": PROJECT, "__main__.py": program}.items():
            (directory / file).write_text(text, encoding="utf-8")
        for file, text in CHART.items():
            (directory / "chart" / file).write_text(text, encoding="utf-8")
        (directory / "kubeconfig").write_bytes(self.state.kubeconfig.read_bytes())
        stack = Stack(name, directory, self.env)
        assert stack.pulumi("stack", "init", name).returncode == 0
        return stack

    def kubectl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Tools.locate().path("kubectl")), *arguments],
            env={**self.env, "KUBECONFIG": str(self.state.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
        )


@dataclass
class Stack:
    """One stack of a program of its own."""

    name: str
    directory: Path
    env: dict[str, str]

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.directory,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=90,
            check=False,
        )

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.pulumi("up", "--yes", "--skip-preview", *arguments)

    def start_up(self) -> subprocess.Popen[str]:
        """Start an update in a process group of its own, as a shell would."""
        return subprocess.Popen(
            ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
            cwd=self.directory,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    tools = Tools.locate()
    root = tmp_path_factory.mktemp("engine")
    state = StateDir(root / "state")
    cluster = VirtualCluster(state, tools)
    cluster.start(DEFAULT_PROFILE)
    install(state.bin, tools)
    (root / "backend").mkdir()
    path = os.pathsep.join([str(state.bin), str(tools.path("pulumi").parent), os.environ["PATH"]])
    env = {
        **os.environ,
        "PATH": path,
        "PULUMI_BACKEND_URL": f"file://{root / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "tests",
        "PULUMI_HOME": str(root / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    try:
        yield Engine(state, env, root)
    finally:
        cluster.stop(purge=True)


def _waited_for(condition: object, seconds: float) -> bool:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def _below(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _runs_helm(pid: int) -> bool:
    return any("helm" in child.name() and "install" in child.cmdline() for child in _below(pid) if child.is_running())


def test_a_stack_comes_up_stays_as_it_is_heals_and_goes(engine: Engine) -> None:
    stack = engine.stack("small", SMALL)
    first = stack.up()
    assert first.returncode == 0, first.stdout
    assert "hello from the program" in first.stdout
    assert "revision: 1" in " ".join(first.stdout.split())

    assert stack.pulumi("preview", "--expect-no-changes").returncode == 0

    engine.kubectl("delete", "secret", "s", "-n", "small")
    refreshed = stack.pulumi("refresh", "--yes", "--skip-preview")
    assert "1 deleted" in refreshed.stdout
    assert "1 created" in stack.up().stdout
    assert engine.kubectl("get", "secret", "s", "-n", "small", "-o", "jsonpath={.data.k}").stdout

    destroyed = stack.pulumi("destroy", "--yes", "--skip-preview")
    assert destroyed.returncode == 0, destroyed.stdout
    assert engine.kubectl("get", "namespace", "small").returncode != 0


def test_no_secret_is_plain_in_the_state(engine: Engine) -> None:
    stack = engine.stack("secrecy", SMALL)
    assert stack.up().returncode == 0
    exported = stack.pulumi("stack", "export").stdout
    assert json.loads(exported)["deployment"]["resources"]
    assert PLANTED not in exported
    assert "cGxhbnRlZC1zZWNyZXQtdmFsdWU=" not in exported
    assert not list((engine.state.root / "helm").glob("run-*"))


def test_an_error_of_the_program_is_one_sentence_without_a_traceback(engine: Engine) -> None:
    stack = engine.stack("sentence", "import pulumi\nraise pulumi.RunError('sdg:cluster: kindd is not known; did you mean kind?')\n")
    failed = stack.pulumi("preview")
    assert failed.returncode != 0
    assert "error: sdg:cluster: kindd is not known; did you mean kind?" in failed.stdout
    assert "Traceback" not in failed.stdout
    assert "unhandled" not in failed.stdout


def test_a_fault_of_the_program_shows_the_program_alone(engine: Engine) -> None:
    stack = engine.stack("fault", "def broken():\n    raise ValueError('boom')\n\n\nbroken()\n")
    failed = stack.pulumi("preview")
    assert failed.returncode != 0
    assert "ValueError: boom" in failed.stdout
    assert "__main__.py" in failed.stdout
    assert "rehearsal/plugins" not in failed.stdout


def test_what_could_touch_something_real_is_refused_in_one_sentence(engine: Engine) -> None:
    failed = engine.stack("refused-command", "import pulumi_command as c\nc.local.Command('x', create='touch never')\n").up()
    assert failed.returncode != 0
    assert "deploy this stack outside the rehearsal" in failed.stdout
    assert "Traceback" not in failed.stdout


def test_what_is_made_in_azure_is_made_in_the_simulated_one(engine: Engine) -> None:
    program = "import pulumi_azure_native.resources as r\nr.ResourceGroup('x', resource_group_name='rg-x', location='westeurope')\n"
    stack = engine.stack("azure", program)
    assert stack.up().returncode == 0
    assert contents(engine.state).resources == (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-x",)


def test_ctrl_c_inside_a_helm_call_ends_within_two_seconds_and_leaves_no_process(engine: Engine) -> None:
    stack = engine.stack("interrupted", NEVER_READY)
    update = stack.start_up()
    assert _waited_for(lambda: _runs_helm(update.pid), 30)
    started = _below(update.pid)
    assert not any(PLANTED in " ".join(process.cmdline()) for process in started)
    began = time.monotonic()
    os.killpg(update.pid, signal.SIGINT)
    output, _ = update.communicate(timeout=30)
    assert time.monotonic() - began < 2
    assert "Traceback" not in output
    assert _waited_for(lambda: not any(process.is_running() for process in started), 2)


def test_a_killed_engine_takes_its_plugins_and_helm_with_it_and_the_name_stays_in_use(engine: Engine) -> None:
    stack = engine.stack("killed", NEVER_READY)
    update = stack.start_up()
    assert _waited_for(lambda: _runs_helm(update.pid), 30)
    started = _below(update.pid)
    release = ("get", "secret", "-n", "killed", "-l", "owner=helm,status=pending-install", "-o", "name")
    assert _waited_for(lambda: engine.kubectl(*release).stdout, 30)
    update.kill()
    update.communicate(timeout=30)
    assert _waited_for(lambda: not any(process.is_running() for process in started), 3)

    stack.pulumi("cancel", "--yes")
    again = stack.up()
    assert again.returncode != 0
    assert "cannot re-use a name that is still in use" in again.stdout
