"""The OSMO client against recorded answers, served by a local HTTP server."""

import json
import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from sdg.osmo.client import OsmoClient
from sdg.osmo.errors import OsmoAnswerError, OsmoNotFoundError, OsmoRefusedError, OsmoUnavailableError, OsmoUnreachableError

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "osmo" / "exchanges.json").read_text())


class Request:
    """What the server was asked."""

    def __init__(self, method, target, headers, body):
        parts = urlsplit(target)
        self.method, self.path, self.query = method, parts.path, parse_qs(parts.query)
        self.user, self.json = headers.get("x-osmo-user"), json.loads(body) if body else None


@contextmanager
def serving(*answers):
    """A server that gives recorded answers in turn (the last one again and again), and the list of what it was asked."""
    asked, left = [], list(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(Request(self.command, self.path, self.headers, body))
            answer = left.pop(0) if len(left) > 1 else left[0]
            answer(self) if callable(answer) else send(self, RECORDED[answer])

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 (the interface)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def send(handler, exchange):
    payload = exchange["text"] if "text" in exchange else json.dumps(exchange["body"])
    handler.send_response(exchange["status"])
    handler.send_header("Content-Length", str(len(payload.encode())))
    handler.end_headers()
    handler.wfile.write(payload.encode())


def says(status, text):
    return lambda handler: send(handler, {"status": status, "text": text})


def endless(*lines):
    """A stream of a workflow that is alive: some lines, then nothing, and no end."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for line in lines:
            handler.wfile.write(f"{len(line) + 1:x}\r\n{line}\n\r\n".encode())
        handler.wfile.flush()
        handler.rfile.read(1)  # until the client goes away

    return answer


def reset(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def client(*answers, **options):
    with serving(*answers) as (url, asked), OsmoClient(url, **options) as osmo:
        yield osmo, asked


def test_the_version_is_put_together():
    with client("version") as (osmo, _):
        assert osmo.version() == "6.3.1"


@pytest.mark.parametrize(("answer", "status"), [("pool-list", "ONLINE"), ("pool-list-offline", "OFFLINE")])
def test_pools_say_whether_they_are_online(answer, status):
    with client(answer) as (osmo, _):
        assert osmo.pools()["default"].status == status


def test_resources_are_those_of_one_pool():
    with client("resource-list-pool") as (osmo, asked):
        (node,) = osmo.resources("gpu")
    assert node.hostname == "gpu-node-0"
    assert asked[0].query == {"pools": ["gpu"]}


def test_a_submit_sends_the_spec_and_the_user_and_returns_the_id():
    with client("workflow-submit-ok", user="me") as (osmo, asked):
        assert osmo.submit("default", "workflow: …") == "verify-hello-3"
    assert (asked[0].method, asked[0].path, asked[0].user) == ("POST", "/api/pool/default/workflow", "me")
    assert asked[0].json == {"file": "workflow: …"}


def test_a_refused_submit_carries_the_services_words_and_code():
    with client("submit-err-resource-over-capacity") as (osmo, _), pytest.raises(OsmoRefusedError, match="too high for CPU") as refused:
        osmo.submit("default", "x")
    assert (refused.value.status, refused.value.code) == (400, "RESOURCE")


@pytest.mark.parametrize(
    ("answer", "terminal", "completed", "task", "exit_code"),
    [
        ("workflow-query-completed", True, True, None, None),
        ("workflow-query-failed", True, False, "hello", 2),
        ("workflow-query-pending-scheduling", False, False, None, None),
        ("workflow-query-failed-submission", True, False, None, None),
    ],
)
def test_a_workflow_says_how_it_stands_and_which_task_failed(answer, terminal, completed, task, exit_code):
    with client(answer) as (osmo, _):
        workflow = osmo.workflow("w-1")
    failed = workflow.failed_task()
    assert (workflow.terminal, workflow.completed) == (terminal, completed)
    assert (failed and failed.name, failed and failed.exit_code) == (task, exit_code)


def test_the_failed_task_names_the_exact_reason_where_its_workflow_says_only_failed():
    with client("workflow-query-failed-image-pull") as (osmo, _):
        workflow = osmo.workflow("two-groups-1")
    assert (workflow.status, workflow.failed_task().status) == ("FAILED", "FAILED_IMAGE_PULL")


def test_a_missing_workflow_is_not_found_although_the_status_is_400():
    with client("workflow-query-notfound") as (osmo, _), pytest.raises(OsmoNotFoundError, match="nope-1 is not found"):
        osmo.workflow("nope-1")


def test_cancelling_what_has_ended_is_no_error():
    with client("workflow-cancel", "workflow-cancel-finished") as (osmo, asked):
        osmo.cancel("verify-hello-13", "stop it")
        osmo.cancel("verify-hello-3")
    assert asked[0].query == {"message": ["stop it"]}


def test_logs_are_the_last_lines():
    with client("workflow-logs-completed") as (osmo, asked):
        assert osmo.logs("w-1", "hello", last_n=1) == ["2026/11/22 00:39:53 [hello] Task ran on gpu-node-0"]
    assert asked[0].query == {"last_n_lines": ["1"], "task_name": ["hello"]}


def test_a_stream_that_does_not_end_is_read_until_it_falls_silent():
    started = time.monotonic()
    with client(endless("one", "two")) as (osmo, _):
        assert osmo.events("w-1", deadline=5.0) == ["one", "two"]
        assert time.monotonic() - started < 2


def test_a_stream_that_begins_late_is_read_nevertheless():
    def late(handler):
        time.sleep(0.8)  # longer than the silence that ends a stream
        send(handler, RECORDED["workflow-logs-completed"])

    with client(late) as (osmo, _):
        assert len(osmo.logs("w-1", deadline=3.0)) == 3


def test_a_stream_that_stays_silent_is_given_up():
    def mute(handler):
        handler.rfile.read(1)

    started = time.monotonic()
    with client(mute) as (osmo, _):
        assert osmo.logs("w-1", deadline=0.3) == []
        assert time.monotonic() - started < 2


def test_a_new_user_is_created_with_its_roles():
    with client("user-get-missing", "user-create") as (osmo, asked):
        osmo.ensure_user("alice", ["osmo-backend"])
    assert asked[1].json == {"id": "alice", "roles": ["osmo-backend"]}


def test_a_user_that_exists_gets_only_the_roles_that_it_lacks():
    with client("user-get", says(200, "null")) as (osmo, asked):
        osmo.ensure_user("alice", ["osmo-user", "osmo-backend"])
    assert [(request.method, request.path, request.json) for request in asked[1:]] == [
        ("POST", "/api/auth/user/alice/roles", {"role_name": "osmo-backend"})
    ]


def test_a_token_replaces_the_one_of_its_name_and_lasts_as_long_as_was_asked():
    with client("token-delete-missing", "token-create") as (osmo, asked):
        osmo.mint_token("backend-operator", "backend-token", ["osmo-backend"], valid_days=30, description="d")
    assert [request.method for request in asked] == ["DELETE", "POST"]
    assert asked[1].path == "/api/auth/user/backend-operator/access_token/backend-token"
    expected = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    assert asked[1].query == {"expires_at": [expected], "description": ["d"], "roles": ["osmo-backend"]}


def test_a_token_that_would_last_too_long_is_refused_in_the_services_words():
    with client("token-delete-missing", "token-create-too-long") as (osmo, _), pytest.raises(OsmoRefusedError, match="365d"):
        osmo.mint_token("u", "t", [], valid_days=4000)


def test_tokens_are_listed_without_their_values():
    with client("token-list") as (osmo, _):
        assert [token.name for token in osmo.tokens("alice")] == ["ci", "ci2"]


def test_a_gateway_without_a_service_is_unavailable_in_its_own_words():
    with client(says(503, "no healthy upstream")) as (osmo, _), pytest.raises(OsmoUnavailableError, match="HTTP 503: no healthy upstream"):
        osmo.version()


def test_a_forbidden_call_is_refused_in_the_gateways_words():
    with client(says(403, "access denied")) as (osmo, _), pytest.raises(OsmoRefusedError, match="access denied"):
        osmo.version()


@pytest.mark.parametrize("text", ["<html>", "[1]"])
def test_an_answer_of_another_shape_is_said_to_be_one(text):
    with client(says(200, text)) as (osmo, _), pytest.raises(OsmoAnswerError):
        osmo.version()


@pytest.mark.parametrize(
    ("ask", "route"),
    [
        (lambda osmo: osmo.version(), "GET /api/version"),
        (lambda osmo: osmo.pools(), "GET /api/pool"),
        (lambda osmo: osmo.resources("p"), "GET /api/resources"),
        (lambda osmo: osmo.submit("p", "spec"), "POST /api/pool/p/workflow"),
        (lambda osmo: osmo.workflow("w-1"), "GET /api/workflow/w-1"),
        (lambda osmo: osmo.workflows("w", "p"), "GET /api/workflow"),
        (lambda osmo: osmo.ensure_user("u", []), "GET /api/auth/user/u"),
        (lambda osmo: osmo.tokens("u"), "GET /api/auth/user/u/access_token"),
    ],
)
@pytest.mark.parametrize("text", ["null", "3", '["x"]', '{"pools": 1, "resources": 1, "workflows": [{}], "groups": 1, "roles": 1}'])
def test_an_answer_of_another_shape_names_its_route(ask, route, text):
    with client(says(200, text)) as (osmo, _), pytest.raises(OsmoAnswerError, match=f"^{route} answered in a shape that is not known"):
        ask(osmo)


def test_workflows_are_listed_with_their_state():
    with client("workflow-list") as (osmo, _):
        (found,) = osmo.workflows("verify-hello", "default")
    assert (found.id, found.terminal) == ("verify-hello-3", False)


def test_a_reset_connection_is_unreachable_and_named():
    with client(reset) as (osmo, _), pytest.raises(OsmoUnreachableError, match="GET /api/version"):
        osmo.version()


def test_a_service_that_does_not_answer_is_given_up_in_time():
    def slow(handler):
        handler.rfile.read(1)

    started = time.monotonic()
    with client(slow, timeout=0.3) as (osmo, _), pytest.raises(OsmoUnreachableError):
        osmo.version()
    assert time.monotonic() - started < 2


def test_proxies_of_the_environment_are_not_asked(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with client("version") as (osmo, _):
        assert osmo.version() == "6.3.1"
