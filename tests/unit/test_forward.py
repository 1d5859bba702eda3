"""The user's forward, with a kubectl that is a script: it listens and answers, or does not."""

import contextlib
import os
import signal
import socket
import sys
import textwrap
import time

import psutil
import pytest

from sdg import forward
from sdg.forward import control
from sdg.forward.lifetime import start_of, started_at
from sdg.forward.store import Marker, Store
from sdg.kube.connection import Connection
from sdg.kube.portforward import Target
from tests.ports import free_port

KUBECTL = """\
    #!{python}
    import http.server, pathlib, sys
    home = pathlib.Path(__file__).parent
    (home / "calls").open("a").write(" ".join(sys.argv[1:]) + "\\n")
    if (home / "mute").exists():
        sys.exit("error: unable to forward port because pod is not running")
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if (home / "deaf").exists():
                self.connection.close()
                return
            self.send_response(404); self.send_header("Content-Length", "0"); self.end_headers()
        def log_message(self, *a): pass
    port = int(sys.argv[-1].split(":")[0])
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""


def kubeconfig(server="https://127.0.0.1:6443", token="one"):  # noqa: S107 (no secret)
    return textwrap.dedent(f"""\
        current-context: here
        contexts: [{{name: here, context: {{cluster: c, user: u}}}}]
        clusters: [{{name: c, cluster: {{server: "{server}"}}}}]
        users: [{{name: u, user: {{token: {token}}}}}]
    """)


def eventually(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A directory with a fake kubectl, first on PATH."""
    home = tmp_path / "bin"
    home.mkdir()
    (home / "kubectl").write_text(textwrap.dedent(KUBECTL).format(python=sys.executable))
    (home / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return home


@pytest.fixture
def spec(fake):
    wanted = forward.ForwardSpec(Connection(kubeconfig()), Target("osmo-minimal", "osmo-gateway", 80), "lab", free_port())
    yield wanted
    control.stop_port(wanted.port)


def same_port(spec, cluster="lab", context=None, **kubeconfig_changes):
    return forward.ForwardSpec(Connection(kubeconfig(**kubeconfig_changes), context), spec.target, cluster, spec.port)


def child(pid):
    return next(iter(psutil.Process(pid).children()), None)


def test_a_started_forward_answers_and_its_watchdog_says_what_it_is(spec):
    started = forward.start(spec)
    assert started.answers
    assert not started.reused
    assert psutil.Process(started.pid).cmdline()[0] == "osmo-pf-watchdog:osmo-gateway"


def test_a_stopped_forward_leaves_no_process_port_or_credential(spec):
    pid = forward.start(spec).pid
    kubectl = child(pid)
    assert forward.stop(spec)
    assert gone(pid)
    assert gone(kubectl.pid)
    assert [path.suffix for path in Store.of_user(spec.port).directory.iterdir()] == [".lock"]
    assert forward.status(spec) is None


def test_the_same_forward_is_reused_and_new_credentials_reach_it(spec):
    first = forward.start(spec)
    before = child(first.pid).pid
    again = forward.start(same_port(spec, token="two"))
    assert (again.pid, again.reused) == (first.pid, True)
    assert eventually(lambda: (now := child(first.pid)) and now.pid != before)
    assert "token: two" in Store.of_user(spec.port).kubeconfig.read_text()


def test_kubeconfig_and_log_are_private(spec):
    forward.start(spec)
    modes = {path.stat().st_mode & 0o077 for path in Store.of_user(spec.port).directory.iterdir() if path.suffix != ".lock"}
    assert modes == {0}


@pytest.mark.parametrize("change", [{"cluster": "other"}, {"server": "https://elsewhere:6443"}], ids=["name", "address"])
def test_another_clusters_forward_is_named_with_the_remedy_and_left_alone(spec, change):
    pid = forward.start(spec).pid
    other = same_port(spec, **change)
    served = f"osmo-gateway:80 of lab at https://127.0.0.1:6443; stop it with `sdg forward stop {spec.port}`"
    with pytest.raises(forward.PortTaken, match=served):
        forward.start(other)
    assert not forward.stop(other)
    assert not gone(pid)


def moved(spec):
    return same_port(spec, server="https://elsewhere:6443")


def test_a_forward_to_an_address_where_nothing_answers_any_more_is_replaced(spec, fake):
    pid = forward.start(spec).pid
    (fake / "deaf").touch()
    assert eventually(lambda: not control.answers(spec.port))
    forward.check(spec.port, moved(spec).identity)
    with pytest.raises(forward.PortTaken):  # another cluster's stays, whether it answers or not
        forward.check(spec.port, same_port(spec, cluster="other", server="https://elsewhere:6443").identity)
    with pytest.raises(forward.ForwardTimeoutError):
        forward.start(moved(spec), timeout=0.5)
    (fake / "deaf").unlink()
    assert forward.start(moved(spec)).answers
    assert gone(pid)
    assert "elsewhere" in Store.of_user(spec.port).kubeconfig.read_text()


def test_whoever_knows_that_the_cluster_has_moved_replaces_its_forward_though_it_answers(spec):
    pid = forward.start(spec).pid
    started = forward.start(moved(spec), was=spec.connection.server)
    assert (started.reused, gone(pid)) == (False, True)
    assert forward.status(moved(spec)).answers
    assert forward.status(spec) is None


def test_a_context_of_another_name_reaches_kubectl(spec, fake):
    forward.start(spec)
    forward.start(same_port(spec, context="here"))
    assert "--context here" in (fake / "calls").read_text().splitlines()[-1]


def test_a_port_that_something_else_holds_is_named_with_its_owner(spec):
    with contextlib.closing(socket.socket()) as squatter:
        squatter.bind(("127.0.0.1", spec.port))
        squatter.listen()
        with pytest.raises(forward.PortTaken, match=rf"port {spec.port} .*pid {os.getpid()}") as raised:
            forward.start(spec)
        with pytest.raises(forward.PortTaken):
            forward.check(spec.port, spec.identity)
    assert raised.value.owner.pid == os.getpid()


def test_a_port_that_is_free_or_serves_the_same_is_no_problem(spec):
    forward.check(spec.port, spec.identity)
    forward.start(spec)
    forward.check(spec.port, spec.identity)
    with pytest.raises(forward.PortTaken, match="which serves"):
        forward.check(spec.port, same_port(spec, server="https://elsewhere:6443").identity)


def test_a_kubectl_that_dies_is_started_again(spec):
    pid = forward.start(spec).pid
    first = child(pid)
    first.kill()
    assert eventually(lambda: (now := child(pid)) and now.pid != first.pid and forward.status(spec).answers)


def test_a_forward_that_lives_but_does_not_answer_is_started_again(spec, fake):
    pid = forward.start(spec).pid
    first = child(pid)
    (fake / "deaf").touch()
    assert eventually(lambda: gone(first.pid))
    (fake / "deaf").unlink()
    assert eventually(lambda: forward.status(spec).answers)


def test_a_forward_that_never_answers_ends_with_kubectls_words(spec, fake):
    (fake / "mute").touch()
    with pytest.raises(forward.ForwardTimeoutError, match="pod is not running"):
        forward.start(spec, timeout=5.0)
    assert forward.status(spec) is None


def test_a_kubectl_that_a_killed_watchdog_left_behind_is_replaced(spec):
    pid = forward.start(spec).pid
    orphan = child(pid)
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: gone(pid))
    assert forward.start(spec).answers
    assert gone(orphan.pid)


