"""The forward's watchdog as a unit of the user's systemd, which is a script here that really starts and ends it."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from sdg import forward
from sdg.forward import control, units
from sdg.forward.store import Store
from sdg.kube.connection import Connection
from sdg.kube.portforward import Target
from tests.ports import free_port

KUBECONFIG = """\
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443"}}]
users: [{name: u, user: {token: one}}]
"""
KUBECTL = """\
    #!{python}
    import http.server, sys
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(503); self.send_header("Content-Length", "0"); self.end_headers()
        def log_message(self, *a): pass
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[-1].split(":")[0])), Answer).serve_forever()
"""


@pytest.fixture
def spec(user_systemd, tmp_path, monkeypatch):
    """A forward that is wanted, of a user with a systemd."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "kubectl").write_text(textwrap.dedent(KUBECTL).format(python=sys.executable))
    (bin_ / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state $HOME 100%"))
    wanted = forward.ForwardSpec(Connection(KUBECONFIG), Target("osmo-minimal", "osmo-ui", 80), "lab", free_port())
    yield wanted
    control.stop_port(wanted.port)


def eventually(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def of(spec, **changes):
    return forward.ForwardSpec(**{name: changes.get(name, getattr(spec, name)) for name in ("connection", "target", "cluster", "port")})


def test_a_forward_is_a_unit_that_starts_with_the_host_where_the_user_has_a_systemd(spec, user_systemd):
    started = forward.start(spec)
    unit = f"osmo-pf-watchdog-{spec.port}.service"
    assert (started.unit, started.answers, started.remark) == (unit, True, "")
    assert psutil.Process(started.pid).cmdline()[0] == "osmo-pf-watchdog:osmo-ui"
    assert user_systemd.units() == [f"default.target.wants/{unit}", unit]
    assert "loginctl --no-ask-password enable-linger" in user_systemd.calls()


def test_the_unit_is_started_again_for_ever_and_is_private_to_the_user(spec, user_systemd):
    forward.start(spec)
    path = user_systemd.config / "systemd/user" / units.name_of(spec.port)
    lines = path.read_text().splitlines()
    assert {"Restart=always", "StartLimitIntervalSec=0", "WantedBy=default.target"} <= set(lines)
    assert path.stat().st_mode & 0o077 == 0
    assert "token" not in path.read_text()


def test_a_killed_watchdog_answers_again_under_another_process_that_is_found(spec):
    first = forward.start(spec).pid
    os.kill(first, signal.SIGKILL)
    began = time.monotonic()
    assert eventually(lambda: (now := forward.status(spec)) and now.pid != first and now.answers, 5.0)
    print(f"answered again after {time.monotonic() - began:.1f} s")
    assert forward.start(spec).reused


def test_a_stopped_unit_leaves_no_process_file_credential_or_lingering(spec, user_systemd):
    pid = forward.start(spec).pid
    assert forward.stop(spec)
    assert gone(pid)
    assert user_systemd.units() == []
    assert [path.suffix for path in Store.of_user(spec.port).directory.iterdir()] == [".lock"]
    assert not (user_systemd.home / "lingers").exists()
    assert not control.answers(spec.port)


def test_lingering_ends_with_the_last_unit_and_stays_where_the_user_lingered_before(spec, user_systemd):
    second = of(spec, port=free_port())
    for wanted in (spec, second):
        forward.start(wanted)
    forward.stop(spec)
    assert (user_systemd.home / "lingers").exists()
    forward.stop(second)
    assert not (user_systemd.home / "lingers").exists()
    (user_systemd.home / "lingers").touch()
    forward.start(spec)
    forward.stop(spec)
    assert (user_systemd.home / "lingers").exists()


def test_whoever_may_not_linger_is_told_that_the_forward_ends_at_logout(spec, user_systemd):
    (user_systemd.home / "refuses-linger").touch()
    assert "it ends when you log out" in forward.start(spec).remark
    assert "Access denied" in forward.status(spec).remark


def test_new_credentials_reach_the_unit_that_runs(spec):
    pid = forward.start(spec).pid
    before = psutil.Process(pid).children()[0].pid
    renewed = of(spec, connection=Connection(KUBECONFIG.replace("one", "two")))
    assert forward.start(renewed).pid == pid
    assert eventually(lambda: (now := psutil.Process(pid).children()) and now[0].pid != before)


@pytest.mark.parametrize("state", ["offline", "unknown", "stopping"])
def test_without_a_usable_systemd_the_watchdog_is_a_process_of_its_own(spec, user_systemd, state):
    (user_systemd.home / "state").write_text(state)
    started = forward.start(spec)
    assert (started.unit, started.answers) == (None, True)
    assert user_systemd.units() == []


def test_without_its_socket_systemd_is_not_even_asked(spec, user_systemd, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(user_systemd.home))
    assert forward.start(spec).unit is None
    assert not (user_systemd.home / "calls").exists()


def test_a_systemd_that_refuses_the_unit_leaves_a_process_that_says_so(spec, user_systemd):
    (user_systemd.home / "refuses").write_text("restart")
    started = forward.start(spec)
    assert (started.unit, started.answers) == (None, True)
    assert "ends with this host's next start" in started.remark
    assert user_systemd.units() == []


def test_a_unit_whose_marker_is_lost_is_ended_by_its_port(spec, user_systemd):
    pid = forward.start(spec).pid
    (Store.of_user(spec.port).directory / f"{spec.port}.json").unlink()
    assert control.stop_port(spec.port) == "something unknown"
    assert gone(pid)
    assert user_systemd.units() == []


def test_a_unit_is_ended_for_good_from_a_shell_that_does_not_reach_systemd(spec, user_systemd, tmp_path, monkeypatch):
    forward.start(spec)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "systemctl").write_text("#!/bin/sh\necho Failed to connect to bus >&2; exit 1\n")
    (broken / "systemctl").chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{broken}{os.pathsep}{os.environ['PATH']}")
        assert forward.stop(spec)
    assert eventually(lambda: not list(user_systemd.home.glob("*.pid")) and not control.answers(spec.port))
    assert user_systemd.units() == []


def test_words_of_a_unit_read_back_as_they_were():
    odd = ["/opt/a b/python", 'quo"te', "back\\slash", "100%", "$HOME"]
    text = units.text_of("d", odd, Path("/log"), Path("/k"), {"PATH": "/a b:/c%d", "SECRET": "x"})
    (line,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line.removeprefix("ExecStart="))] == odd
    assert 'Environment="PATH=/a b:/c%%d"' in text
    assert "SECRET" not in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_systemd_itself_finds_nothing_wrong_with_the_unit(tmp_path):
    """Only reads the file; starts nothing."""
    path = tmp_path / "osmo-pf-watchdog-1.service"
    path.write_text(units.text_of("a forward", [sys.executable, "-m", "x y", "50%", "$a"], tmp_path / "l", tmp_path / "k", os.environ))
    import subprocess  # noqa: PLC0415

    done = subprocess.run(["systemd-analyze", "--user", "verify", path], capture_output=True, text=True, check=False)
    assert str(path.name) not in done.stderr, done.stderr
