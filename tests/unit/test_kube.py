"""The way into a cluster: connections, the API by path, and kubectl's forward (a script here)."""

import contextlib
import json
import os
import socket
import sys
import textwrap
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from sdg.gates.probes.gateway import Endpoint, ForwardedGateway
from sdg.kube.api import KubernetesApi, items
from sdg.kube.connection import Connection
from sdg.kube.errors import ConnectionInvalidError, ForwardError, KubectlMissingError, ObjectNotFoundError, RefusedError, UnreachableError
from sdg.kube.portforward import PortForward, Target, forwarded

TARGET = Target("osmo-minimal", "osmo-gateway", 80)


def connection(server="https://127.0.0.1:6443", context=None, **user):
    document = {
        "current-context": "here",
        "contexts": [
            {"name": "here", "context": {"cluster": "c", "user": "u"}},
            {"name": "there", "context": {"cluster": "d", "user": "u"}},
        ],
        "clusters": [{"name": "c", "cluster": {"server": server}}, {"name": "d", "cluster": {"server": "https://there"}}],
        "users": [{"name": "u", "user": {"token": "t0ken", **user}}],
    }
    return Connection(json.dumps(document), context)


@contextlib.contextmanager
def api(answer):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = answer(self)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        do_POST = do_GET  # noqa: N815 (the base class' name for it)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield KubernetesApi.connect(connection(f"http://127.0.0.1:{server.server_port}"))
    finally:
        server.shutdown()
        server.server_close()


def test_the_context_says_which_cluster_it_is():
    assert connection().server == "https://127.0.0.1:6443"
    assert connection(context="there").server == "https://there"


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (Connection("{"), "not valid YAML"),
        (Connection(""), "empty"),
        (connection(context="nowhere"), "no context 'nowhere'; it has: here, there"),
    ],
)
def test_an_unusable_kubeconfig_is_named_without_its_content(broken, words):
    with pytest.raises(ConnectionInvalidError, match=words):
        _ = broken.server


def test_a_connection_does_not_show_its_credentials():
    assert "t0ken" not in repr(connection())


def test_the_kubeconfigs_file_is_private_and_gone_afterwards():
    with connection().private_file() as path:
        assert path.stat().st_mode & 0o777 == 0o600
        assert "t0ken" in path.read_text()
    assert not path.exists()


def test_objects_are_read_by_path_with_the_users_token():
    seen = []

    def answer(request):
        seen.append((request.path, request.headers["Authorization"]))
        return 200, {"items": [{"metadata": {"name": "a"}}]}

    with api(answer) as cluster:
        assert items(cluster, "/api/v1/nodes", {"limit": "5"})[0]["metadata"]["name"] == "a"
    assert seen == [("/api/v1/nodes?limit=5", "Bearer t0ken")]


def test_an_object_is_created_with_its_document_as_json():
    def answer(request):
        sent = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        return 201, {"sent": sent, "method": request.command, "type": request.headers["Content-Type"]}

    with api(answer) as cluster:
        found = cluster.post("/api/v1/namespaces/n/pods", {"kind": "Pod"})
    assert found == {"sent": {"kind": "Pod"}, "method": "POST", "type": "application/json"}


@pytest.mark.parametrize(("status", "error"), [(404, ObjectNotFoundError), (403, RefusedError), (500, RefusedError)])
def test_errors_keep_the_api_servers_sentence(status, error):
    with api(lambda request: (status, {"message": "nodes is forbidden"})) as cluster, pytest.raises(error, match="nodes is forbidden"):
        cluster.get("/api/v1/nodes")


def test_a_cluster_that_is_down_is_unreachable_in_plain_words():
    with pytest.raises(UnreachableError, match="Connection refused"):
        KubernetesApi.connect(connection("http://127.0.0.1:9")).get("/version")


def test_a_cluster_that_does_not_answer_is_given_up_within_five_seconds():
    with contextlib.closing(socket.socket()) as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        started = time.monotonic()
        with pytest.raises(UnreachableError):
            KubernetesApi.connect(connection(f"http://127.0.0.1:{mute.getsockname()[1]}")).get("/version")
    assert time.monotonic() - started < 5


KUBECTL = """\
    #!{python}
    import pathlib, sys, time
    home = pathlib.Path(__file__).parent
    arguments = sys.argv[1:]
    (home / "call").write_text(" ".join(arguments))
    (home / "kubeconfig").write_text(pathlib.Path(arguments[arguments.index("--kubeconfig") + 1]).read_text())
    {does}
"""
LISTENS = 'print("Forwarding from 127.0.0.1:45678 -> 8080", flush=True); time.sleep(60)'


@pytest.fixture
def kubectl(tmp_path, monkeypatch):
    def install(does):
        script = tmp_path / "kubectl"
        script.write_text(textwrap.dedent(KUBECTL).format(python=sys.executable, does=does))
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        return tmp_path

    return install


def test_a_forward_is_up_as_soon_as_kubectl_says_so_and_gone_with_its_block(kubectl):
    home = kubectl(LISTENS)
    before = set(psutil.Process().children())
    with forwarded(connection(context="there"), TARGET) as url:
        assert url == "http://127.0.0.1:45678"
        (process,) = set(psutil.Process().children()) - before
    assert not process.is_running()
    call = (home / "call").read_text()
    assert "--context there port-forward --namespace osmo-minimal --address 127.0.0.1 service/osmo-gateway :80" in call
    assert "t0ken" not in call
    assert not Path(call.split()[1]).exists()


def test_a_forward_that_cannot_come_up_ends_in_kubectls_words(kubectl):
    kubectl('sys.exit("error: unable to forward port because pod is not running. Current status=Pending")')
    with pytest.raises(ForwardError, match="pod is not running"):
        PortForward(connection(), TARGET)


def test_a_forward_that_says_nothing_is_given_up_in_time(kubectl):
    kubectl("time.sleep(60)")
    started = time.monotonic()
    with pytest.raises(ForwardError, match="it said nothing"):
        PortForward(connection(), TARGET, timeout=0.5)
    assert time.monotonic() - started < 3


def test_a_gateway_closes_at_once_while_its_forward_comes_up(kubectl):
    kubectl("time.sleep(60)")
    gateway = ForwardedGateway(connection(), Endpoint(TARGET))
    ended = []

    def ask():
        try:
            with gateway.client():
                pass
        except ForwardError as error:
            ended.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    before = set(psutil.Process().children())
    asking.start()
    while not (opened := set(psutil.Process().children()) - before):
        time.sleep(0.01)
    started = time.monotonic()
    gateway.close()
    assert time.monotonic() - started < 1
    asking.join(timeout=5)
    assert ended
    assert not any(process.is_running() for process in opened)


def test_a_talkative_kubectl_does_not_stall(kubectl, tmp_path):
    chatter = "[print('Handling connection for 45678', flush=True) for _ in range(9000)]; (home / 'done').touch()"
    kubectl(LISTENS.replace("time.sleep", f"{chatter}; time.sleep"))
    with forwarded(connection(), TARGET):
        end = time.monotonic() + 5
        while not (tmp_path / "done").exists() and time.monotonic() < end:
            time.sleep(0.02)
        assert (tmp_path / "done").exists()


def test_a_missing_kubectl_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(KubectlMissingError, match="not on PATH"):
        PortForward(connection(), TARGET)
