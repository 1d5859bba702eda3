"""Plugin processes: how they are found, start, speak and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from rehearsal.plugins import install
from rehearsal.plugins.child import Child
from rehearsal.plugins.protocol import language_pb2
from rehearsal.plugins.resolution import ours
from rehearsal.tools import Tools

STAND_INS = [
    "pulumi-language-python",
    "pulumi-resource-azure-native",
    "pulumi-resource-command",
    "pulumi-resource-kubernetes",
    "pulumi-resource-pulumi-python",
]


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    directory = tmp_path / "tools"
    directory.mkdir()
    for name in ("helm", "pulumi"):
        (directory / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (directory / name).chmod(0o700)
    return Tools({"helm": directory / "helm", "pulumi": directory / "pulumi"})


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi-home"))


def _gone(process: psutil.Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def _plugin(name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-m", f"rehearsal.plugins.{name}", "127.0.0.1:1"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_every_stand_in_is_written_where_nothing_official_is(tmp_path: Path, tools: Tools) -> None:
    written = install(tmp_path / "bin", tools)
    assert sorted(file.name for file in written) == STAND_INS
    assert all(ours(file) and file.stat().st_mode & 0o777 == 0o700 for file in written)
    assert f"SDG_HELM={tools.path('helm')}" in (tmp_path / "bin" / "pulumi-resource-kubernetes").read_text(encoding="utf-8")


def test_an_official_plugin_is_not_hidden_except_where_it_could_touch_something_real(
    tmp_path: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "bin", tools)
    official = tmp_path / "official"
    official.mkdir()
    for name in STAND_INS:
        (official / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (official / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{official}:/usr/bin:/bin")
    written = install(tmp_path / "bin", tools)
    assert sorted(file.name for file in written) == ["pulumi-resource-azure-native", "pulumi-resource-command"]
    assert sorted(file.name for file in (tmp_path / "bin").iterdir()) == sorted(file.name for file in written)


@pytest.mark.parametrize("name", ["language", "kubernetes", "azure_native", "command"])
def test_a_plugin_announces_its_port_and_ends_quietly_when_interrupted(name: str) -> None:
    plugin = _plugin(name)
    assert plugin.stdout is not None
    assert 0 < int(plugin.stdout.readline()) < 65536
    plugin.send_signal(signal.SIGINT)
    _, errors = plugin.communicate(timeout=5)
    assert (plugin.returncode, errors) == (0, "")


def test_a_plugin_ends_when_the_engine_is_gone(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"{sys.executable} -u -m rehearsal.plugins.azure_native 127.0.0.1:1 > {tmp_path / 'out'} & echo $! > {pid_file}; sleep 60"
    engine = subprocess.Popen(["/bin/sh", "-c", script], start_new_session=True)
    try:
        deadline = time.monotonic() + 20
        while not ((tmp_path / "out").exists() and (tmp_path / "out").read_text(encoding="utf-8")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        plugin = psutil.Process(int(pid_file.read_text(encoding="utf-8")))
        engine.kill()
        engine.wait()
        assert _gone(plugin, 3)
    finally:
        os.killpg(engine.pid, signal.SIGKILL)


def _child(directory: Path, program: str) -> Child:
    (directory / "__main__.py").write_text(program, encoding="utf-8")
    info = language_pb2.ProgramInfo(root_directory=str(directory), program_directory=str(directory), entry_point=".")
    return Child(language_pb2.RunPluginRequest(pwd=str(directory), info=info, kind="tool", args=["1"], env=["GREETING=hi"]))


def test_a_child_of_the_language_host_is_heard_as_it_speaks_and_tells_how_it_ended(tmp_path: Path) -> None:
    child = _child(tmp_path, "import os, sys\nprint(os.environ['GREETING'], sys.argv[1])\nprint('no', file=sys.stderr)\nsys.exit(4)\n")
    said = list(child.output())
    assert b"".join(part.stdout for part in said) == b"hi 1\n"
    assert b"".join(part.stderr for part in said) == b"no\n"
    assert said[-1].exitcode == 4


def test_a_child_is_heard_before_it_ends(tmp_path: Path) -> None:
    child = _child(tmp_path, "import sys, time\nsys.stdout.write('early\\n')\ntime.sleep(60)\n")
    output = child.output()
    assert next(output).stdout == b"early\n"
    child.end()
    assert list(output)[-1].exitcode == -signal.SIGKILL