def orphan_of(spec):
    """The kubectl of a watchdog that was killed."""
    pid = forward.start(spec).pid
    kubectl = child(pid)
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: gone(pid))
    assert control.answers(spec.port)
    return kubectl


@pytest.mark.parametrize(
    "stop",
    [forward.stop, lambda spec: control.stop_port(spec.port), lambda spec: control.stop_all(spec.connection.server)],
    ids=["stop", "stop_port", "stop_all"],
)
def test_stopping_a_forward_whose_watchdog_is_dead_ends_its_kubectl_and_removes_its_credentials(spec, stop):
    kubectl = orphan_of(spec)
    assert stop(spec)
    assert gone(kubectl.pid)
    assert [path.suffix for path in Store.of_user(spec.port).directory.iterdir()] == [".lock"]


def test_what_a_dead_watchdog_of_another_cluster_left_is_not_touched(spec):
    kubectl = orphan_of(spec)
    assert not forward.stop(same_port(spec, cluster="other"))
    assert control.stop_all("https://elsewhere:6443") == []
    assert not gone(kubectl.pid)


def test_credentials_of_a_forward_of_which_no_process_is_left_are_removed(spec):
    orphan_of(spec).kill()
    assert eventually(lambda: not control.answers(spec.port))
    assert not forward.stop(spec)
    assert not Store.of_user(spec.port).kubeconfig.exists()


def test_a_watchdog_whose_marker_is_lost_is_ended_by_its_port(spec):
    pid = forward.start(spec).pid
    (Store.of_user(spec.port).directory / f"{spec.port}.json").unlink()
    assert control.stop_port(spec.port) == "something unknown"
    assert gone(pid)
    assert not control.answers(spec.port)


def test_a_marker_of_a_pid_that_was_used_again_is_ignored(spec):
    Store.of_user(spec.port).mark(Marker(os.getpid(), "another start", spec.identity.serves, spec.identity.server))
    assert forward.status(spec) is None
    assert not forward.stop(spec)


def test_a_forward_is_found_again_after_the_clock_was_set(spec, monkeypatch):
    pid = forward.start(spec).pid
    true_time = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: true_time(process) + 3600)
    assert forward.status(spec).pid == pid


def test_a_process_is_told_from_others_by_its_start(monkeypatch, tmp_path):
    mine = psutil.Process()
    assert started_at(mine, start_of(mine))
    assert not started_at(psutil.Process(1), start_of(mine))
    monkeypatch.setattr("sdg.forward.lifetime._BOOT", tmp_path / "none")
    assert start_of(mine).startswith("clock:")
    assert started_at(mine, f"clock:{mine.create_time() + 0.5}")
    assert not started_at(mine, f"clock:{mine.create_time() + 60}")
