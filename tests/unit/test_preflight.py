"""What is asked of this host and of the cluster before anything is registered."""

from __future__ import annotations

import base64
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import psutil
import pytest

from sdg.forward import control
from sdg.forward.lifetime import start_of
from sdg.forward.store import Marker, Store
from sdg.kube.portforward import Target
from sdg.preflight import api_server, port
from sdg.settings.kubeconfig import ApiServer

GATEWAY = Target("osmo-minimal", "osmo-gateway", 80)
SERVES = "service/osmo-minimal/osmo-gateway:80 of lab"
HERE, ELSEWHERE = "https://127.0.0.1:6443", "https://127.0.0.1:7443"


@pytest.fixture
def forward(tmp_path, monkeypatch):
    """A forward that runs, as far as its marker says, and the answers that are to be had from it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    Store.of_user(9000).mark(Marker(os.getpid(), start_of(psutil.Process()), SERVES, HERE))

    def set_answers(*, given):
        monkeypatch.setattr(control, "answers", lambda _port, *_: given)

    set_answers(given=True)
    return set_answers


def test_the_stacks_own_forward_is_no_problem(forward):
    assert port.problem(9000, GATEWAY, "lab", HERE) is None
    assert port.problem(9000, GATEWAY, "lab", None) is None


def test_the_forward_to_a_clusters_former_address_is_no_problem_once_nothing_answers_there(forward):
    forward(given=False)
    assert port.problem(9000, GATEWAY, "lab", ELSEWHERE) is None


@pytest.mark.parametrize(("cluster", "server"), [("lab", ELSEWHERE), ("other", HERE)])
def test_a_forward_to_another_cluster_is_named_with_what_stops_it(forward, cluster, server):
    said = str(port.problem(9000, GATEWAY, cluster, server))
    assert f"{SERVES} at {HERE}; stop it with `sdg forward stop 9000`" in said


def test_a_forward_to_a_cluster_of_another_name_is_in_the_way_even_when_it_does_not_answer(forward):
    forward(given=False)
    assert "of lab at" in str(port.problem(9000, GATEWAY, "other", ELSEWHERE))


@pytest.fixture
def listener():
    """An HTTP server that refuses everything; keeps what it was asked, as (line, headers)."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append((self.requestline, dict(self.headers)))
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_CONNECT(self):
            self.do_GET()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"127.0.0.1:{server.server_port}", requests
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def no_proxy_of_the_environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_a_refusal_is_an_answer_and_no_credential_is_sent_for_it(listener, tmp_path, monkeypatch):
    address, requests = listener
    (tmp_path / "netrc").write_text("default login somebody password planted")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert api_server.problem(ApiServer(f"http://{address}")) is None
    assert api_server.problem(ApiServer(f"http://somebody:planted@{address}")) is None
    assert len(requests) == 2
    assert not [headers for _, headers in requests if "Authorization" in headers]


def test_the_kubeconfigs_proxy_is_asked_and_not_that_of_the_environment(listener, monkeypatch):
    address, requests = listener
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert api_server.problem(ApiServer("http://cluster.invalid", f"http://me:secret@{address}")) is None
    assert [line for line, _ in requests] == ["GET http://cluster.invalid/version HTTP/1.1"]
    assert requests[0][1]["Proxy-Authorization"] == "Basic " + base64.b64encode(b"me:secret").decode()


def test_the_environments_proxy_is_asked_except_for_this_host(listener, monkeypatch):
    address, requests = listener
    monkeypatch.setenv("HTTP_PROXY", f"http://{address}")
    assert api_server.problem(ApiServer("http://cluster.invalid")) is None
    assert len(requests) == 1
    assert "Connection refused".lower() in (api_server.problem(ApiServer("http://127.0.0.1:1")) or "")
    assert len(requests) == 1


def test_an_api_server_behind_a_proxy_that_refuses_is_a_problem_that_shows_no_password(listener):
    address, _ = listener
    said = api_server.problem(ApiServer("https://cluster.invalid", f"http://me:secret@{address}"))
    assert said is not None
    assert said.startswith(f"The cluster's API server at https://cluster.invalid does not answer through the proxy http://{address} (")
    assert "secret" not in said


def test_nothing_is_said_of_an_api_server_behind_a_proxy_that_only_kubectl_can_use():
    assert api_server.problem(ApiServer("https://cluster.invalid", "socks5://127.0.0.1:1")) is None


@pytest.mark.parametrize("url", ["https://[::1", "127.0.0.1:6443", "https://"])
def test_an_address_that_is_no_url_is_one_sentence(url):
    assert f"API server at {url} does not answer (" in (api_server.problem(ApiServer(url)) or "")
