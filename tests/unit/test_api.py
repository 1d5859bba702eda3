"""The rehearsal's client of the Kubernetes API, against a server that answers as it is told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from rehearsal.api import MERGE, NODES, PODS, STORAGE_CLASSES, Api, ApiError

NOT_FOUND = (404, json.dumps({"kind": "Status", "reason": "NotFound", "message": 'pods "a" not found'}))
REFUSED = (422, json.dumps({"kind": "Status", "reason": "Invalid", "message": 'Pod "a" is invalid'}))


class Server(ThreadingHTTPServer):
    """Gives the prepared answers, in their order, and keeps what it was asked.

    An answer whose status is None is a stream that breaks after its text.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.asked = [], []

    @property
    def api(self):
        return Api(f"http://127.0.0.1:{self.server_port}", "planted-token", Path("unused"))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, url.path, dict(parse_qsl(url.query)), self.headers, body))
        status, text = self.server.answers.pop(0)
        self.send_response(status or 200)
        self.send_header(*(("Content-Length", str(len(text))) if status else ("Transfer-Encoding", "chunked")))
        self.end_headers()
        self.wfile.write((text if status else f"{len(text):x}\r\n{text}\r\n").encode())
        self.close_connection = status is None

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def server():
    with Server() as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield running
        running.shutdown()


def ok(**body):
    return 200, json.dumps(body)


def lines(*events):
    return "".join(json.dumps(event) + "\n" for event in events)


def pod(name):
    return {"metadata": {"namespace": "ns", "name": name}}


def test_a_list_is_read_page_by_page(server):
    server.answers = [ok(metadata={"continue": "more"}, items=[pod("a")]), ok(metadata={"resourceVersion": "7"}, items=[pod("b")])]
    found = server.api.list(PODS, "ns", labelSelector="app=x")
    assert (found["items"], found["metadata"]["resourceVersion"]) == ([pod("a"), pod("b")], "7")
    assert [query for _, _, query, _, _ in server.asked] == [
        {"labelSelector": "app=x", "limit": "500"},
        {"labelSelector": "app=x", "limit": "500", "continue": "more"},
    ]


def test_requests_carry_the_token(server):
    server.answers = [ok(), ok()]
    server.api.get(STORAGE_CLASSES, "fast")
    server.api.create(PODS, pod("a"))
    assert {headers["Authorization"] for *_, headers, _ in server.asked} == {"Bearer planted-token"}
    assert [path for _, path, *_ in server.asked] == ["/apis/storage.k8s.io/v1/storageclasses/fast", "/api/v1/namespaces/ns/pods"]


def test_what_is_not_there_is_none_and_already_deleted(server):
    server.answers = [NOT_FOUND, NOT_FOUND]
    assert server.api.get(PODS, "a", "ns") is None
    server.api.delete(PODS, "a", "ns")


def test_a_deletion_may_be_at_once(server):
    server.answers = [ok()]
    server.api.delete(PODS, "a", "ns", gracePeriodSeconds="0")
    assert server.asked[0][:3] == ("DELETE", "/api/v1/namespaces/ns/pods/a", {"gracePeriodSeconds": "0"})


def test_a_status_is_merged_into_its_subresource(server):
    server.answers = [ok()]
    server.api.patch(PODS, "a", {"status": {"phase": "Failed"}}, "ns", "status")
    method, path, _, headers, body = server.asked[0]
    assert (method, path, headers["Content-Type"]) == ("PATCH", "/api/v1/namespaces/ns/pods/a/status", MERGE)
    assert json.loads(body) == {"status": {"phase": "Failed"}}


@pytest.mark.parametrize(
    ("answer", "code", "reason", "message"),
    [(REFUSED, 422, "Invalid", 'Pod "a" is invalid'), ((503, "no healthy upstream"), 503, "", "no healthy upstream")],
)
def test_a_refusal_says_what_the_api_server_said(server, answer, code, reason, message):
    server.answers = [answer]
    with pytest.raises(ApiError) as refused:
        server.api.create(PODS, pod("a"))
    assert (refused.value.code, refused.value.reason, str(refused.value)) == (code, reason, message)


def test_changes_of_one_namespace_are_told_until_the_server_ends_the_watch(server):
    events = [{"type": "ADDED", "object": pod("a")}, {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}}]
    server.answers = [(200, lines(*events))]
    assert list(server.api.watch(PODS, "7", "ns")) == events
    _, path, query, _, _ = server.asked[0]
    assert (path, query["watch"], query["resourceVersion"]) == ("/api/v1/namespaces/ns/pods", "true", "7")


@pytest.mark.parametrize(
    ("answer", "told", "code"),
    [
        ((200, lines({"type": "ERROR", "object": {"code": 410, "reason": "Expired", "message": "too old"}})), 0, 410),
        ((410, json.dumps({"reason": "Expired", "message": "too old"})), 0, 410),
        ((200, lines({"type": "ADDED", "object": pod("a")}) + '{"type": "ADDED", "obj'), 1, 0),
        ((None, lines({"type": "ADDED", "object": pod("a")})), 1, 0),
    ],
    ids=["expired", "expired-at-once", "half-a-line", "broken-off"],
)
def test_a_watch_that_cannot_go_on_says_so_after_what_it_told(server, answer, told, code):
    server.answers = [answer]
    changes = server.api.watch(PODS, "7")
    assert len([next(changes) for _ in range(told)]) == told
    with pytest.raises(ApiError) as ended:
        next(changes)
    assert ended.value.code == code


def test_a_server_that_does_not_answer_is_neither_ready_nor_read():
    with Server() as closed:
        api = closed.api
    assert not api.is_ready()
    with pytest.raises(ApiError) as unreachable:
        api.get(NODES, "n")
    assert unreachable.value.code == 0
    with pytest.raises(ApiError) as unreachable:
        next(api.watch(NODES, "7"))
    assert unreachable.value.code == 0


def test_a_server_is_ready_when_it_says_so(server):
    server.answers = [(500, "[-]poststarthook failed"), (200, "ok")]
    assert [server.api.is_ready(), server.api.is_ready()] == [False, True]
